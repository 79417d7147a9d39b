"""Topic: what a person holds: its state, its reasons, its chart."""

from chassis.errors import AskFailedError
from contracts import catalogue
from contracts.asks import GetStatus, GetWhy, RequestChart, Subscriber
from services.telegram.domain import answers
from services.telegram.handlers.desk import Desk, Request


async def show_status(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Show the open position and the price, or since when there is none."""
    question = GetStatus(subscriber_id=subscriber.subscriber_id, symbol=desk.symbol)
    found = await desk.bus.ask(catalogue.STATUS, question)
    reader = desk.reader(subscriber)
    await desk.answer(request, reader, answers.status(found, desk.symbol, reader.words, reader.zone))


async def show_why(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Tell the reasons of a position, or of the last signal or refusal."""
    question = GetWhy(subscriber_id=subscriber.subscriber_id, position_id=request.argument or None)
    reader = desk.reader(subscriber)
    try:
        found = await desk.bus.ask(catalogue.WHY, question)
    except AskFailedError as e:
        if e.code != "not_found":
            raise
        await desk.answer(request, reader, answers.plain("why.nothing", reader.words))
        return
    await desk.answer(request, reader, answers.why(found, reader.words, reader.zone))


async def show_chart(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Have the chart of a position drawn as it is now."""
    reader = desk.reader(subscriber)
    question = RequestChart(
        subscriber_id=subscriber.subscriber_id, symbol=desk.symbol, position_id=request.argument or None
    )
    try:
        drawn = await desk.bus.ask(catalogue.REQUEST_CHART, question)
    except AskFailedError:
        await desk.answer(request, reader, answers.plain("chart.none", reader.words))
        return
    caption = answers.chart_caption(desk.symbol, reader.words)
    await desk.answer(request, reader, caption, chart_key=drawn.chart_key)
