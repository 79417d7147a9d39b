"""What is told of a position: to the other rooms as facts, to its subscriber as a message.

All ids are pure functions of the position, so that a repeat is the same message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from contracts import ids, messages
from contracts.messages import SendClass
from services.positions.domain.day import DayTotal
from services.positions.domain.hearing import Kind
from services.positions.domain.holding import Closing, Holding
from services.positions.domain.subscriber import Person
from services.positions.domain.terms import Terms

_ABOUT: Mapping[type, Kind] = {
    messages.OutcomeNotice: Kind.EXIT,
    messages.ReducedNotice: Kind.TARGET,
    messages.StopNotice: Kind.STOP,
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something is said (wall clock), and the trace it belongs to."""

    at: datetime
    trace: str


def fact_id(what: str, position_id: str) -> str:
    """Name a fact of a position: each happens once."""
    return f"f:{what}:{position_id}"


def proposed(terms: Terms, person: Person, position_id: str, lots: Decimal, stamp: Stamp) -> messages.PositionProposed:
    """Tell the other rooms that a trade is on its way."""
    return messages.PositionProposed(
        id=fact_id("proposed", position_id),
        at=stamp.at,
        trace=stamp.trace,
        position_id=position_id,
        subscriber_id=person.subscriber_id,
        signal_id=terms.signal.id,
        symbol=terms.signal.symbol,
        side=terms.signal.side,
        entry=terms.entry,
        stop=terms.stop,
        targets=terms.targets,
        lots=lots,
        quote_ms=terms.quote_ms,
        plan=str(terms.plan),
    )


def signal_message(
    terms: Terms, person: Person, position_id: str, lots: Decimal, chart_key: str, stamp: Stamp
) -> messages.SendMessage:
    """Tell a subscriber of his new position."""
    return messages.SendMessage(
        id=ids.send_id(position_id, "signal"),
        at=stamp.at,
        trace=stamp.trace,
        chat_id=person.chat_id,
        subscriber_id=person.subscriber_id,
        kind=SendClass.SIGNAL,
        content=_signal_notice(terms, position_id, lots),
        language=person.language,
        time_zone=person.time_zone,
        expires_at=terms.expires_at,
        chart_key=chart_key,
        position_id=position_id,
        silent=person.preferences.hearing.signal.is_silent,
    )


def _signal_notice(terms: Terms, position_id: str, lots: Decimal) -> messages.SignalNotice:
    signal = terms.signal
    return messages.SignalNotice(
        position_id=position_id,
        short_id=ids.short_id(position_id),
        symbol=signal.symbol,
        interval=signal.interval,
        mode=signal.mode,
        side=signal.side,
        entry=terms.entry,
        stop=terms.stop,
        targets=terms.targets,
        rr=terms.rr,
        strength=signal.strength,
        lots=lots,
        risk=terms.risk(lots),
        pip=terms.instrument.pip,
        digits=terms.instrument.digits,
        reasons=signal.reasons,
        market_ms=terms.quote_ms,
    )


def opened(holding: Holding, stamp: Stamp) -> messages.PositionOpened:
    """Tell the other rooms that the trade counts."""
    return messages.PositionOpened(
        id=fact_id("opened", holding.position_id),
        at=stamp.at,
        trace=stamp.trace,
        position_id=holding.position_id,
        subscriber_id=holding.subscriber_id,
        symbol=holding.symbol,
        dashboard=holding.wants_dashboard,
    )


def voided(holding: Holding, reason: str, stamp: Stamp) -> messages.PositionVoided:
    """Tell the other rooms that there was no trade."""
    return messages.PositionVoided(
        id=fact_id("voided", holding.position_id),
        at=stamp.at,
        trace=stamp.trace,
        position_id=holding.position_id,
        subscriber_id=holding.subscriber_id,
        symbol=holding.symbol,
        reason=reason,
    )


def closed(closing: Closing, stamp: Stamp) -> messages.PositionClosed:
    """Tell the other rooms how the trade ended."""
    holding, end = closing.holding, closing.exit
    return messages.PositionClosed(
        id=fact_id("closed", holding.position_id),
        at=stamp.at,
        trace=stamp.trace,
        position_id=holding.position_id,
        subscriber_id=holding.subscriber_id,
        signal_id=holding.signal_id,
        symbol=holding.symbol,
        side=holding.side,
        reason=end.reason,
        entry=holding.entry,
        level=end.level,
        exit=end.price,
        slippage_pips=end.slippage_pips,
        lots=holding.lots,
        pnl=closing.pnl,
        r=closing.r,
        opened_ms=holding.quote_ms,
        closed_ms=end.closed_ms,
        detected_late=end.detected_late,
    )


def outcome_message(closing: Closing, day: DayTotal, digits: int, stamp: Stamp) -> messages.SendMessage:
    """Tell a subscriber how his position ended."""
    return answer(closing.holding, "outcome", _outcome_notice(closing, day, digits), stamp)


def _outcome_notice(closing: Closing, day: DayTotal, digits: int) -> messages.OutcomeNotice:
    holding, end = closing.holding, closing.exit
    return messages.OutcomeNotice(
        position_id=holding.position_id,
        short_id=ids.short_id(holding.position_id),
        symbol=holding.symbol,
        side=holding.side,
        reason=end.reason,
        entry=holding.entry,
        exit=end.price,
        slippage_pips=end.slippage_pips,
        digits=digits,
        pnl=closing.pnl,
        r=closing.r,
        opened_ms=holding.quote_ms,
        closed_ms=end.closed_ms,
        day_pnl=day.pnl,
        day_trades=day.trades,
        detected_late=end.detected_late,
    )


def answer(
    holding: Holding,
    what: str,
    content: messages.Content,
    stamp: Stamp,
    *,
    lasts: timedelta | None = None,
    coalesce: str | None = None,
) -> messages.SendMessage:
    """Write an answer to the message that opened a position; it is of use for as long as it `lasts`."""
    about = _ABOUT[type(content)]
    return messages.SendMessage(
        id=ids.send_id(holding.position_id, what),
        at=stamp.at,
        trace=stamp.trace,
        chat_id=holding.chat_id,
        subscriber_id=holding.subscriber_id,
        kind=SendClass.STOP if about is Kind.STOP else SendClass.EXIT,
        content=content,
        language=holding.language,
        time_zone=holding.time_zone,
        expires_at=None if lasts is None else stamp.at + lasts,
        coalesce=coalesce,
        reply_to=ids.send_id(holding.position_id, "signal"),
        position_id=holding.position_id,
        silent=holding.hearing.of(about).is_silent,
    )
