"""Ending work that may not want to end.

`asyncio.wait_for` of Python 3.11 swallows a cancellation that comes together with the result it waits for. nats-py is
full of it, and psycopg's pool lends its connections by it: the task that was to end lives on. Seen as a consumer that
would not stop, and as a room that would not.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
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


@asynccontextmanager
async def heeding(context: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """Enter a context that may swallow a cancellation while it opens, and be cancelled then all the same.

    Unlike `cancellable` it opens in the caller's own task, for contexts that must close in the task they opened in.
    """
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()  # work that tidies up after a cancellation may enter
    async with context as value:
        if task.cancelling() > before:
            raise asyncio.CancelledError
        yield value
