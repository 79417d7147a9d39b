"""A signal to many: in pages, each whole, and nobody else waits for them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from chassis.bus import Stored
from contracts import catalogue, ids
from contracts.messages import FeedState, Side, SignalRaised
from services.positions.adapters.postgres_store import PostgresStore
from services.positions.domain import gates
from services.positions.domain.day import day_of
from services.positions.domain.sizing import lots_of
from services.positions.domain.terms import Terms, price_signal
from services.positions.handlers.patience import held
from services.positions.handlers.proposing import PAGE
from services.positions.ports import NOBODY, Look, Work
from services.positions.wiring import PositionsRoom
from tests.positions.builders import GOLD, START_MS, a_signal, a_tick
from tests.positions.crowd import EARLIER, fill, fill_random
from tests.positions.house import House, until

CROWD = 3 * PAGE + 7
LARGE = 12 * PAGE
"""Enough pages to be stopped between two."""
RULES = gates.GateRules()
LOOK = Look("XAUUSD", START_MS, START_MS - RULES.memory_ms)


async def given(house: House) -> list[tuple[int, int]]:
    """Whom the signal was given to, and how often."""
    return await house.rows("select subscriber_id, count(*) from position group by subscriber_id order by 1")


@asynccontextmanager
async def stopped_between_pages(house: House) -> AsyncIterator[None]:
    """Let some pages be stored and told, and keep the next ones from it. This lock holds nobody's messages back."""
    await until(lambda: len(house.sent()) > 1, "the first page")
    async with house.pool.connection() as connection:
        await connection.execute("lock table signal in exclusive mode")
        yield


async def test_a_crowd_of_several_pages_gets_one_position_and_one_message_each(house: House) -> None:
    async with house.room():
        await house.feed()
        await fill(house, CROWD)

        await house.raise_signal(a_signal())
        await until(lambda: len(house.sent()) == CROWD, "all messages")
        await house.followed(CROWD)
        await house.quiet()

    everybody = range(1, CROWD + 1)
    assert sorted(one.subscriber_id for one in house.sent()) == list(everybody)
    assert await given(house) == [(one, 1) for one in everybody]
    assert await house.rows("select handed_to from signal") == [(None,)]  # it is over, and names nobody
    assert len(house.bus.said(catalogue.CHART)) == 1


async def test_a_crowd_that_fills_its_last_page_is_handed_out_once(house: House) -> None:
    async with house.room() as room:
        await house.feed()
        await fill(house, PAGE)
        signal = a_signal()

        await house.raise_signal(signal)
        await fill(house, PAGE + 1, first=PAGE + 1)
        await room.proposing.on_signal(signal, await house.any_stored())
        await house.quiet()

    assert len(house.sent()) == PAGE


async def test_a_copy_that_dies_between_pages_leaves_whole_ones_and_the_next_goes_on_behind_them(house: House) -> None:
    signal = a_signal()
    async with house.room() as room:
        await house.feed()
        await fill(house, LARGE)
        stored = await house.any_stored()
        dying = asyncio.ensure_future(room.proposing.on_signal(signal, stored))
        async with stopped_between_pages(house):
            dying.cancel()
            await asyncio.wait({dying})
        left = len(await given(house))
        handled = await house.rows("select count(*) from inbox where consumer = 'positions-signals'")

    async with house.room():
        await house.feed()
        await house.raise_signal(signal)
        await until(lambda: len(house.sent()) == LARGE, "the others told")
        await house.quiet()

    assert 0 < left < LARGE
    assert (left % PAGE, handled) == (0, [(0,)])
    assert await given(house) == [(one, 1) for one in range(1, LARGE + 1)]
    assert await house.rows("select count(*) from refusal") == [(0,)]
    assert len(house.sent()) == LARGE


async def test_two_copies_that_hand_out_the_same_signal_give_it_once(house: House) -> None:
    async with house.room() as one:
        await house.feed()
        await fill(house, CROWD)
        async with house.room(follows=False) as other:
            await house.feed()
            stored, signal = await house.any_stored(), a_signal()

            await asyncio.gather(*(_until_done(room, signal, stored) for room in (one, other)))
            await until(lambda: len(house.sent()) >= CROWD, "all messages")
            await house.quiet()

    assert len(house.sent()) == CROWD
    assert await given(house) == [(one, 1) for one in range(1, CROWD + 1)]
    assert await house.rows("select count(*) from refusal") == [(0,)]


async def _until_done(room: PositionsRoom, signal: SignalRaised, stored: Stored) -> None:
    handle = held(catalogue.POSITIONS_SIGNALS, catalogue.SIGNAL, room.proposing.on_signal)
    await handle(signal, stored)


