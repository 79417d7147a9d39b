"""Topic: what one can ask for."""

from contracts.asks import Subscriber
from services.telegram.domain import answers
from services.telegram.handlers.desk import Desk, Reader, Request


async def show_help(desk: Desk, request: Request, subscriber: Subscriber | None = None) -> None:
    """List the commands, to strangers too."""
    reader = _reader(desk, request, subscriber)
    await desk.answer(request, reader, answers.help_text(reader.words, is_operator=desk.is_operator(request)))


async def hint(desk: Desk, request: Request, subscriber: Subscriber | None = None) -> None:
    """Say that we did not understand."""
    reader = _reader(desk, request, subscriber)
    await desk.answer(request, reader, answers.plain("answer.unknown", reader.words))


def _reader(desk: Desk, request: Request, subscriber: Subscriber | None) -> Reader:
    return desk.stranger(request) if subscriber is None else desk.reader(subscriber)
