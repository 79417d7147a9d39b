"""Work ends when it is told to, even where a library swallows the telling."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chassis.cancellation import background, cancellable, heeding


async def swallow(times: int) -> str:
    """Swallow so many cancellations, as a library does."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    return "done"


async def test_awaiting_is_cancelled_at_once_whatever_the_work_swallows() -> None:
    task = asyncio.ensure_future(cancellable(swallow(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_awaiting_gives_what_the_work_gives() -> None:
    assert await cancellable(swallow(0)) == "done"

    with pytest.raises(ZeroDivisionError):
        await cancellable(fail())


async def test_background_work_ends_with_its_context_though_it_swallows_a_cancellation() -> None:
    failures: list[BaseException] = []

    async def work() -> None:
        await swallow(1)
        await asyncio.Event().wait()

    async with asyncio.timeout(60):
        async with background(work(), failures.append):
            await asyncio.sleep(0)

    assert failures == []


async def test_background_failure_is_told() -> None:
    failures: list[BaseException] = []

    async with background(fail(), failures.append):
        await asyncio.sleep(0.01)

    assert [type(error) for error in failures] == [ZeroDivisionError]


async def test_a_lender_that_swallows_a_cancellation_does_not_keep_its_borrower() -> None:
    @asynccontextmanager
    async def lent() -> AsyncIterator[str]:
        yield await swallow(1)

    entered: list[str] = []

    async def borrow() -> None:
        async with heeding(lent()) as value:
            entered.append(value)

    task = asyncio.ensure_future(borrow())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert entered == []


async def test_work_that_tidies_up_after_its_cancellation_may_borrow() -> None:
    @asynccontextmanager
    async def lent() -> AsyncIterator[str]:
        yield "connection"

    tidied: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            async with heeding(lent()) as value:
                tidied.append(value)

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert tidied == ["connection"]


async def fail() -> None:
    """Fail."""
    raise ZeroDivisionError
