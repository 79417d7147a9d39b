"""Topic: what trades came to: one's own, the strategies', and for operators everybody's.

One's own and the strategies' come with the picture of their curve, which joins the text when it is drawn.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from contracts import catalogue
from contracts.asks import GetRecord, GetStatistics, GetSystemStatistics, Subscriber
from services.telegram.domain import answers, figures
from services.telegram.domain.rendering import Rendered
from services.telegram.handlers.desk import Desk, Reader, Request

MOST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Figures:
    """What is shown, and the picture that will join it; None: none will."""

    shown: Rendered
    chart_key: str | None = None


Show = Callable[[Desk, int, int | None, Reader], Awaitable[Figures]]


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
    found = await show(desk, request.person_id, days, reader)
    await desk.answer(request, reader, found.shown, chart_key=found.chart_key)


async def _performance(desk: Desk, person: int, days: int | None, reader: Reader) -> Figures:
    question = GetStatistics(subscriber_id=person, days=days, secret=desk.secret_of(person))
    found = await desk.bus.ask(catalogue.STATISTICS, question)
    return Figures(figures.performance(found, reader.words), found.chart_key)


async def _analytics(desk: Desk, person: int, days: int | None, reader: Reader) -> Figures:
    found = await desk.bus.ask(catalogue.RECORD, GetRecord(subscriber_id=person, days=days, has_curve=True))
    return Figures(figures.analytics(found, reader.words), found.chart_key)


async def _stats(desk: Desk, person: int, days: int | None, reader: Reader) -> Figures:
    found = await desk.bus.ask(catalogue.SYSTEM_STATISTICS, GetSystemStatistics(subscriber_id=person, days=days))
    return Figures(figures.system(found, reader.words))
