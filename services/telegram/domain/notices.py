"""What other rooms tell a person, in words: a new signal, how it ended, the state of the feed."""

from decimal import Decimal

from contracts.messages import (
    ExitReason,
    FeedNotice,
    FeedState,
    Mode,
    OutcomeNotice,
    PauseNotice,
    ReducedNotice,
    SignalNotice,
    StopNotice,
)
from services.telegram.domain import numbers, times
from services.telegram.domain.presses import Verb
from services.telegram.domain.rendering import Block, Keyboard, Rendered, button, fit
from services.telegram.domain.words import Html, Words, bold, code, join, quote, safe

MOST_REASONS = 5
_BAR = 5
_STRENGTHS = ((0.75, "very_strong"), (0.5, "strong"), (0.3, "medium"))
_STOP_MOVES = {ExitReason.BREAK_EVEN: "stop.break_even", ExitReason.TRAILING: "stop.trailing"}
_FEED_SIGNS = {FeedState.LIVE: "🟢", FeedState.CLOSED: "⏸"}


def strength_words(strength: float, words: Words) -> Html:
    """Name a strength from 0 to 1 (product, section 3) beside a bar of five."""
    name = next((name for least, name in _STRENGTHS if strength >= least), "weak")
    filled = max(0, min(_BAR, round(strength * _BAR)))
    return Html(f"{'▰' * filled}{'▱' * (_BAR - filled)} {words(f'strength.{name}')}")


def mode_words(mode: Mode, words: Words) -> Html:
    """Say how a signal came about."""
    return words(f"mode.{mode.value}")


def signal(notice: SignalNotice, words: Words, zone: str, limit: int) -> Rendered:
    """Tell of a new position: what to copy first, then what it risks, then why."""
    blocks = [
        Block(_signal_title(notice, words)),
        Block(join(("", *_levels(notice, words)))),
        Block(join(("", _risk(notice, words), _strength(notice, words)))),
        Block(_reasons(notice, words), sacrifice=1),
        Block(_signature(notice.market_ms, notice.short_id, words, zone)),
    ]
    return Rendered(fit(blocks, limit), position_buttons(notice.position_id, words))


def position_buttons(position_id: str, words: Words) -> Keyboard:
    """Offer what one may ask about a position."""
    return (
        (
            button(words, "button.chart", Verb.CHART, position_id),
            button(words, "button.status", Verb.STATUS),
            button(words, "button.why", Verb.WHY, position_id),
        ),
    )


def _signal_title(notice: SignalNotice, words: Words) -> Html:
    sign = "🟢" if notice.side.sign > 0 else "🔴"
    title = bold(f"{notice.side.value} {notice.symbol}")
    return Html(f"{sign} {title} · {mode_words(notice.mode, words)} · {notice.interval.value}")


def _levels(notice: SignalNotice, words: Words) -> list[Html]:
    lines = [Html(f"Entry: {code(numbers.price(notice.entry, notice.digits))}")]
    for place, target in enumerate(notice.targets, start=1):
        lines.append(_level(f"TP{place}", target, notice, words))
    lines.append(_level("SL", notice.stop, notice, words))
    return lines


def _level(name: str, level: float, notice: SignalNotice, words: Words) -> Html:
    distance = (level - notice.entry) / notice.pip * notice.side.sign
    shown = numbers.number(distance, 1, words.language, has_sign=True)
    return Html(f"{name}: {code(numbers.price(level, notice.digits))}  <i>{words('level.pips', pips=shown)}</i>")


def _risk(notice: SignalNotice, words: Words) -> Html:
    return words(
        "signal.risk",
        rr=numbers.number(notice.rr, 2, words.language),
        lots=numbers.number(notice.lots, 2, words.language),
        risk=numbers.money(notice.risk, words.language),
    )


def _strength(notice: SignalNotice, words: Words) -> Html:
    return words("signal.strength", strength=strength_words(notice.strength, words))


def _reasons(notice: SignalNotice, words: Words) -> Html:
    return (
        quote(join(Html(f"• {words.of(key)}") for key in notice.reasons[:MOST_REASONS])) if notice.reasons else Html()
    )


def _signature(epoch_ms: int, short_id: str, words: Words, zone: str) -> Html:
    return Html(f"⏱ {times.date_time(epoch_ms, zone, words)} · {code(f'#{short_id}')}")


def outcome(notice: OutcomeNotice, words: Words, zone: str, limit: int) -> Rendered:
    """Tell how a position ended: the result first."""
    blocks = [
        Block(_outcome_title(notice, words)),
        Block(_would_be(notice.pnl, notice.r, words)),
        Block(join(("", _prices(notice), _slippage(notice, words), _held(notice, words)))),
        Block(_day(notice, words)),
    ]
    if notice.detected_late:
        blocks.append(Block(words("outcome.late")))
    blocks.append(Block(join(("", _signature(notice.closed_ms, notice.short_id, words, zone)))))
    return Rendered(fit(blocks, limit))


