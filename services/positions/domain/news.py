"""What is told while a position is open: a part was closed, its stop was moved. And to operators: signals pause."""

from datetime import timedelta

from contracts import ids, messages
from contracts.messages import SendClass
from services.positions.domain.calm import Pause
from services.positions.domain.exits import Exit
from services.positions.domain.history import Moved
from services.positions.domain.holding import Holding, Leg, close
from services.positions.domain.instrument import Instrument
from services.positions.domain.notices import Stamp, answer, fact_id
from services.positions.domain.subscriber import Person

STOP_NEWS_LAST = timedelta(minutes=10)


def reduced(holding: Holding, leg: Leg, stamp: Stamp) -> messages.PositionReduced:
    """Tell the other rooms that a target closed a part."""
    return messages.PositionReduced(
        id=fact_id(f"reduced{leg.number}", holding.position_id),
        at=stamp.at,
        trace=stamp.trace,
        position_id=holding.position_id,
        subscriber_id=holding.subscriber_id,
        symbol=holding.symbol,
        number=leg.number,
        share=leg.share,
        level=leg.exit.level,
        exit=leg.exit.price,
        slippage_pips=leg.exit.slippage_pips,
        pnl=leg.pnl,
        r=leg.r,
        closed_ms=leg.exit.closed_ms,
        detected_late=leg.exit.detected_late,
    )


def reduced_message(holding: Holding, leg: Leg, digits: int, stamp: Stamp) -> messages.SendMessage:
    """Tell a subscriber that a target closed a part of his position."""
    content = messages.ReducedNotice(
        position_id=holding.position_id,
        short_id=ids.short_id(holding.position_id),
        symbol=holding.symbol,
        side=holding.side,
        number=leg.number,
        targets=len(holding.targets),
        share=leg.share,
        entry=holding.entry,
        exit=leg.exit.price,
        stop=holding.stop,
        slippage_pips=leg.exit.slippage_pips,
        digits=digits,
        pnl=leg.pnl,
        r=leg.r,
        market_ms=leg.exit.closed_ms,
        detected_late=leg.exit.detected_late,
    )
    return answer(holding, f"target{leg.number}", content, stamp)


def stop_moved(holding: Holding, moved: Moved, stamp: Stamp) -> messages.PositionStopMoved:
    """Tell the other rooms that a stop was tightened."""
    return messages.PositionStopMoved(
        id=fact_id(f"stop{holding.version}", holding.position_id),
        at=stamp.at,
        trace=stamp.trace,
        position_id=holding.position_id,
        subscriber_id=holding.subscriber_id,
        symbol=holding.symbol,
        stop=moved.stop,
        reason=moved.reason,
        moved_ms=moved.at_ms,
    )


def stop_message(holding: Holding, moved: Moved, instrument: Instrument, stamp: Stamp) -> messages.SendMessage:
    """Tell a subscriber where his stop is now. A newer one that waits replaces it, and it does not outlive its use."""
    at_stop = Exit(reason=moved.reason, level=moved.stop, price=moved.stop, slippage_pips=0.0, closed_ms=moved.at_ms)
    closing = close(holding, instrument, at_stop)
    content = messages.StopNotice(
        position_id=holding.position_id,
        short_id=ids.short_id(holding.position_id),
        symbol=holding.symbol,
        side=holding.side,
        reason=moved.reason,
        entry=holding.entry,
        stop=moved.stop,
        digits=instrument.digits,
        pnl=closing.pnl,
        r=closing.r,
        market_ms=moved.at_ms,
    )
    what, coalesce = f"stop{holding.version}", f"stop:{holding.position_id}"
    return answer(holding, what, content, stamp, lasts=STOP_NEWS_LAST, coalesce=coalesce)


def paused(symbol: str, pause: Pause, operator: Person, stamp: Stamp) -> messages.SendMessage:
    """Tell an operator that signals pause, or that they go on."""
    is_paused = pause.until_ms is None
    content = messages.PauseNotice(
        symbol=symbol,
        is_paused=is_paused,
        slippage_pips=pause.slippage_pips,
        since_ms=pause.since_ms if pause.until_ms is None else pause.until_ms,
    )
    return messages.SendMessage(
        id=ids.send_id(f"{symbol}:{pause.since_ms}:{operator.subscriber_id}", "paused" if is_paused else "resumed"),
        at=stamp.at,
        trace=stamp.trace,
        chat_id=operator.chat_id,
        subscriber_id=operator.subscriber_id,
        kind=SendClass.REPLY,
        content=content,
        language=operator.language,
        time_zone=operator.time_zone,
    )
