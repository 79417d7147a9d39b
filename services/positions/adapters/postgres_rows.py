"""Rows into the domain's words."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from psycopg import AsyncConnection

from contracts.messages import ExitReason, Mode, Side
from services.positions.domain.exits import Exit
from services.positions.domain.hearing import read_hearing
from services.positions.domain.holding import Holding, Leg
from services.positions.domain.life import State
from services.positions.domain.plans import Choice, Targets, read_plan
from services.positions.domain.preferences import Preferences, QuietHours
from services.positions.domain.subscriber import Person

Connection = AsyncConnection[tuple[Any, ...]]
Row = Sequence[Any]

PERSON = """
    s.id, s.chat_id, s.language, s.time_zone, s.auto, s.lots, s.active, s.balance, s.risk_percent, s.daily_loss_percent,
    s.quiet_from_min, s.quiet_to_min, s.plan_targets, s.plan_break_even, s.plan_trailing, s.plan_tightening,
    s.plan_time_limit_s, s.hearing, s.dashboard
"""
PERSON_WIDTH = 19
HOLDING = """
    p.id, p.subscriber_id, s.chat_id, s.language, s.time_zone, p.signal_id, p.symbol, p.side, p.mode, p.state, p.entry,
    p.initial_stop, p.stop, p.targets, p.lots, p.quote_ms, p.version,
    p.exit_reason, p.exit_level, p.exit_price, p.slippage_pips, p.closed_ms, p.detected_late,
    p.plan, p.stop_reason, p.legs, s.hearing, s.dashboard
"""
HOLDING_WIDTH = 28


def person(row: Row) -> Person:
    """Read the columns `PERSON`."""
    return Person(
        subscriber_id=row[0],
        chat_id=row[1],
        language=row[2],
        time_zone=row[3],
        auto=row[4],
        lots=row[5],
        active=row[6],
        preferences=_preferences(*row[7:PERSON_WIDTH]),
    )


@lru_cache(maxsize=4096)
def _preferences(*columns: Any) -> Preferences:
    """Read what was chosen; most people chose nothing, or the same."""
    balance, risk_percent, daily_loss_percent, quiet_from_min, quiet_to_min, targets, *switches = columns
    break_even, trailing, tightening, time_limit_s, hearing, dashboard = switches
    return Preferences(
        balance=balance,
        risk_percent=risk_percent,
        daily_loss_percent=daily_loss_percent,
        quiet=None if quiet_from_min is None else QuietHours(quiet_from_min, quiet_to_min),
        choice=Choice(
            targets=None if targets is None else Targets(targets),
            break_even=break_even,
            trailing=trailing,
            tightening=tightening,
            time_limit_s=time_limit_s,
        ),
        hearing=read_hearing(hearing),
        dashboard=dashboard,
    )


def holding(row: Row) -> Holding:
    """Read the columns `HOLDING`."""
    return Holding(
        position_id=row[0],
        subscriber_id=row[1],
        chat_id=row[2],
        language=row[3],
        time_zone=row[4],
        signal_id=row[5],
        symbol=row[6],
        side=Side(row[7]),
        mode=Mode(row[8]),
        state=State(row[9]),
        entry=row[10],
        initial_stop=row[11],
        stop=row[12],
        targets=tuple(row[13]),
        lots=row[14],
        quote_ms=row[15],
        version=row[16],
        exit=_exit(row[17:23]),
        plan=read_plan(row[23]),
        stop_reason=ExitReason(row[24]),
        legs=tuple(msgspec.convert(leg, Leg) for leg in row[25]),
        hearing=read_hearing(row[26]),
        wants_dashboard=row[27],
    )


def _exit(row: Row) -> Exit | None:
    if row[0] is None:
        return None
    return Exit(
        reason=ExitReason(row[0]),
        level=row[1],
        price=row[2],
        slippage_pips=row[3],
        closed_ms=row[4],
        detected_late=row[5],
    )
