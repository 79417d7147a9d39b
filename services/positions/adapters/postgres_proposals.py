"""Signals on their way to people, in PostgreSQL. Everything that grows with the number of people is one statement
for many of them.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from contracts.messages import Side, SignalRaised
from services.positions.adapters.postgres_rows import PERSON, PERSON_WIDTH, Connection, Row, person
from services.positions.domain.calm import Pause
from services.positions.domain.gates import Given
from services.positions.domain.plans import Plan
from services.positions.domain.terms import Terms
from services.positions.ports import NOBODY, Candidate, Look, Proposal, Refused

_RECORD = """
    insert into signal (id, symbol, strategy, strategy_version, interval, mode, side, entry, stop, targets, rr,
        strength, score, reasons, candle_open_s, quote_ms, raised_at)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (id) do nothing
"""
_HANDED_TO = "select handed_to from signal where id = %s for no key update"
_HAND_ON = "update signal set handed_to = %s where id = %s"
_BY_INDEX = "set local enable_seqscan = off"
"""Where the statistics still say that nobody has a position, a plan would read the whole table for each subscriber. For
the same reason `limit 1` below, and no `exists`: that is planned as a table of all who have a position, for each page.
"""
_CANDIDATE = f"""
    select {PERSON}, (
        select true from position p where p.subscriber_id = s.id and p.symbol = %(symbol)s
            and p.state in ('proposed', 'parked', 'open') limit 1
    ) is not null or (
        select true from position p where p.subscriber_id = s.id and p.symbol = %(symbol)s
            and p.state = 'closed' and p.closed_ms > %(quote_ms)s limit 1
    ) is not null, (
        select json_agg(json_build_array(p.side, p.entry, p.quote_ms)) from position p
        where p.subscriber_id = s.id and p.symbol = %(symbol)s and p.quote_ms > %(since_ms)s and p.state <> 'void'
    ) from subscriber s
"""  # noqa: S608  # PERSON is a constant list of columns
_CANDIDATES = f"{_CANDIDATE} where s.auto and s.active and s.id > %(after)s order by s.id limit %(limit)s"
_ONE = f"{_CANDIDATE} where s.id = %(id)s"
_PROPOSE = """
    with made as (
        insert into position (id, subscriber_id, lots, plan, targets, signal_id, symbol, side, mode, state, entry,
            initial_stop, stop, quote_ms, in_force_ms, proposed_at, expires_at)
        select id, subscriber_id, lots, plan, targets::float8[], %(signal)s, %(symbol)s, %(side)s, %(mode)s, 'proposed',
            %(entry)s, %(stop)s, %(stop)s, %(quote_ms)s, %(quote_ms)s, %(at)s, %(expires_at)s
        from unnest(%(ids)b::text[], %(people)b::bigint[], %(lots)b::numeric[], %(plans)b::text[], %(targets)b::text[])
            as made (id, subscriber_id, lots, plan, targets)
        order by subscriber_id
        on conflict do nothing returning id
    ), told as (
        insert into position_event (position_id, version, event, at, market_ms)
        select id, 1, 'proposed', %(at)s, %(quote_ms)s from made
    )
    select id from made
"""
_PAUSE = """
    select since_ms, slippage_pips, until_ms from pause
    where symbol = %s and since_ms <= %s and (until_ms is null or until_ms > %s) limit 1
"""
_REFUSE = """
    insert into refusal (subscriber_id, symbol, signal_id, mode, reasons, market_ms, refused_at)
    select subscriber_id, %(symbol)s, %(signal)s, %(mode)s, string_to_array(reasons, ','), %(market_ms)s, %(at)s
    from (select id from subscriber where id = any(%(people)s) order by id for key share) as there
    join unnest(%(people)s::bigint[], %(reasons)s::text[]) as refused (subscriber_id, reasons)
        on refused.subscriber_id = there.id
    order by refused.subscriber_id
    on conflict (subscriber_id, symbol) do update set signal_id = excluded.signal_id, mode = excluded.mode,
        reasons = excluded.reasons, market_ms = excluded.market_ms, refused_at = excluded.refused_at
