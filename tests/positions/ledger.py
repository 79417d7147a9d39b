"""Closed trades put straight into the tables, as `Ending` leaves them: for what only reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from psycopg import Connection

from contracts.messages import Side
from tests.positions.builders import START_MS

SIGNAL = """
    insert into positions.signal (id, symbol, strategy, strategy_version, interval, mode, side, entry, stop, targets,
        rr, strength, score, reasons, candle_open_s, quote_ms, raised_at)
    values (%(signal)s, %(symbol)s, %(strategy)s, '1', 'M1', %(mode)s, %(side)s, %(entry)s, %(stop)s, %(targets)s, 1.5,
        0.4, 6, '{}', 0, %(opened)s, to_timestamp(%(opened)s / 1000.0)) on conflict do nothing
"""
POSITION = """
    insert into positions.position (id, subscriber_id, lots, signal_id, symbol, side, mode, state, entry, initial_stop,
        stop, targets, quote_ms, in_force_ms, proposed_at, expires_at, opened_at, closed_at, exit_reason, exit_level,
        exit_price, slippage_pips, closed_ms, pnl, r, void_reason, version,
        delivery_state)
    values (%(id)s, %(person)s, %(lots)s, %(signal)s, %(symbol)s, %(side)s, %(mode)s, %(state)s, %(entry)s, %(stop)s,
        %(stop)s, %(targets)s, %(opened)s, %(opened)s, to_timestamp(%(opened)s / 1000.0),
        to_timestamp(%(opened)s / 1000.0), to_timestamp(%(opened)s / 1000.0), to_timestamp(%(closed)s / 1000.0),
        'stop', %(stop)s, %(stop)s, 0.5, %(closed)s, %(pnl)s, %(r)s, %(void)s, 3,
        %(delivery)s)
"""
EVENTS = """
    insert into positions.position_event (position_id, version, event, at, market_ms)
    select %(id)s, version, event, to_timestamp(%(closed)s / 1000.0), %(closed)s
    from (values (1, 'proposed'), (2, 'delivered'), (3, 'crossed')) as told (version, event)
"""
PERSON = """
    insert into positions.subscriber (id, chat_id, name, language, time_zone)
    values (%(person)s, %(person)s, 'n', 'en', %(zone)s) on conflict do nothing
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A closed trade of a person. `place` makes its id, so that equal moments keep their order."""

    place: int
    pnl: Decimal
    r: float
    person: int = 1
    side: Side = Side.BUY
    opened_ms: int = START_MS
    closed_ms: int = START_MS + 60_000
    mode: str = "auto"
    strategy: str = "trend_pullback"
    symbol: str = "XAUUSD"
    signal: str = ""
    lots: Decimal = Decimal("0.01")
    targets: tuple[float, ...] = ()
    is_void: bool = False
    zone: str = "UTC"


def rows_of(done: Sequence[Done]) -> list[dict[str, object]]:
    """Write trades as the values of the statements above."""
    return [
        {
            "id": f"p:{one.person}:{one.place:06}", "person": one.person, "lots": one.lots,
            "signal": one.signal or f"s:{one.person}:{one.place}", "symbol": one.symbol, "side": one.side.value,
            "mode": one.mode, "strategy": one.strategy, "entry": 4000.0, "stop": 4000.0 - 2 * one.side.sign,
            "targets": list(one.targets) or [4000.0 + 3 * one.side.sign], "opened": one.opened_ms,
            "closed": one.closed_ms, "state": "void" if one.is_void else "closed",
            "void": "blocked" if one.is_void else None,
            "delivery": "void" if one.is_void else "delivered", "pnl": None if one.is_void else one.pnl,
            "r": None if one.is_void else one.r, "zone": one.zone,
        }
        for one in done
    ]  # fmt: skip


def keep(url: str, done: Sequence[Done]) -> None:
    """Store trades."""
    with Connection.connect(url) as connection, connection.cursor() as cursor:
        for statement in (PERSON, SIGNAL, POSITION, EVENTS):
            cursor.executemany(statement, rows_of(done))
