"""What a person is answered when they ask: help, settings, status, history, why."""

from enum import StrEnum

from contracts.asks import ClosedTrade, History, OpenPosition, Status, Subscriber, Why
from contracts.messages import Button, FeedState
from services.telegram.domain import numbers, times
from services.telegram.domain.commands import commands_for
from services.telegram.domain.notices import mode_words, position_buttons, result_sign
from services.telegram.domain.presses import Press, Verb
from services.telegram.domain.rendering import Keyboard, Rendered, button
from services.telegram.domain.words import LANGUAGES, Html, Words, bold, code, join, quote

_LANGUAGE_NAMES = {"id": "Indonesia", "en": "English"}


class Place(StrEnum):
    """Where a menu stands, so that a press shows the same message again, changed."""

    START = "start"
    SETTINGS = "settings"


def welcome(subscriber: Subscriber, name: str, words: Words, *, is_back: bool = False) -> Rendered:
    """Greet a person who pressed start and show the way."""
    key = "start.welcome_back" if is_back else "start.welcome"
    parts = (words(key, name=name), "", words("start.what"), "", words("start.next"))
    return Rendered(join(parts), menu(subscriber, words, Place.START))


def help_text(words: Words, *, is_operator: bool = False) -> Rendered:
    """List the commands that a person may use, in its language."""
    commands = commands_for(is_operator=is_operator)
    lines = [Html(f"/{command.name_in(words.language)} — {words(f'command.{command.name}')}") for command in commands]
    hints = (words("help.copier"), words("help.notify"))
    return Rendered(join((bold(words("help.title")), "", *lines, "", *hints)))


def auto_changed(subscriber: Subscriber, words: Words) -> Rendered:
    """Confirm that automatic signals were switched."""
    return Rendered(words("monitor.on" if subscriber.auto else "monitor.off"))


def menu(subscriber: Subscriber, words: Words, place: Place) -> Keyboard:
    """Offer to switch automatic signals and the language, where `place` stands."""
    key, change = ("button.auto_off", "off") if subscriber.auto else ("button.auto_on", "on")
    languages = tuple(
        Button(
            text=("✔ " if language == words.language else "") + _LANGUAGE_NAMES[language],
            data=Press(Verb.LANGUAGE, f"{language}:{place}").pack(),
        )
        for language in LANGUAGES
    )
    return ((button(words, key, Verb.AUTO, f"{change}:{place}"),), languages)


def _on_off(is_on: bool, words: Words) -> Html:
    return words("state.on" if is_on else "state.off")


def no_signal(why_not: tuple[str, ...], words: Words) -> Rendered:
    """Say why there is no signal now."""
    return Rendered(join((words("signal.none"), _list(why_not, words))))


def _list(keys: tuple[str, ...], words: Words) -> Html:
    return quote(join(Html(f"• {words.of(key)}") for key in keys)) if keys else Html()


def status(found: Status, symbol: str, words: Words, zone: str) -> Rendered:
    """Tell what a person holds now and what is known of the market."""
    if found.position is None:
        lines = [words("status.none", symbol=symbol), words("status.auto", state=_on_off(found.auto, words))]
        return Rendered(join((*lines, _market(found, words, zone))))
    position = found.position
    lines = [
        _position_title(position, words),
        Html(),
        *_position_levels(position, found.digits),
        *_position_result(position, words),
        _age(position, found.market_ms, words, zone),
        _market(found, words, zone),
        code(f"#{position.short_id}"),
    ]
    return Rendered(join(lines), position_buttons(position.position_id, words))


def _position_title(position: OpenPosition, words: Words) -> Html:
    sign = "🟢" if position.side.sign > 0 else "🔴"
    state = words("status.open" if position.is_open else "status.proposed")
    title = bold(f"{position.side.value} {position.symbol}")
    return Html(f"{sign} {title} · {mode_words(position.mode, words)} · {state}")


def _position_levels(position: OpenPosition, digits: int) -> list[Html]:
    lines = [Html(f"Entry: {code(numbers.price(position.entry, digits))}")]
    lines += [
        Html(f"TP{place}: {code(numbers.price(target, digits))}")
        for place, target in enumerate(position.targets, start=1)
    ]
    return [*lines, Html(f"SL: {code(numbers.price(position.stop, digits))}"), Html()]


