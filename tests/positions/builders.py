"""What the tests of this room are made of."""

from datetime import UTC, datetime
from decimal import Decimal

from contracts import ids
from contracts.messages import (
    DeliverySettled,
    DeliveryState,
    FeedState,
    FeedStateChanged,
    Interval,
    Mode,
    SendClass,
    SendMessage,
    Side,
    SignalRaised,
    Tick,
)
from services.positions.domain.holding import Holding
from services.positions.domain.instrument import INSTRUMENTS
from services.positions.domain.life import State

GOLD = INSTRUMENTS["XAUUSD"]
START_MS = 1_767_614_400_000  # Monday 2026-01-05 12:00 UTC
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


def a_signal(minute: int = 0, **changes: object) -> SignalRaised:
    """A BUY at 4000.10 (ask), stop 3998.10, target 4003.10, raised now on the candle that closed at `minute`."""
    mode = changes.get("mode", Mode.AUTO)
    side = changes.get("side", Side.BUY)
    candle_open_s = START_MS // 1000 + 60 * (minute - 1)
    sign = Side(side).sign
    values = {
        "id": ids.signal_id("XAUUSD", "trend_pullback", Mode(mode), Interval.M1, candle_open_s),
        "at": now(),
        "symbol": "XAUUSD",
        "interval": Interval.M1,
        "strategy": "trend_pullback",
        "strategy_version": "1",
        "mode": mode,
        "side": side,
        "entry": 4000.0,
        "stop": 4000.0 - 2 * sign,
        "targets": (4000.0 + 3 * sign,),
        "rr": 1.5,
        "strength": 0.4,
        "score": 6,
        "reasons": ("reason.trf_with.buy", "reason.macd_crossed.buy"),
        "lots": Decimal("0.01"),
        "candle_open_s": candle_open_s,
        "bid": 3999.9,
        "ask": 4000.1,
        "quote_ms": START_MS + 60_000 * minute,
    } | changes
    return SignalRaised(**values)  # type: ignore[arg-type]


def a_tick(after_ms: int, bid: float, ask: float | None = None, **changes: object) -> Tick:
    """A tick `after_ms` behind the start of market time; the ask 0.20 above the bid."""
    ask = round(bid + 0.2, 2) if ask is None else ask
    epoch_ms = START_MS + after_ms
    values = {
        "id": ids.tick_id("XAUUSD", epoch_ms, bid, ask), "at": now(), "symbol": "XAUUSD", "epoch_ms": epoch_ms,
        "bid": bid, "ask": ask, "received_ms": int(now().timestamp() * 1000),
    } | changes  # fmt: skip
    return Tick(**values)  # type: ignore[arg-type]


def a_feed(state: FeedState = FeedState.LIVE, since_ms: int = START_MS) -> FeedStateChanged:
    return FeedStateChanged(
        id=f"feed:{state}:{since_ms}",
        at=now(),
        symbol="XAUUSD",
        venue="test",
        state=state,
        reason="",
        since_ms=since_ms,
    )


def a_delivery(send: SendMessage, state: DeliveryState = DeliveryState.DELIVERED, **changes: object) -> DeliverySettled:
    values = {
        "id": f"{send.id}:{state}", "at": now(), "send_id": send.id, "chat_id": send.chat_id,
        "subscriber_id": send.subscriber_id, "kind": SendClass(send.kind), "state": state,
        "reason": "" if state is DeliveryState.DELIVERED else f"test_{state}", "attempts": 1,
        "position_id": send.position_id,
    } | changes  # fmt: skip
    return DeliverySettled(**values)  # type: ignore[arg-type]


def a_holding(**changes: object) -> Holding:
    values = {
        "position_id": "p:1", "subscriber_id": 1, "chat_id": 1, "language": "id", "time_zone": "Asia/Jakarta",
        "signal_id": "s:1", "symbol": "XAUUSD", "side": Side.BUY, "mode": Mode.AUTO, "state": State.OPEN,
        "entry": 4000.1, "initial_stop": 3998.1, "stop": 3998.1, "targets": (4003.1,), "lots": Decimal("0.01"),
        "quote_ms": START_MS, "version": 2, "exit": None,
    } | changes  # fmt: skip
    return Holding(**values)  # type: ignore[arg-type]
