"""/settings, notifications: what a person is told of and how loud, all on one page that a thumb can change.

A row is one kind of message: its name opens what is to be said of it, the others choose. Every press shows the table
again as it then stands.
"""

from contracts.asks import Settings
from contracts.messages import Button
from services.telegram.domain.presses import Press, Verb
from services.telegram.domain.rendering import Rendered, button
from services.telegram.domain.settings_menu import ICONS, TABLE, Item, Kind, current, name, opening, stands, value_words
from services.telegram.domain.words import Html, Words, bold, join

_TICK = "✔"


def table(chosen: Settings, words: Words) -> Rendered:
    """Show all kinds."""
    lines = [
        bold(words("settings.notify")),
        Html(),
        *(Html(f"{name(item, words)}: {bold(current(item, chosen, words))}") for item in TABLE),
        Html(),
        words("settings.notify.law"),
    ]
    rows = tuple(_row(item, chosen, words) for item in TABLE)
    return Rendered(join(lines), (*rows, (button(words, "button.back", Verb.SETTINGS),)))


def _row(item: Item, chosen: Settings, words: Words) -> tuple[Button, ...]:
    now = stands(item, chosen)
    cells = tuple(_cell(item, value, words, is_now=value == now) for value in _values(item))
    return (opening(item, str(words(f"settings.cell.{item.name}"))), *cells)


def _values(item: Item) -> tuple[str, ...]:
    return tuple(ICONS) if item.kind is Kind.LOUDNESS else item.offers


def _cell(item: Item, value: str, words: Words, *, is_now: bool) -> Button:
    """Offer a value. One that cannot be chosen has its place too: it opens the page that says what to do instead."""
    text = ICONS[value] if item.kind is Kind.LOUDNESS else str(value_words(item, value, words))
    if value not in item.offers:
        return opening(item, text)
    argument = f"{item.name}={value}"
    return Button(text=f"{_TICK} {text}" if is_now else text, data=Press(Verb.SETTINGS, argument).pack())
