"""Ending work that may not want to end.

`asyncio.wait_for` of Python 3.11 swallows a cancellation that comes together with the result it waits for, and nats-py
is full of it: the task that was to end lives on. Seen as a consumer that would not stop.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def background(work: Awaitable[None], on_failure: Callable[[BaseException], None]) -> AsyncIterator[None]:
    """Run `work` while the context is open. Its failure is told to `on_failure`, for the reader to raise it.

    A TaskGroup would wrap what the body of the context raises; a reader's `except` must see the error itself.
    """
    task = asyncio.ensure_future(work)

    def ended(done: "asyncio.Future[None]") -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            on_failure(error)

    task.add_done_callback(ended)
    try:
        yield
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=1)


async def cancellable(work: Awaitable[T]) -> T:
    """Await what may swallow a cancellation (`asyncio.wait_for` of Python 3.11 may), and still be cancelled at once."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        raise
    return task.result()