def _position_result(position: OpenPosition, words: Words) -> list[Html]:
    if position.pnl is None or position.r is None:
        return []
    pnl = bold(numbers.money(position.pnl, words.language, has_sign=True))
    r = numbers.multiple_of_r(position.r, words.language)
    return [words("status.result", pnl=pnl, r=r, lots=numbers.number(position.lots, 2, words.language))]


def _age(position: OpenPosition, market_ms: int | None, words: Words, zone: str) -> Html:
    opened = times.clock_time(position.opened_ms, zone)
    if market_ms is None:
        return words("status.opened", time=opened)
    return words("status.opened_ago", time=opened, span=times.span(market_ms - position.opened_ms, words))


def _market(found: Status, words: Words, zone: str) -> Html:
    """Show the price, or since when there is none: a stale price is never shown as the price."""
    if found.feed is FeedState.CLOSED:
        return words("status.market_closed")
    if found.feed is not FeedState.LIVE or found.bid is None or found.ask is None or found.market_ms is None:
        since = times.clock_time(found.feed_since_ms, zone) if found.feed_since_ms is not None else "?"
        return words("status.price_unknown", time=since)
    bid, ask = (numbers.price(value, found.digits) for value in (found.bid, found.ask))
    return words("status.price", bid=bid, ask=ask, time=times.clock_time(found.market_ms, zone, has_seconds=True))


def history(found: History, words: Words, zone: str) -> Rendered:
    """Show a page of closed trades under the totals of all."""
    if not found.total:
        return Rendered(words("history.none"))
    totals = words(
        "history.totals",
        total=found.total,
        wins=found.wins,
        losses=found.losses,
        pnl=bold(numbers.money(found.pnl, words.language, has_sign=True)),
    )
    trades = [_trade(trade, found.digits, words, zone) for trade in found.trades]
    return Rendered(join((bold(words("history.title")), totals, *trades)), _pager(found))


def _trade(trade: ClosedTrade, digits: int, words: Words, zone: str) -> Html:
    entry, exit_ = (numbers.price(value, digits) for value in (trade.entry, trade.exit))
    pnl = numbers.money(trade.pnl, words.language, has_sign=True)
    head = f"{result_sign(trade.pnl)} {bold(trade.side.value)} {entry} → {exit_} · <b>{pnl}</b>"
    r = numbers.multiple_of_r(trade.r, words.language)
    exit_words = words(f"short.{trade.reason.value}")
    when = times.day_time(trade.closed_ms, zone, words)
    return Html(f"\n{head}\n<i>{exit_words} · {r} · {when} · #{trade.short_id}</i>")


def _pager(found: History) -> Keyboard:
    if found.pages <= 1:
        return ()
    last = found.pages - 1
    before, after = max(0, found.page - 1), min(last, found.page + 1)
    middle = Button(text=f"{found.page + 1} / {found.pages}", data=Press(Verb.HISTORY, str(found.page)).pack())
    row = [middle]
    if found.page > 0:
        row.insert(0, Button(text="‹", data=Press(Verb.HISTORY, str(before)).pack()))
    if found.page < last:
        row.append(Button(text="›", data=Press(Verb.HISTORY, str(after)).pack()))
    return (tuple(row),)


def why(found: Why, words: Words, zone: str) -> Rendered:
    """Tell the reasons of the last signal, and of the last refusal."""
    parts: list[Html] = []
    if found.reasons:
        when = "" if found.signal_at is None else times.date_time(_epoch_ms(found), zone, words)
        parts += [bold(words("why.reasons")), _list(found.reasons, words)]
        parts += [words("why.at", time=when)] if when else []
    if found.refusals:
        parts += [bold(words("why.refusals")), _list(found.refusals, words)]
    return Rendered(join(parts) if parts else words("why.nothing"))


def _epoch_ms(found: Why) -> int:
    assert found.signal_at is not None
    return int(found.signal_at.timestamp() * 1000)


def chart_caption(symbol: str, words: Words) -> Rendered:
    """Say what the picture that follows shows."""
    return Rendered(words("chart.caption", symbol=symbol))


def plain(key: str, words: Words) -> Rendered:
    """Say one sentence of the catalogue."""
    return Rendered(words(key))