async def test_exits_and_answers_do_not_wait_for_a_signal_that_is_being_handed_out(house: House) -> None:
    async with house.room():
        await house.opened(1)
        await fill(house, LARGE, first=2)
        await house.bus.publish(catalogue.SIGNAL, a_signal(3, side=Side.SELL), "XAUUSD", "trend_pullback")
        async with stopped_between_pages(house):
            await house.tick(a_tick(181_000, 3998.0))
            (closed,) = await house.closed(1)
            status = await house.status(1)
            (handed_to,) = await house.rows("select handed_to from signal where quote_ms > %s", START_MS)
        await until(lambda: len(house.sent()) == LARGE, "the last page")

    assert (closed.subscriber_id, status.position) == (1, None)
    assert 0 < handed_to[0] < LARGE


async def test_a_page_reads_what_its_own_people_have_and_nothing_else(house: House) -> None:
    """The plan was made, and is kept, while nobody had a position; it must not read the table of all."""
    await fill(house, 1000)
    await house.rows_only("analyze")
    async with PostgresStore(house.pool).work() as work:
        for _ in range(15):  # from the eleventh on the database keeps the plan
            await work.proposals.candidates(LOOK, after_id=NOBODY, limit=10)
        await give_each_a_position(work)
        before = await rows_read(work)
        candidates = await work.proposals.candidates(LOOK, after_id=NOBODY, limit=10)
        read = await rows_read(work) - before

    assert [one.has_position for one in candidates] == [True] * 10
    assert 0 < read <= 30


async def give_each_a_position(work: Work) -> None:
    connection = work._connection  # type: ignore[attr-defined]
    await connection.execute(EARLIER)
    await connection.execute(
        "insert into position (id, subscriber_id, signal_id, symbol, side, mode, state, entry, initial_stop, stop,"
        " targets, lots, quote_ms, in_force_ms, proposed_at, expires_at, opened_at, delivery_state)"
        " select 'p:' || id, id, 's:earlier', 'XAUUSD', 'BUY', 'auto', 'open', 4000, 3998, 3998, '{4003}', 0.01, 1, 1,"
        " now(), now(), now(), 'delivered' from subscriber"
    )


async def rows_read(work: Work) -> int:
    """Rows of `position` that this connection has read lately, by whole scans and by an index."""
    connection = work._connection  # type: ignore[attr-defined]
    query = (
        "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
        " from pg_stat_xact_user_tables where relname = 'position' and schemaname = 'positions'"
    )
    return int((await (await connection.execute(query)).fetchone())[0])


# --- alike ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
async def test_many_at_once_are_decided_as_one_by_one(house: House, seed: int) -> None:
    async with house.room() as room:
        await house.feed()
        await fill_random(house, 200, seed)
        signal = a_signal()
        terms = price_signal(signal, GOLD)
        plan = house.settings().plan_rule.of(signal.strategy)
        async with PostgresStore(house.pool).work() as work:
            expected = {one: await decided_alone(work, one, terms.with_plan(plan)) for one in range(1, 201)}
        assert room.market.feed("XAUUSD") is FeedState.LIVE

        await house.raise_signal(signal)
        await house.quiet()

    found: dict[int, object] = dict.fromkeys(range(1, 201))
    found |= {one: tuple(reasons) for one, reasons in await house.rows("select subscriber_id, reasons from refusal")}
    query = "select subscriber_id, id, plan, lots, targets from position where signal_id = %s"
    found |= {one: (name, *rest) for one, name, *rest in await house.rows(query, signal.id)}
    assert found == expected
    assert {type(one) for one in expected.values()} == {type(None), tuple}
    assert len({one for one in map(str, expected.values()) if "why." in one}) > 5


async def decided_alone(work: Work, person_id: int, terms: Terms) -> object:
    """Decide for one, by the words of the rules: None where he is not looked at, the refusals, or what he is given."""
    candidate = await work.proposals.candidate(LOOK, person_id)
    assert candidate is not None
    person = candidate.person
    if not (person.auto and person.active):
        return None
    refusals = gates.personal_refusals(
        RULES, GOLD, terms.offer, has_position=candidate.has_position, given=candidate.given
    )
    totals: Mapping[int, object] = await work.positions.day_totals({person_id: day_of(START_MS, person.time_zone)})
    refusals += gates.chosen_refusals(
        person.preferences,
        time_zone=person.time_zone,
        market_ms=START_MS,
        day_pnl=totals[person_id].pnl,  # type: ignore[attr-defined]
    )
    if refusals:
        return tuple(refusals)
    mine = terms.with_plan(person.preferences.choice.over(terms.plan))
    lots = lots_of(person.lots, person.preferences, GOLD, entry=mine.entry, stop=mine.stop)
    return ids.position_id(terms.signal.id, person_id), str(mine.plan), lots, list(mine.targets)
