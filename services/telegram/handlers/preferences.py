"""Topic: what a person chooses, by command and by menu."""

from chassis.errors import AskFailedError
from contracts import catalogue
from contracts.asks import ChangeSetting, GetSettings, SetAuto, SetLanguage, Settings, Subscriber
from services.telegram.domain import answers, settings_menu, settings_table
from services.telegram.domain.answers import Place
from services.telegram.domain.rendering import Keyboard, Rendered
from services.telegram.domain.settings_menu import Item, Wish
from services.telegram.domain.words import LANGUAGES
from services.telegram.handlers.desk import Desk, Reader, Request


async def show_settings(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Show the menu, or change what was typed behind the command."""
    reader = desk.reader(subscriber)
    if not request.argument.strip():
        await desk.answer(request, reader, await _first_page(desk, subscriber, reader))
        return
    wish = settings_menu.read_typed(request.argument)
    if wish is None:
        await desk.answer(request, reader, settings_menu.no_such(request.argument.split()[0], reader.words))
        return
    await _grant(desk, request, subscriber, wish)


async def press_setting(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Open a page of the menu, or choose a value; the message of the menu shows it."""
    wish = settings_menu.read_press(request.argument)
    if wish is None:
        reader = desk.reader(subscriber)
        await desk.answer(request, reader, await _first_page(desk, subscriber, reader), is_edit=True)
        return
    await _grant(desk, request, subscriber, wish, is_edit=True)


async def _grant(desk: Desk, request: Request, subscriber: Subscriber, wish: Wish, *, is_edit: bool = False) -> None:
    refused = None
    try:
        chosen = await _changed(desk, subscriber, wish)
    except AskFailedError as e:
        if e.code != "bad_value":
            raise
        chosen, refused = await _chosen(desk, subscriber), wish.value
    if wish.item is not None and wish.item.name == "time_zone":
        subscriber = await desk.subscriber(request)
    reader = desk.reader(subscriber)
    is_of_table = wish.item in settings_menu.TABLE and is_edit and wish.value is not None and refused is None
    if wish.item is None or is_of_table:
        shown = settings_table.table(chosen, reader.words)
    else:
        also = _instead(wish.item, subscriber, reader)
        shown = settings_menu.page(wish.item, chosen, reader.words, refused=refused, also=also)
    await desk.answer(request, reader, shown, is_edit=is_edit)


def _instead(item: Item, subscriber: Subscriber, reader: Reader) -> Keyboard:
    """Offer, where signals cannot be off, to switch automatic signals."""
    return answers.menu(subscriber, reader.words, Place.SETTINGS)[:1] if item.name == "notify_signal" else ()


async def _changed(desk: Desk, subscriber: Subscriber, wish: Wish) -> Settings:
    if wish.item is None or wish.value is None:
        return await _chosen(desk, subscriber)
    question = ChangeSetting(subscriber_id=subscriber.subscriber_id, name=wish.item.name, value=wish.value)
    return await desk.bus.ask(catalogue.CHANGE_SETTING, question)


async def _chosen(desk: Desk, subscriber: Subscriber) -> Settings:
    return await desk.bus.ask(catalogue.SETTINGS, GetSettings(subscriber_id=subscriber.subscriber_id))


async def _first_page(desk: Desk, subscriber: Subscriber, reader: Reader) -> Rendered:
    menu = answers.menu(subscriber, reader.words, Place.SETTINGS)
    return settings_menu.first_page(subscriber, await _chosen(desk, subscriber), reader.words, menu)


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
        shown = await _first_page(desk, subscriber, reader)
    await desk.answer(request, reader, shown, is_edit=True)
