"""Ctrl-C at a moment that suits: what must not be torn holds it back until it is done."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Hold SIGINT back; one that came meanwhile is dealt with at the end, as it would have been.

    A process started meanwhile never hears of one, from before its first import: it inherits the mask. The mask alone
    would not do here, since the signal may reach any thread, and Python interrupts the main one for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
    if came:
        signal.raise_signal(signal.SIGINT)
