"""Positions that live and end, in PostgreSQL. A row is changed only from the version it was locked at."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import UnionType

import msgspec

from contracts.messages import ExitReason, Side
from services.positions.adapters.postgres_rows import HOLDING, Connection, Row, holding
from services.positions.domain.course import Course, Followed
from services.positions.domain.day import DaySpan, DayTotal
from services.positions.domain.history import EVENTS, Arrived, Lost, at_ms
from services.positions.domain.holding import Holding
from services.positions.domain.instrument import Instrument, find_instrument
from services.positions.domain.plans import Bracket, Plan, course_of, read_plan
from services.positions.ports import Chapter, Span

_LOCK = f"""
    select {HOLDING} from position p join subscriber s on s.id = p.subscriber_id
    where p.id = any(%s) order by p.id for no key update of p
"""  # noqa: S608  # HOLDING is a constant list of columns
_SAVE = """
    with saved as (
        update position p set state = c.state, version = c.version, stop = c.stop, stop_reason = c.stop_reason,
            in_force_ms = greatest(p.in_force_ms, c.in_force_ms), legs = c.legs::jsonb,
            delivery_state = coalesce(c.delivery, p.delivery_state), void_reason = c.void_reason,
            exit_reason = c.exit_reason, exit_level = c.level, exit_price = c.price, slippage_pips = c.slippage,
            closed_ms = c.closed_ms, detected_late = c.late, pnl = c.pnl, r = c.r,
            opened_at = case when c.state in ('open', 'closed') then coalesce(p.opened_at, %(at)s) end,
            closed_at = case when c.state in ('closed', 'void') then %(at)s end
        from unnest(%(ids)s::text[], %(versions)s::int[], %(afters)s::int[], %(states)s::text[], %(stops)s::float8[],
            %(stop_reasons)s::text[], %(in_force)s::bigint[], %(legs)s::text[], %(deliveries)s::text[],
            %(voids)s::text[], %(reasons)s::text[], %(levels)s::float8[], %(prices)s::float8[],
            %(slippages)s::float8[], %(closed)s::bigint[], %(lates)s::bool[], %(pnls)s::numeric[], %(rs)s::float8[])
            as c (id, was, version, state, stop, stop_reason, in_force_ms, legs, delivery, void_reason, exit_reason,
                level, price, slippage, closed_ms, late, pnl, r)
        where p.id = c.id and p.version = c.was and p.state in ('proposed', 'parked', 'open')
        returning p.id
    )
    insert into position_event (position_id, version, event, at, market_ms, detail)
    select e.id, e.version, e.event, %(at)s, e.market_ms, e.detail::jsonb
    from unnest(%(event_ids)s::text[], %(event_versions)s::int[], %(events)s::text[], %(market)s::bigint[],
        %(details)s::text[]) as e (id, version, event, market_ms, detail)
    join saved on saved.id = e.id
"""
_DAYS = """
    select d.subscriber_id, coalesce(sum(p.pnl), 0), count(p.id)
    from unnest(%s::bigint[], %s::bigint[], %s::bigint[]) as d (subscriber_id, from_ms, to_ms)
    left join position p on p.subscriber_id = d.subscriber_id and p.state = 'closed'
        and p.closed_ms >= d.from_ms and p.closed_ms < d.to_ms
    group by d.subscriber_id
"""
_FOLLOWED = """
    select id, side, stop, targets, in_force_ms, stop_reason, jsonb_array_length(legs), plan, entry, initial_stop,
        quote_ms
    from position
    where symbol = %(symbol)s and state in ('proposed', 'open')
"""
_FOLLOWED_OF_SIGNAL = f"{_FOLLOWED} and signal_id = %(signal)s"
_FOLLOWED_OF_PEOPLE = f"{_FOLLOWED_OF_SIGNAL} and subscriber_id > %(after)s and subscriber_id <= %(until)s"
_UNSETTLED = """
    select id from position where state in ('proposed', 'parked') and expires_at < %s order by id limit %s