def _outcome_title(notice: OutcomeNotice, words: Words) -> Html:
    title = bold(words(f"exit.{notice.reason.value}"))
    return Html(f"{result_sign(notice.pnl)} {title} · {notice.side.value} {safe(notice.symbol)}")


def result_sign(pnl: Decimal) -> str:
    """Show at a glance how a trade went; 0 is neither win nor loss."""
    if pnl == 0:
        return "⚪"
    return "✅" if pnl > 0 else "❌"


def _prices(notice: OutcomeNotice) -> Html:
    return _from_to(notice.entry, notice.exit, notice.digits)


def _from_to(entry: float, exit_price: float, digits: int) -> Html:
    return Html(f"Entry {code(numbers.price(entry, digits))} → Exit {code(numbers.price(exit_price, digits))}")


def _slippage(notice: OutcomeNotice, words: Words) -> Html:
    return words("outcome.slippage", pips=numbers.pips(notice.slippage_pips, words.language))


def _held(notice: OutcomeNotice, words: Words) -> Html:
    return words("outcome.held", span=times.span(notice.closed_ms - notice.opened_ms, words))


def _day(notice: OutcomeNotice, words: Words) -> Html:
    total = numbers.money(notice.day_pnl, words.language, has_sign=True)
    return words("outcome.day", trades=notice.day_trades, pnl=total)


def reduced(notice: ReducedNotice, words: Words, zone: str) -> Rendered:
    """Tell that a target closed a part of a position, and where the stop of the rest is."""
    share = numbers.number(notice.share * 100, 0, words.language)
    title = bold(words("reduced.title", number=notice.number, targets=notice.targets, share=share))
    lines = [
        Html(f"{result_sign(notice.pnl)} {title} · {notice.side.value} {safe(notice.symbol)}"),
        _would_be(notice.pnl, notice.r, words),
        Html(),
        _from_to(notice.entry, notice.exit, notice.digits),
        words("reduced.stop", stop=code(numbers.price(notice.stop, notice.digits))),
    ]
    if notice.detected_late:
        lines.append(words("outcome.late"))
    return Rendered(join((*lines, Html(), _signature(notice.market_ms, notice.short_id, words, zone))))


def stop_moved(notice: StopNotice, words: Words, zone: str) -> Rendered:
    """Tell that the stop of a position was tightened, and what it comes to if it is hit."""
    title = bold(words(_STOP_MOVES.get(notice.reason, "stop.tightened")))
    if_hit = words("stop.if_hit", result=_would_be(notice.pnl, notice.r, words))
    lines = (
        Html(f"🛡 {title} · {notice.side.value} {safe(notice.symbol)}"),
        Html(f"SL {code(numbers.price(notice.stop, notice.digits))} · {if_hit}"),
        _signature(notice.market_ms, notice.short_id, words, zone),
    )
    return Rendered(join(lines))


def _would_be(pnl: Decimal, r: float, words: Words) -> Html:
    money = bold(numbers.money(pnl, words.language, has_sign=True))
    return Html(f"P/L {money} · {numbers.multiple_of_r(r, words.language)}")


def pause(notice: PauseNotice, words: Words, zone: str) -> Rendered:
    """Tell an operator that signals of a symbol pause after slippage, or go on."""
    key, sign = ("pause.began", "🟠") if notice.is_paused else ("pause.ended", "🟢")
    title = words(key, symbol=notice.symbol)
    slippage = words("outcome.slippage", pips=numbers.pips(notice.slippage_pips, words.language))
    since = words("feed.since", time=times.date_time(notice.since_ms, zone, words))
    return Rendered(join((Html(f"{sign} {bold(title)}"), slippage, since)))


def feed(notice: FeedNotice, words: Words, zone: str) -> Rendered:
    """Tell an operator that the feed of a symbol changed."""
    title = words(f"feed.{notice.state.value.lower()}", symbol=notice.symbol)
    since = words("feed.since", time=times.date_time(notice.since_ms, zone, words))
    reason = words("feed.reason", reason=notice.reason.replace("_", " "))
    return Rendered(join((Html(f"{_FEED_SIGNS.get(notice.state, '🟠')} {bold(title)}"), since, reason)))


def repeated(shown: Rendered, words: Words) -> Rendered:
    """Mark a message that the person may have read before."""
    return Rendered(join((Html(f"🔁 <i>{words('repeat.mark')}</i>"), Html(shown.html))), shown.buttons)
