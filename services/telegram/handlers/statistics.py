"""Topic: what trades came to: one's own, the strategies', and for operators everybody's."""

from collections.abc import Awaitable, Callable

from contracts import catalogue
from contracts.asks import GetRecord, GetStatistics, GetSystemStatistics, Subscriber
from services.telegram.domain import answers, figures
from services.telegram.domain.rendering import Rendered
from services.telegram.handlers.desk import Desk, Reader, Request

MOST_DIGITS = 4

Show = Callable[[Desk, int, int | None, Reader], Awaitable[Rendered]]


async def show_performance(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Show the person's own trades, of the last days where a number of them was given."""
    await _show(desk, request, desk.reader(subscriber), _performance)


async def show_analytics(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Show what the strategies' automatic signals came to."""
    await _show(desk, request, desk.reader(subscriber), _analytics)


async def show_stats(desk: Desk, request: Request, reader: Reader) -> None:
    """Show an operator everybody's trades."""
    await _show(desk, request, reader, _stats)


async def _show(desk: Desk, request: Request, reader: Reader, show: Show) -> None:
    """Show figures of all time, or of as many days as the argument says."""
    argument = request.argument.strip()
    if argument and not (argument.isdecimal() and len(argument) <= MOST_DIGITS and int(argument)):
        await desk.answer(request, reader, answers.plain("performance.usage", reader.words))
        return
    days = int(argument) if argument else None
    await desk.answer(request, reader, await show(desk, request.person_id, days, reader))


async def _performance(desk: Desk, person: int, days: int | None, reader: Reader) -> Rendered:
    found = await desk.bus.ask(catalogue.STATISTICS, GetStatistics(subscriber_id=person, days=days))
    return figures.performance(found, reader.words)


async def _analytics(desk: Desk, person: int, days: int | None, reader: Reader) -> Rendered:
    found = await desk.bus.ask(catalogue.RECORD, GetRecord(subscriber_id=person, days=days))
    return figures.analytics(found, reader.words)


async def _stats(desk: Desk, person: int, days: int | None, reader: Reader) -> Rendered:
    found = await desk.bus.ask(catalogue.SYSTEM_STATISTICS, GetSystemStatistics(subscriber_id=person, days=days))
    return figures.system(found, reader.words)
