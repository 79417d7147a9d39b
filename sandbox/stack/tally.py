"""The account of a run: what the database says was due, against what the Bot API server received.

Nothing here asks the services: ticks, candles and signals are read from the broker, positions and deliveries from the
database, messages from the journal of the Bot API server.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from chassis.bus import Bus
from contracts import catalogue
from contracts.ids import send_id, short_id
from contracts.messages import CandleClosed, Interval, SignalRaised, Tick
from sandbox.stack.people import Json, is_new_message, text_of

EVERYTHING = 5_000_000


@dataclass(frozen=True, slots=True)
class Raised:
    """A signal, and the wall time at which the broker had it."""

    signal: SignalRaised
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Records:
    """What was read after a run."""

    ticks: Sequence[Tick]
    candles: Mapping[Interval, Sequence[CandleClosed]]
    signals: Sequence[Raised]
    positions: Sequence[Json]
    deliveries: Sequence[Json]
    journal: Sequence[Json]


async def read_records(bus: Bus, database_url: str, journal: Sequence[Json], symbol: str) -> Records:
    """Read everything that a run left behind."""
    candles = {
        interval: await bus.latest(catalogue.CANDLE, symbol, interval, count=EVERYTHING) for interval in Interval
    }
    async with await AsyncConnection.connect(database_url) as connection:
        positions = await _rows(connection, _POSITIONS)
        deliveries = await _rows(connection, _DELIVERIES)
    return Records(
        ticks=await bus.latest(catalogue.TICK, symbol, count=EVERYTHING),
        candles=candles,
        signals=[Raised(one, stored.stored_at) for stored, one in await bus.kept(catalogue.SIGNAL, count=EVERYTHING)],
        positions=positions,
        deliveries=deliveries,
        journal=journal,
    )


_POSITIONS = """
    select id as position_id, signal_id, subscriber_id, state, opened_at, closed_ms, closed_at from positions.position
"""
_DELIVERIES = "select send_id, chat_id, kind, state, message_id, repeats from telegram.delivery"


async def _rows(connection: AsyncConnection[tuple[Any, ...]], query: str) -> list[Json]:
    cursor = await connection.execute(query)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


def summarise(records: Records) -> Json:
    """Count what happened and what should have."""
    states = Counter(str(position["state"]) for position in records.positions)
    lost, duplicated = _count_due(records)
    return {
        "ticks": len(records.ticks),
        "candles": {interval.value: len(candles) for interval, candles in records.candles.items()},
        "signals": len(records.signals),
        "positions": {
            "proposed": len(records.positions),
            "open": states["open"],
            "closed": states["closed"],
            "void": states["void"],
        },
        "messages": _messages(records),
        "latency_ms": _latencies(records),
        "lost": lost,
        "duplicated": duplicated,
    }


def _messages(records: Records) -> Json:
    accepted = [entry for entry in records.journal if entry["outcome"] == "accepted"]
    methods = Counter(entry["method"] for entry in accepted)
    states = Counter(str(delivery["state"]) for delivery in records.deliveries)
    photos = sum("photo" in entry["parameters"] or "media" in entry["parameters"] for entry in accepted)
    return {
        "sent": sum(is_new_message(entry) for entry in accepted),
        "photos": photos,
        "edits": sum(count for method, count in methods.items() if method.startswith("edit")),
        "dead": states["dead"],
        "unknown": states["unknown"],
    }


def _count_due(records: Records) -> tuple[int, int]:
    """Count messages that were due and never arrived, and messages that arrived without being due.

    Due are the signal of each position that is not void and the outcome of each closed one. A message belongs to a
    position when it shows the position's short id; one that no delivery row accounts for is a double, unless a send
    ended `unknown` and its policy repeated it.
    """
    arrived = {(entry["chat_id"], message) for entry in records.journal if is_new_message(entry)
               for message in entry["message_ids"]}  # fmt: skip
    rows = {str(delivery["send_id"]): delivery for delivery in records.deliveries}
    due = [send_id(p["position_id"], "signal") for p in records.positions if p["state"] in ("open", "closed")]
    due += [send_id(p["position_id"], "outcome") for p in records.positions if p["state"] == "closed"]
    lost = sum(not _has_arrived(rows.get(name), arrived) for name in due)
    known = {(row["chat_id"], row["message_id"]) for row in records.deliveries}
    shorts = {short_id(position["position_id"]) for position in records.positions}
    strangers = [
        entry
        for entry in records.journal
        if is_new_message(entry)
        and any(short in text_of(entry) for short in shorts)
        and not any((entry["chat_id"], message) in known for message in entry["message_ids"])
    ]
    excused = sum(row["repeats"] or row["state"] == "unknown" for row in records.deliveries)
    return lost, max(0, len(strangers) - excused)


def _has_arrived(row: Json | None, arrived: set[tuple[Any, int]]) -> bool:
    if row is None:
        return False
    return row["state"] == "unknown" or (row["chat_id"], row["message_id"]) in arrived


def _latencies(records: Records) -> Json:
    """Measure on the wall clock: candle published → signal stored → first and last text confirmed; tick → exit stored.

    An exit that was parked because its signal was still on the way counts from the delivery.
    """
    closed_at = {candle.open_time_s: candle.at for candle in records.candles[Interval.M1]}
    signals = [
        (raised.stored_at - closed_at[raised.signal.candle_open_s]).total_seconds()
        for raised in records.signals
        if raised.signal.candle_open_s in closed_at
    ]
    first, last = _sent_after(records)
    tick_at = {tick.epoch_ms: tick.at for tick in records.ticks}
    exits = [
        (position["closed_at"] - max(tick_at[position["closed_ms"]], position["opened_at"])).total_seconds()
        for position in records.positions
        if position["state"] == "closed" and position["closed_ms"] in tick_at
    ]
    return {
        "tick_to_signal": percentiles(signals),
        "signal_to_first_sent": percentiles(first),
        "signal_to_last_sent": percentiles(last),
        "tick_to_exit": percentiles(exits),
    }


def _sent_after(records: Records) -> tuple[list[float], list[float]]:
    """For each signal, the seconds until its first and until its last subscriber had the text."""
    answered = {
        (entry["chat_id"], message): entry["answered_at"] or entry["received_at"]
        for entry in records.journal
        if is_new_message(entry)
        for message in entry["message_ids"]
    }
    rows = {str(delivery["send_id"]): delivery for delivery in records.deliveries}
    raised = {one.signal.id: one.stored_at.timestamp() for one in records.signals}
    after: dict[str, list[float]] = {}
    for position in records.positions:
        row = rows.get(send_id(position["position_id"], "signal"))
        moment = answered.get((row["chat_id"], row["message_id"])) if row else None
        if moment is not None and position["signal_id"] in raised:
            after.setdefault(position["signal_id"], []).append(moment - raised[position["signal_id"]])
    return [min(values) for values in after.values()], [max(values) for values in after.values()]


def percentiles(seconds: Iterable[float]) -> Json:
    """The median and the 99th percentile in milliseconds (nearest rank); None where nothing was measured."""
    ordered = sorted(seconds)

    def rank(share: float) -> float | None:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1000, 1) if ordered else None

    return {"p50": rank(0.5), "p99": rank(0.99)}
