"""Topic: a person begins."""

from chassis.errors import AskFailedError
from contracts import catalogue
from contracts.asks import RegisterSubscriber
from services.telegram.domain import answers
from services.telegram.domain.rendering import Rendered
from services.telegram.domain.words import guess_language
from services.telegram.handlers.desk import Desk, Request


async def start(desk: Desk, request: Request) -> None:
    """Register a person, or welcome one back; where registration is closed, say so with the id to be let in."""
    question = RegisterSubscriber(
        subscriber_id=request.person_id,
        chat_id=request.chat_id,
        name=request.name,
        language=guess_language(request.language_code),
    )
    try:
        subscriber = await desk.bus.ask(catalogue.REGISTER, question)
    except AskFailedError as e:
        if e.code != "not_allowed":
            raise
        reader = desk.stranger(request)
        await desk.answer(request, reader, Rendered(reader.words("start.not_allowed", id=request.person_id)))
        return
    reader = desk.reader(subscriber)
    shown = answers.welcome(subscriber, request.name, reader.words, is_back=not subscriber.is_new)
    await desk.answer(request, reader, shown)
