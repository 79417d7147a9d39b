"""/settings: what a person can choose, page by page, as buttons and as words to type.

Nothing is remembered between two presses: a button says which setting it is about and which value it stands for, and
what no button offers is typed behind the command. What a person is told of, and how loud, has a page of its own
(`settings_table`): the settings of `TABLE`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from contracts.asks import Settings, Subscriber
from contracts.messages import Button
from services.telegram.domain import numbers
from services.telegram.domain.presses import Press, Verb
from services.telegram.domain.rendering import Keyboard, Rendered, button
from services.telegram.domain.words import Html, Words, bold, code, join

DEFAULT = "default"
_TICK = "✔ "
_PER_ROW = 3


class Kind(StrEnum):
    """How a value is written."""

    LOTS = "lots"
    MONEY = "money"
    PERCENT = "percent"
    SWITCH = "switch"
    TARGETS = "targets"
    MINUTES = "minutes"
    HOURS = "hours"
    LOUDNESS = "loudness"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Item:
    """One setting: its `name` in contracts (`ChangeSetting`), the words one may type for it, one or two, and the
    values that buttons offer, as a person would write them.
    """

    name: str
    english: str
    indonesian: str
    kind: Kind
    offers: tuple[str, ...]

    def word_in(self, language: str) -> str:
        """The word that readers of a language type."""
        return self.indonesian if language == "id" else self.english


_SWITCH = ("on", "off", DEFAULT)
_LOUDNESS = ("on", "silent", "off")
ITEMS: tuple[Item, ...] = (
    Item("lots", "lots", "lot", Kind.LOTS, ("0.01", "0.02", "0.05", "0.10", "0.50", "1.00")),
    Item("balance", "balance", "saldo", Kind.MONEY, ("100", "500", "1000", "5000", "10000", DEFAULT)),
    Item("risk_percent", "risk", "risiko", Kind.PERCENT, ("0.5", "1", "2", "3", "5", DEFAULT)),
    Item("daily_loss_percent", "loss", "rugi", Kind.PERCENT, ("0", "1", "2", "3", "5", "10")),
    Item("quiet_hours", "quiet", "tenang", Kind.HOURS, ("22:00-06:00", "23:00-07:00", "00:00-08:00", "off")),
    Item(
        "time_zone",
        "zone",
        "zona",
        Kind.PLAIN,
        (
            "Asia/Jakarta",
            "Asia/Makassar",
            "Asia/Jayapura",
            "Asia/Singapore",
            "Europe/London",
            "America/New_York",
            "UTC",
        ),
    ),
    Item("targets", "targets", "target", Kind.TARGETS, ("single", "three", DEFAULT)),
    Item("break_even", "breakeven", "impas", Kind.SWITCH, _SWITCH),
    Item("trailing", "trailing", "trailing", Kind.SWITCH, _SWITCH),
    Item("tightening", "tightening", "pengetatan", Kind.SWITCH, _SWITCH),
    Item("time_limit_min", "limit", "batas", Kind.MINUTES, ("0", "15", "30", "60", "240", DEFAULT)),
    Item("notify_signal", "notify signals", "notifikasi sinyal", Kind.LOUDNESS, ("on", "silent")),
    Item("notify_exit", "notify result", "notifikasi hasil", Kind.LOUDNESS, _LOUDNESS),
    Item("notify_target", "notify targets", "notifikasi target", Kind.LOUDNESS, _LOUDNESS),
    Item("notify_stop", "notify stops", "notifikasi stop", Kind.LOUDNESS, _LOUDNESS),
    Item("notify_summary", "notify summary", "notifikasi ringkasan", Kind.LOUDNESS, _LOUDNESS),
    Item("dashboard", "dashboard", "dashboard", Kind.SWITCH, ("on", "off")),
)
TABLE: tuple[Item, ...] = tuple(item for item in ITEMS if item.kind is Kind.LOUDNESS or item.name == "dashboard")
TABLE_NAME = "notify"
_TABLE_WORDS = frozenset({TABLE_NAME, "notifikasi"})
ICONS = {"on": "🔔", "silent": "🔕", "off": "🚫"}
_BY_NAME = {item.name: item for item in ITEMS}
_BY_WORD = {word: item for item in ITEMS for word in (item.name, item.english, item.indonesian)}
_SAID = {
    **dict.fromkeys(("on", "nyala", "aktif", "ya", "yes", "bunyi", "sound"), "on"),
    **dict.fromkeys(("off", "mati", "tidak", "no"), "off"),
    **dict.fromkeys(("silent", "senyap", "hening"), "silent"),
    **dict.fromkeys(("default", "bawaan"), DEFAULT),
    **dict.fromkeys(("single", "satu"), "single"),
    **dict.fromkeys(("three", "tiga"), "three"),
}
"""What people type for a value, in both languages."""


_WRITTEN = {("id", "silent"): "senyap"}
"""What an example writes for a value, where it is no word of the language."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one setting: to look at it, or to change it to `value`; without an item, to see the table."""

    item: Item | None
    value: str | None = None


def read_press(argument: str) -> Wish | None:
    """Read a button; None where it opens the first page, or is of an older version of ours."""
    if argument == TABLE_NAME:
        return Wish(None)
    name, equals, value = argument.partition("=")
    item = _BY_NAME.get(name)
    return None if item is None else Wish(item, value if equals else None)