"""


class PostgresPositions:
    """The table `position` where it goes on, with its events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, position_ids: Sequence[str]) -> list[Holding]:
        """Read and lock positions, always in the order of their ids."""
        cursor = await self._connection.execute(_LOCK.encode(), (list(position_ids),))
        return [holding(row) for row in await cursor.fetchall()]

    async def save(self, chapters: Sequence[Chapter], at: datetime) -> None:
        """Store what happened, each only from the version it was read at."""
        if chapters:
            await self._connection.execute(_SAVE, {"at": at} | _rows(chapters) | _events(chapters))

    async def day_totals(self, days: Mapping[int, DaySpan]) -> Mapping[int, DayTotal]:
        """Add up what each subscriber closed in a span of market time."""
        spans = list(days.values())
        values = (list(days), [span.from_ms for span in spans], [span.to_ms for span in spans])
        rows = await (await self._connection.execute(_DAYS, values)).fetchall()
        return {row[0]: DayTotal(row[1], row[2]) for row in rows}

    async def unsettled(self, expired_before: datetime, *, limit: int) -> list[str]:
        """List positions whose delivery was never told."""
        rows = await (await self._connection.execute(_UNSETTLED, (expired_before, limit))).fetchall()
        return [row[0] for row in rows]

    async def followed(self, symbol: str, signal_id: str | None = None, people: Span | None = None) -> list[Followed]:
        """List the positions that ticks can cross, by their ids."""
        query, values = _FOLLOWED, dict[str, object](symbol=symbol, signal=signal_id)
        if signal_id is not None:
            query = _FOLLOWED_OF_SIGNAL
        if people is not None:
            query, values = _FOLLOWED_OF_PEOPLE, values | {"after": people.after_id, "until": people.until_id}
        rows = await (await self._connection.execute(f"{query} order by id".encode(), values)).fetchall()
        courses = Courses(find_instrument(symbol))
        return [courses.followed(row) for row in rows]


class Courses:
    """Makes the followed positions of one symbol. Those of one signal share what their plan comes to."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._known: dict[tuple[object, ...], Course] = {}

    def followed(self, row: Row) -> Followed:
        """Read one row of the statement above."""
        position_id, side, stop, targets, in_force_ms, stop_reason, reached, *terms = row
        plan = read_plan(terms[0])
        left = targets[reached : len(plan.shares)] or targets[:1]
        return Followed(
            position_id=position_id,
            side=Side(side),
            stop=stop,
            target=left[0],
            in_force_ms=in_force_ms,
            later_targets=tuple(left[1:]),
            course=self._course(plan, Side(side), terms),
            stop_reason=ExitReason(stop_reason),
        )

    def _course(self, plan: Plan, side: Side, terms: Row) -> Course:
        key = (side, *terms)
        if key not in self._known:
            _, entry, initial_stop, quote_ms = terms
            bracket = Bracket(side=side, entry=entry, initial_stop=initial_stop)
            self._known[key] = course_of(plan, bracket, self._instrument, quote_ms)
        return self._known[key]


def _rows(chapters: Sequence[Chapter]) -> dict[str, object]:
    """Write what positions have become as columns."""
    after, exits = [one.after for one in chapters], [one.after.exit for one in chapters]
    return {
        "ids": [one.position_id for one in after], "versions": [one.before.version for one in chapters],
        "afters": [one.version for one in after], "states": [one.state for one in after],
        "stops": [one.stop for one in after], "stop_reasons": [one.stop_reason for one in after],
        "in_force": [one.in_force_ms for one in chapters], "legs": [_json(one.legs) for one in after],
        "deliveries": [_last(one, Arrived | Lost, "delivery") for one in chapters],
        "voids": [_last(one, Lost, "reason") for one in chapters],
        "reasons": [end and end.reason for end in exits], "levels": [end and end.level for end in exits],
        "prices": [end and end.price for end in exits], "slippages": [end and end.slippage_pips for end in exits],
        "closed": [end and end.closed_ms for end in exits], "lates": [bool(end and end.detected_late) for end in exits],
        "pnls": [one.closing and one.closing.pnl for one in chapters],
        "rs": [one.closing.r if one.closing else None for one in chapters],
    }  # fmt: skip


def _events(chapters: Sequence[Chapter]) -> dict[str, object]:
    """Write what happened to positions as columns."""
    each = [
        (one, one.before.version + number, happened)
        for one in chapters
        for number, happened in enumerate(one.happened, start=1)
    ]
    return {
        "event_ids": [one.before.position_id for one, _, _ in each],
        "event_versions": [version for _, version, _ in each],
        "events": [EVENTS[type(happened)] for _, _, happened in each],
        "market": [at_ms(happened, one.before) for one, _, happened in each],
        "details": [_json(happened) for _, _, happened in each],
    }


def _last(chapter: Chapter, kind: type | UnionType, name: str) -> str | None:
    found = [getattr(one, name) for one in chapter.happened if isinstance(one, kind)]
    return found[-1] if found else None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
