"""What the predecessor could not do between its users, by the number of the weakness."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest

from chassis.bus import Stored
from chassis.errors import SinyalError
from chassis.nats_bus import connect
from contracts import asks, catalogue
from contracts.messages import PositionClosed, Side
from tests.positions.builders import a_delivery, a_signal, a_tick
from tests.positions.house import House
from tests.positions.test_process import _register, _until_live, _until_ready, process

UNLUCKY = 13
REFUSE_ONE = f"""
    create function unlucky() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
    create trigger unlucky before insert or update on position for each row when (new.subscriber_id = {UNLUCKY})
        execute function unlucky();
"""


async def test_s16_the_failures_of_one_among_fifty_stop_none_of_the_others(house: House) -> None:
    """Half of them hold a trade that a tick ends while the others ask for theirs, all at the same time."""
    holders, askers = range(1, 26), range(26, 51)
    judge = Judge(minute=5, side=Side.SELL).evaluate

    async with house.room(cooldown_s=0), house.bus.answer(catalogue.EVALUATE, judge):
        await house.opened(*holders)
        await house.subscribe(*askers, auto=False)
        await house.rows_only(REFUSE_ONE)
        answers, _ = await asyncio.gather(
            asyncio.gather(*(house.ask_for_signal(one) for one in askers)), house.tick(a_tick(1000, 4003.1))
        )
        closed = await house.closed(24)
        await house.quiet()
        await house.rows_only("drop trigger unlucky on position")
        unlucky = await house.status(UNLUCKY)

    assert all(answer.position_id for answer in answers)
    assert sorted(one.subscriber_id for one in closed) == [one for one in holders if one != UNLUCKY]
    assert unlucky.position is not None
    assert await house.rows("select count(*) from position where state = 'closed'") == [(24,)]
    assert await house.rows("select count(*) from position where state = 'proposed'") == [(25,)]


async def test_s16_the_one_whose_exit_failed_is_settled_at_the_next_start(house: House) -> None:
    async with house.room():
        await house.opened(12, UNLUCKY)
        await house.rows_only(REFUSE_ONE)
        await house.tick(a_tick(1000, 4003.1))
        await house.closed(1)
        await house.quiet()
    await house.rows_only("drop trigger unlucky on position")

    async with house.room():
        closed = await house.closed(2)

    assert {(one.subscriber_id, one.exit) for one in closed} == {(12, 4003.1), (UNLUCKY, 4003.1)}


class Judge:
    """Judges the market another way each time it is asked."""

    def __init__(self, minute: int = 0, **changes: object) -> None:
        self._minute = minute
        self._changes = changes

    async def evaluate(self, _request: asks.EvaluateNow) -> asks.Evaluation:
        self._minute += 1
        return asks.Evaluation(signal=a_signal(self._minute, mode="manual", **self._changes))


@pytest.mark.real
async def test_s16_of_two_processes_that_race_for_one_user_one_wins(postgres: str, nats: str) -> None:
    async with (
        process(postgres, nats, SINYAL_POSITIONS_COOLDOWN_S="0") as (_one, first),
        process(postgres, nats, SINYAL_POSITIONS_COOLDOWN_S="0") as (_other, second),
        connect(nats, name="telegram") as bus,
        bus.answer(catalogue.EVALUATE, Judge().evaluate),
    ):
        await _until_ready(first)
        await _until_ready(second)
        await bus.publish(catalogue.TICK, a_tick(0, 3999.9), "XAUUSD")
        people = range(1, 6)
        await _register(bus, *people)
        await _until_live(bus, people[0])
        ends = await asyncio.gather(
            *(
                bus.ask(catalogue.REQUEST_SIGNAL, asks.RequestSignal(subscriber_id=person, symbol="XAUUSD"))
                for person in people
                for _ in range(8)
            ),
            return_exceptions=True,
        )

    won = [one.position_id for one in ends if isinstance(one, asks.SignalRequested) and one.position_id]
    assert (len(won), len(set(won))) == (5, 5)
    assert [one for one in ends if isinstance(one, BaseException) and not isinstance(one, SinyalError)] == []


async def test_s7_who_opens_the_next_position_at_each_close_locks_nobody_out(house: House) -> None:
    """A hundred close at once, three times; each asks for the next trade the moment its end is told."""
    people, rounds = range(1, 101), 3
    minute = 0

    async def judge(_request: asks.EvaluateNow) -> asks.Evaluation:
        return asks.Evaluation(signal=a_signal(minute, mode="manual"))

    async def on_close(ends: AsyncIterator[tuple[Stored, PositionClosed]]) -> list[asks.SignalRequested]:
        """Ask for the next trade of each, as each end of this round is told."""
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            asked = [group.create_task(house.ask_for_signal((await anext(ends))[1].subscriber_id)) for _ in people]
        return [one.result() for one in asked]

    async with (
        house.room(cooldown_s=0, same_side_s=0),
        house.bus.answer(catalogue.EVALUATE, judge),
        house.bus.replay(catalogue.POSITION_CLOSED) as ends,
    ):
        await house.opened(*people)
        for number in range(1, rounds + 1):
            minute = 10 * number
            await house.tick(a_tick(60_000 * minute - 1000, 4003.1), a_tick(60_000 * minute, 3999.9))
            answers = await on_close(ends)
            assert [one.why for one in answers if not one.position_id] == []
            await _deliver_last(house, people, number + 1)
            await house.followed(len(people))
        await house.quiet()
        deadlocks = await house.rows("select deadlocks from pg_stat_database where datname = current_database()")

    assert deadlocks == [(0,)]
    assert house.bus.said(catalogue.DEAD) == []
    assert await house.rows("select state, count(*) from position group by 1 order by 1") == [
        ("closed", 300), ("open", 100)
    ]  # fmt: skip


async def _deliver_last(house: House, people: Sequence[int], count: int) -> None:
    """Deliver the last signal of each, once each has so many."""
    await house.quiet()
    sent = house.sent()
    assert Counter(one.subscriber_id for one in sent) == dict.fromkeys(people, count)
    last = [a_delivery(one) for one in sent[-len(people) :]]
    await asyncio.gather(*(house.bus.publish(catalogue.DELIVERY, one, one.state, one.chat_id) for one in last))
    await house.handled(catalogue.POSITIONS_DELIVERIES)
