"""Topic: a person wants his data, or wants to be forgotten."""

from datetime import timedelta

from chassis.errors import AskFailedError
from contracts import catalogue
from contracts.asks import EraseSubscriber, ExportSubscriber, Subscriber
from contracts.messages import DocumentNotice
from services.telegram.domain import answers
from services.telegram.domain.presses import Verb
from services.telegram.domain.rendering import Rendered, button
from services.telegram.domain.words import Html, join
from services.telegram.handlers.desk import TELEGRAM_ROUNDS_BY, Desk, Reader, Request

CONFIRM_WITHIN = timedelta(minutes=15)
"""An older button is somebody else's finger, or a slip on an old page of the chat."""


async def hand_over(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Send a person all that is kept of him: everything as JSON, his closed trades as a table too."""
    reader = desk.reader(subscriber)
    found = await desk.bus.ask(catalogue.EXPORT, ExportSubscriber(subscriber_id=subscriber.subscriber_id))
    everything = DocumentNotice(key=found.json_key, filename="sinyal.json", html=str(reader.words("export.all")))
    table = DocumentNotice(
        key=found.csv_key, filename="sinyal-trades.csv", html=str(reader.words("export.trades", trades=found.trades))
    )
    await desk.hand_over(request, reader, everything, "export_json")
    await desk.hand_over(request, reader, table, "export_csv")


async def ask_to_erase(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Say what erasing means and ask to confirm it."""
    words = desk.reader(subscriber).words
    buttons = (
        (button(words, "button.erase", Verb.ERASE, "yes"),),
        (button(words, "button.keep", Verb.ERASE, "no"),),
    )
    text = join((words("erase.title"), Html(), words("erase.what"), words("erase.kept"), words("erase.way")))
    await desk.answer(request, desk.reader(subscriber), Rendered(text, buttons))


async def press_erase(desk: Desk, request: Request) -> None:
    """Erase a person who confirmed it. Each step may be done again: a repeat of the press comes to the same end."""
    reader = await _reader(desk, request)
    if request.argument != "yes":
        await _show(desk, request, reader, "erase.not_done")
        return
    if desk.clock.now() - request.at > CONFIRM_WITHIN:
        await _show(desk, request, reader, "erase.too_old")
        return
    asked_at = request.at + TELEGRAM_ROUNDS_BY
    try:
        await desk.bus.ask(catalogue.ERASE, EraseSubscriber(subscriber_id=request.person_id, asked_at=asked_at))
    except AskFailedError as e:
        if e.code != "registered_since":
            raise
        await _show(desk, request, reader, "erase.too_old")
        return
    for key in await desk.forgotten.pictures(request.person_id):  # before the rows go that tell of them
        await desk.bus.drop(catalogue.CHART_PICTURES, key)
    await desk.forgotten.add(request.person_id, desk.clock.now())
    await _show(desk, request, reader, "erase.done")


async def _show(desk: Desk, request: Request, reader: Reader, key: str) -> None:
    await desk.answer(request, reader, answers.plain(key, reader.words), is_edit=True)


async def _reader(desk: Desk, request: Request) -> Reader:
    """Tell how the person reads, also when he is gone already."""
    try:
        return desk.reader(await desk.subscriber(request))
    except AskFailedError:
        return desk.stranger(request)
