"""Many subscribers at once, written into the tables."""

import random
from datetime import UTC, datetime
from typing import Any

from tests.positions.builders import START_MS
from tests.positions.house import House

PLAIN_PEOPLE = """
    insert into subscriber (id, chat_id, name, language, time_zone, auto)
    select n, n, 'n', 'id', 'Asia/Jakarta', true from generate_series({first}, {last}) n
"""
EARLIER = """
    insert into signal (id, symbol, strategy, strategy_version, interval, mode, side, entry, stop, targets, rr,
        strength, reasons, candle_open_s, quote_ms, raised_at)
    values ('s:earlier', 'XAUUSD', 'x', '1', 'M1', 'auto', 'BUY', 4000, 3998, '{4003}', 1.5, 0.4, '{}', 0, 0, now())
    on conflict do nothing
"""
_PERSON = """
    insert into subscriber (id, chat_id, name, language, time_zone, auto, active, lots, balance, risk_percent,
        daily_loss_percent, quiet_from_min, quiet_to_min, plan_targets, plan_break_even, plan_trailing, plan_tightening,
        plan_time_limit_s)
    values (%s, %s, 'n', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_POSITION = """
    insert into position (id, subscriber_id, signal_id, symbol, side, mode, state, entry, initial_stop, stop, targets,
        lots, quote_ms, in_force_ms, proposed_at, expires_at, exit_reason, exit_level, exit_price, closed_ms, pnl, r,
        void_reason, delivery_state, opened_at, closed_at)
    values (%s, %s, 's:earlier', 'XAUUSD', %s, 'auto', %s, %s, %s, %s, %s, 0.01, %s, %s, now(), now(), %s, %s, %s, %s,
        %s, %s, %s, %s, %s, %s) on conflict do nothing
"""


async def fill(house: House, last: int, *, first: int = 1) -> None:
    """Make subscribers who chose nothing, with the ids `first` to `last`."""
    await house.rows_only(PLAIN_PEOPLE.format(first=first, last=last))


async def fill_random(house: House, count: int, seed: int) -> None:
    """Make subscribers who chose at random, and gave and were given at random in the last two days."""
    rng = random.Random(seed)
    await house.rows_only(EARLIER)
    async with house.pool.connection() as connection:
        for person in range(1, count + 1):
            await connection.execute(_PERSON, _a_person(person, rng))
            for number in range(rng.randrange(4)):
                await connection.execute(_POSITION, _a_position(f"p:{person}:{number}", person, rng))


def _a_person(person: int, rng: random.Random) -> tuple[Any, ...]:
    maybe = rng.choice
    quiet = maybe([(None, None), (None, None), (20 * 60, 21 * 60), (18 * 60, 6 * 60)])
    return (
        person, maybe([person, -person]), maybe(["id", "en"]), maybe(["Asia/Jakarta", "UTC", "America/New_York"]),
        rng.random() < 0.9, rng.random() < 0.9, maybe(["0.01", "0.25", "1.00"]), maybe([None, "50", "1000", "99999"]),
        maybe([None, "0.5", "3"]), maybe(["0", "0.1", "3", "100"]), *quiet, maybe([None, "single", "three"]),
        maybe([None, True, False]), maybe([None, True, False]), maybe([None, True]), maybe([None, 0, 600]),
    )  # fmt: skip


def _a_position(position_id: str, person: int, rng: random.Random) -> tuple[Any, ...]:
    side, state = rng.choice(["BUY", "SELL"]), rng.choice(["open", "closed", "closed", "void"])
    sign, quote_ms = 1 if side == "BUY" else -1, START_MS - rng.choice([5_000, 40_000, 110_000, 130_000, 80_000_000])
    entry = round(4000.1 + rng.choice([0.0, 0.9, 1.1, -5.0]), 2)
    closed_ms = rng.choice([quote_ms + 1000, START_MS + 1000]) if state == "closed" else None
    end = ("stop", entry, entry, closed_ms, rng.choice(["-40.00", "-1.00", "2.00"]), -1.0)
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    is_void, is_open = state == "void", state == "open"
    told = ("void" if is_void else "delivered", None if is_void else moment, None if is_open else moment)
    return (
        position_id, person, side, state, entry, entry - 2 * sign, entry - 2 * sign, [entry + 3 * sign], quote_ms,
        quote_ms, *(end if state == "closed" else (None,) * 6), "test" if state == "void" else None,
        *told,
    )  # fmt: skip
