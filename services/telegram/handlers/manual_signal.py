"""Topic: a signal on demand."""

from datetime import timedelta

from chassis.errors import AskFailedError
from contracts import catalogue
from contracts.asks import RequestSignal, Subscriber
from services.telegram.domain import answers
from services.telegram.handlers.desk import Desk, Request

FRESH_FOR = timedelta(seconds=120)
"""A request that waited longer (an outage) was about another price: it is refused, not obeyed late."""


async def request_signal(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Ask for a signal. Where there is one, it is the answer; else say why there is none."""
    reader = desk.reader(subscriber)
    if desk.clock.now() - request.at > FRESH_FOR:
        await desk.answer(request, reader, answers.plain("signal.too_old", reader.words))
        return
    question = RequestSignal(subscriber_id=subscriber.subscriber_id, symbol=desk.symbol)
    try:
        found = await desk.bus.ask(catalogue.REQUEST_SIGNAL, question)
    except AskFailedError as e:
        if e.code != "no_price":
            raise
        await desk.answer(request, reader, answers.no_signal(("why.no_quote",), reader.words))
        return
    if found.position_id is None:
        await desk.answer(request, reader, answers.no_signal(found.why, reader.words))