def read_typed(argument: str) -> Wish | None:
    """Read what stands behind the command, `lots 0.05` or `zona Asia/Jakarta`; None where no setting has that name."""
    typed = argument.split()
    for length in (2, 1):
        item = _BY_WORD.get(" ".join(typed[:length]).casefold())
        if item is not None:
            said = " ".join(typed[length:])
            return Wish(item, _SAID.get(said.casefold(), said) if said else None)
    return Wish(None) if typed and typed[0].casefold() in _TABLE_WORDS else None


def first_page(subscriber: Subscriber, chosen: Settings, words: Words, menu: Keyboard) -> Rendered:
    """Show all settings; `menu` are the buttons of language and automatic signals. What has the table is one line."""
    listed = [item for item in ITEMS if item not in TABLE]
    table = button(words, "button.notify", Verb.SETTINGS, TABLE_NAME)
    lines = [
        bold(words("settings.title")),
        Html(),
        words("settings.language", language=words("language.name")),
        words("settings.auto", state=words("state.on" if subscriber.auto else "state.off")),
        *(Html(f"{name(item, words)}: {bold(current(item, chosen, words))}") for item in listed),
        Html(f"{words('settings.notify')}: {bold(Html(_counted(chosen)))}"),
    ]
    return Rendered(join(lines), (*menu, (table,), *_rows([opening(item, str(name(item, words))) for item in listed])))


def _counted(chosen: Settings) -> str:
    """Count how the kinds of the table come: `🔔 3 · 🔕 2`."""
    stand = [stands(item, chosen) for item in TABLE if item.kind is Kind.LOUDNESS]
    return " · ".join(f"{icon} {stand.count(value)}" for value, icon in ICONS.items() if value in stand)


def page(item: Item, chosen: Settings, words: Words, *, refused: str | None = None, also: Keyboard = ()) -> Rendered:
    """Show one setting with what it takes; `refused` is a value that it does not take, `also` are more buttons."""
    lines = [
        bold(name(item, words)),
        Html(),
        words("settings.now", value=bold(current(item, chosen, words))),
        words(f"settings.takes.{item.name}"),
        words("settings.type", command=code(_example(item, words))),
    ]
    if refused is not None:
        lines = [words("settings.refused", value=refused[:40]), Html(), *lines]
    now = stands(item, chosen)
    back = TABLE_NAME if item in TABLE else ""
    offers = [
        Button(
            text=(_TICK if offer == now else "") + value_words(item, offer, words),
            data=Press(Verb.SETTINGS, f"{item.name}={offer}").pack(),
        )
        for offer in item.offers
    ]
    return Rendered(join(lines), (*_rows(offers), *also, (button(words, "button.back", Verb.SETTINGS, back),)))


def no_such(word: str, words: Words) -> Rendered:
    """Say which settings there are."""
    names = ", ".join(item.word_in(words.language) for item in ITEMS)
    return Rendered(
        words("settings.no_such", word=word[:40], names=names), ((button(words, "button.back", Verb.SETTINGS),),)
    )


def current(item: Item, chosen: Settings, words: Words) -> Html:
    """Write what stands."""
    return Html(value_words(item, stands(item, chosen), words))


def value_words(item: Item, value: str, words: Words) -> str:
    """Write a value, given as a person would type it, in the person's language."""
    if value == DEFAULT:
        key = "settings.unset" if item.kind in (Kind.MONEY, Kind.PERCENT) else "settings.strategys"
        return words(key)
    if item.kind is Kind.LOUDNESS:
        return f"{ICONS[value]} {words(f'settings.loudness.{value}')}"
    if item.kind in (Kind.SWITCH, Kind.HOURS) and value in ("on", "off"):
        return words(f"state.{value}")
    if item.kind is Kind.TARGETS:
        return words(f"settings.targets.{value}")
    if item.kind in (Kind.MINUTES, Kind.PERCENT) and Decimal(value) == 0 and item.name != "risk_percent":
        return words("settings.none")
    return _plain(item.kind, value, words)


def _plain(kind: Kind, value: str, words: Words) -> str:
    match kind:
        case Kind.LOTS:
            return numbers.number(Decimal(value), 2, words.language)
        case Kind.MONEY:
            return numbers.money(Decimal(value), words.language)
        case Kind.PERCENT:
            exact = Decimal(value)
            digits = max(0, -int(exact.normalize().as_tuple().exponent))
            return f"{numbers.number(exact, digits, words.language)}%"
        case Kind.MINUTES:
            return words("settings.minutes", minutes=value)
        case _:
            return value


def stands(item: Item, chosen: Settings) -> str:
    """What stands, as the button says it that would choose it."""
    value = getattr(chosen, item.name)
    if value is None:
        return "off" if item.kind is Kind.HOURS else DEFAULT
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Decimal):
        return next((offer for offer in item.offers if offer != DEFAULT and Decimal(offer) == value), str(value))
    return str(value)


def name(item: Item, words: Words) -> Html:
    """Name a setting."""
    return words(f"settings.{item.name}")


def opening(item: Item, text: str) -> Button:
    """Make the button that opens a setting's page."""
    return Button(text=text, data=Press(Verb.SETTINGS, item.name).pack())


def _example(item: Item, words: Words) -> str:
    command = "/pengaturan" if words.language == "id" else "/settings"
    said = _WRITTEN.get((words.language, item.offers[1]), item.offers[1])
    return f"{command} {item.word_in(words.language)} {said}"


def _rows(buttons: Sequence[Button]) -> Keyboard:
    return tuple(tuple(buttons[start : start + _PER_ROW]) for start in range(0, len(buttons), _PER_ROW))
