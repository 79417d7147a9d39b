"""Ctrl-C is held back while something must not be torn, whichever thread the signal reaches."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from research.search import interrupts


def test_an_interrupt_comes_once_what_holds_it_is_done() -> None:
    done: list[str] = []

    def work() -> None:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("held")
        done.append("after")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["held"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_one_that_reaches_another_thread_waits_too() -> None:
    go, done = threading.Event(), list[str]()

    def interrupted() -> None:
        go.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    def work() -> None:
        with interrupts.held():
            go.set()
            other.join()
            done.append("held")
        done.append("after")

    other = threading.Thread(target=interrupted)  # begun before: it masks nothing
    other.start()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["held"]


def test_nothing_comes_where_nothing_came() -> None:
    with interrupts.held():
        pass

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_process_started_meanwhile_hears_of_no_interrupt() -> None:
    with interrupts.held():
        words = "import sys; print('up', flush=True); sys.stdin.readline(); print('lived')"
        child = subprocess.Popen(
            [sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    child.send_signal(signal.SIGINT)
    told, _ = child.communicate("\n", timeout=60)

    assert told == "lived\n"