"""


class PostgresProposals:
    """The tables `signal`, `refusal`, and `position` where it begins. People are locked in the order of their ids."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def record(self, terms: Terms) -> None:
        """Store the signal itself."""
        it = terms.signal
        origin = (it.id, it.symbol, it.strategy, it.strategy_version, it.interval, it.mode, it.side)
        levels = (it.entry, it.stop, list(it.targets), it.rr, it.strength, it.score, list(it.reasons))
        await self._connection.execute(_RECORD, (*origin, *levels, it.candle_open_s, it.quote_ms, it.at))

    async def handed_to(self, signal_id: str) -> int:
        """Lock the signal's row and read up to whom it was handed out."""
        row = await (await self._connection.execute(_HANDED_TO, (signal_id,))).fetchone()
        return NOBODY if row is None or row[0] is None else int(row[0])

    async def hand_on(self, signal_id: str, subscriber_id: int | None) -> None:
        """Store up to whom a signal was handed out."""
        await self._connection.execute(_HAND_ON, (subscriber_id, signal_id))

    async def candidates(self, look: Look, *, after_id: int, limit: int) -> list[Candidate]:
        """List subscribers with automatic signals, by id."""
        await self._connection.execute(_BY_INDEX)
        cursor = await self._connection.execute(_CANDIDATES.encode(), _seen(look) | {"after": after_id, "limit": limit})
        return [_candidate(row) for row in await cursor.fetchall()]

    async def candidate(self, look: Look, subscriber_id: int) -> Candidate | None:
        """Look one subscriber up."""
        row = await (await self._connection.execute(_ONE.encode(), _seen(look) | {"id": subscriber_id})).fetchone()
        return None if row is None else _candidate(row)

    async def propose(self, signal: SignalRaised, proposals: Sequence[Proposal], at: datetime) -> set[str]:
        """Store positions of one signal, all at the same price; returns the ids that were stored."""
        if not proposals:
            return set()
        terms = proposals[0].terms
        values = {
            "signal": signal.id, "symbol": signal.symbol, "side": signal.side, "mode": signal.mode,
            "entry": terms.entry, "stop": terms.stop, "quote_ms": terms.quote_ms,
            "at": at, "expires_at": terms.expires_at,
            "ids": [one.position_id for one in proposals],
            "people": [one.person.subscriber_id for one in proposals],
            "lots": [one.lots for one in proposals],
            "plans": [_written(one.terms.plan) for one in proposals],
            "targets": [_array(one.terms.targets) for one in proposals],
        }  # fmt: skip
        return {row[0] for row in await (await self._connection.execute(_PROPOSE, values)).fetchall()}

    async def pause(self, symbol: str, market_ms: int) -> Pause | None:
        """Look for a pause that a moment of market time falls into."""
        row = await (await self._connection.execute(_PAUSE, (symbol, market_ms, market_ms))).fetchone()
        return None if row is None else Pause(*row)

    async def refuse(self, refused: Sequence[Refused]) -> None:
        """Keep the last refusal of each; all of one call are of one signal. Who was erased meanwhile is left out."""
        if not refused:
            return
        first = refused[0]
        values = {
            "symbol": first.symbol, "signal": first.signal_id, "mode": first.mode, "market_ms": first.market_ms,
            "at": first.refused_at,
            "people": [one.subscriber_id for one in refused],
            "reasons": [",".join(one.reasons) for one in refused],
        }  # fmt: skip
        await self._connection.execute(_REFUSE, values)


@lru_cache(maxsize=256)
def _written(plan: Plan) -> str:
    return str(plan)


@lru_cache(maxsize=256)
def _array(prices: tuple[float, ...]) -> str:
    return "{" + ",".join(map(repr, prices)) + "}"


def _seen(look: Look) -> dict[str, object]:
    return {"symbol": look.symbol, "quote_ms": look.quote_ms, "since_ms": look.since_ms}


def _candidate(row: Row) -> Candidate:
    has_position, given = row[PERSON_WIDTH:]
    return Candidate(person(row), has_position, tuple(Given(Side(one[0]), one[1], one[2]) for one in given or ()))
