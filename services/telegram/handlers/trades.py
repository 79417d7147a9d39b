"""Topic: closed trades, by pages."""

from contracts import catalogue
from contracts.asks import GetHistory, Subscriber
from services.telegram.domain import answers
from services.telegram.handlers.desk import Desk, Request

PAGE_SIZE = 5
MOST_DIGITS = 6


async def show_history(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Show the newest page."""
    await _show_page(desk, request, subscriber, page=0)


async def turn_page(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Show another page in the same message."""
    argument = request.argument  # whoever writes his own client can press anything
    page = int(argument) if argument.isdecimal() and len(argument) <= MOST_DIGITS else 0
    await _show_page(desk, request, subscriber, page=page, is_edit=True)


async def _show_page(desk: Desk, request: Request, subscriber: Subscriber, *, page: int, is_edit: bool = False) -> None:
    question = GetHistory(subscriber_id=subscriber.subscriber_id, page=page, page_size=PAGE_SIZE)
    found = await desk.bus.ask(catalogue.HISTORY, question)
    reader = desk.reader(subscriber)
    await desk.answer(request, reader, answers.history(found, reader.words, reader.zone), is_edit=is_edit)
