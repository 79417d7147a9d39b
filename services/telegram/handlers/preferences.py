"""Topic: language and automatic signals, by command and by menu."""

from contracts import catalogue
from contracts.asks import SetAuto, SetLanguage, Subscriber
from services.telegram.domain import answers
from services.telegram.domain.answers import Place
from services.telegram.domain.words import LANGUAGES
from services.telegram.handlers.desk import Desk, Request


async def show_settings(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Show the menu."""
    reader = desk.reader(subscriber)
    await desk.answer(request, reader, answers.settings(subscriber, reader.words))


async def start_monitor(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Switch automatic signals on."""
    await _set_auto(desk, request, subscriber, auto=True)


async def stop_monitor(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Switch automatic signals off."""
    await _set_auto(desk, request, subscriber, auto=False)


async def _set_auto(desk: Desk, request: Request, subscriber: Subscriber, *, auto: bool) -> None:
    changed = await desk.bus.ask(catalogue.SET_AUTO, SetAuto(subscriber_id=subscriber.subscriber_id, auto=auto))
    reader = desk.reader(changed)
    await desk.answer(request, reader, answers.auto_changed(changed, reader.words))


async def press_auto(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Switch automatic signals by button; the menu shows the new state."""
    change, _, place = request.argument.partition(":")
    question = SetAuto(subscriber_id=subscriber.subscriber_id, auto=change == "on")
    await _show_again(desk, request, await desk.bus.ask(catalogue.SET_AUTO, question), place)


async def press_language(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Change the language by button; the menu speaks it at once."""
    language, _, place = request.argument.partition(":")
    if language not in LANGUAGES:
        return
    question = SetLanguage(subscriber_id=subscriber.subscriber_id, language=language)
    await _show_again(desk, request, await desk.bus.ask(catalogue.SET_LANGUAGE, question), place)


async def _show_again(desk: Desk, request: Request, subscriber: Subscriber, place: str) -> None:
    reader = desk.reader(subscriber)
    if place == Place.START:
        shown = answers.welcome(subscriber, request.name, reader.words)
    else:
        shown = answers.settings(subscriber, reader.words)
    await desk.answer(request, reader, shown, is_edit=True)
