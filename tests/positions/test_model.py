"""Thousands of random interleavings of signals, ticks, deliveries, restarts and failures, held to what must hold.

What each position comes to is worked out anew from its own terms and the ticks, one at a time, by the plain rule. Set
`SINYAL_MODEL_STORIES` to tell more stories than the gate has time for.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chassis.database import Pool, open_pool
from chassis.errors import TransientError
from contracts import asks, catalogue, ids
from contracts.messages import DeliverySettled, DeliveryState, Mode, SendClass, SendMessage, Side, SignalRaised, Tick
from services.positions.domain.course import Followed, TargetReached, after, step
from services.positions.domain.exits import Price
from services.positions.domain.life import Event, fold
from services.positions.domain.plans import Bracket, course_of, read_plan
from services.positions.handlers.follower import Follower
from services.positions.settings import PositionsSettings
from tests.positions.builders import GOLD, a_delivery, a_signal, a_tick
from tests.positions.workshop import Workshop

STORIES = int(os.environ.get("SINYAL_MODEL_STORIES", "60"))
STEPS = 40
PHASES = [one for one in Phase if one is not Phase.shrink or "SINYAL_MODEL_SHRINK" in os.environ]
"""A story that fails is told as it was; to make it short takes minutes."""
PEOPLE = (1, 2, 3, 4, 5)
LOST = (DeliveryState.VOID, DeliveryState.DEAD, DeliveryState.EXPIRED)
CHOICES = {
    2: [("targets", "three")],
    3: [("targets", "three"), ("trailing", "off"), ("lots", "0.37")],
    4: [("tightening", "on"), ("time_limit_min", "1")],
    5: [("break_even", "off"), ("trailing", "off"), ("balance", "500"), ("risk_percent", "2")],
}


class Story(RuleBasedStateMachine):
    """One room and its market; what it promised is looked at behind every step, and all of it at the end."""

    pool: Pool
    runner: asyncio.Runner
    config: PositionsSettings

    def __init__(self) -> None:
        super().__init__()
        self.signals: list[SignalRaised] = []
        self.raised = 0
        self.deliveries: list[DeliverySettled] = []
        self.settled: dict[str, DeliverySettled] = {}
        self.old: list[tuple[Follower, int]] = []
        self.bid = 3999.9

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do one thing; True where it was done, False where the store failed."""
        try:
            result = self.runner.run(work)
        except TransientError:
            return False
        return True if result is None else result

    @initialize()
    def begin(self) -> None:
        self.shop = Workshop(self.pool, self.config)
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        await self.shop.forget()
        for one in PEOPLE:
            await self.shop.people.register(asks.RegisterSubscriber(subscriber_id=one, chat_id=one, name="n"))
            await self.shop.people.set_auto(asks.SetAuto(subscriber_id=one, auto=True))
            for name, value in CHOICES.get(one, []):
                await self.shop.people.change_setting(asks.ChangeSetting(subscriber_id=one, name=name, value=value))
        self._tick(0)
        await self.shop.restart()

    # --- what can happen ----------------------------------------------------------------------------------------------

    def _tick(self, cents: int) -> None:
        self.bid = round(self.bid + cents / 100, 2)
        self.shop.publish(a_tick(1000 * len(self.shop.ticks), self.bid, at=self.shop.clock.now()))

    @rule(moves=st.lists(st.integers(-45, 45), min_size=1, max_size=8))
    def the_market_moves(self, moves: list[int]) -> None:
        for cents in moves:
            self._tick(cents)

    @rule(cents=st.sampled_from([-310, -120, 120, 310]))
    def the_market_jumps(self, cents: int) -> None:
        self._tick(cents)

    @rule(count=st.integers(1, 12))
    def ticks_are_followed(self, count: int) -> None:
        self.shop.follow(count)

    @rule(side=st.sampled_from(list(Side)))
    def a_signal_is_raised(self, side: Side) -> None:
        self.raised += 1
        self.signals.append(self._signal(side, Mode.AUTO))

    def _signal(self, side: Side, mode: Mode) -> SignalRaised:
        tick = self.shop.ticks[-1][1]
        middle = round((tick.bid + tick.ask) / 2, 2)
        return a_signal(
            id=f"s:{self.raised}:{mode}", at=self.shop.clock.now(), side=side, mode=mode, entry=middle,
            stop=round(middle - 2 * side.sign, 2), targets=(round(middle + 3 * side.sign, 2),), bid=tick.bid,
            ask=tick.ask, quote_ms=tick.epoch_ms,
        )  # fmt: skip

    @precondition(lambda self: self.signals)
    @rule(is_repeated=st.booleans(), fails_in=st.sampled_from([0, 0, 0, 3, 4, 5, 6]), is_committed=st.booleans())
    def a_signal_is_handed_out(self, is_repeated: bool, fails_in: int, is_committed: bool) -> None:
        """One at a time and in order; what failed, between two pages say, is given again, and what was done may be."""
        if fails_in:
            self.the_database_will_fail(fails_in, is_committed)
        if self.do(self.shop.hand_out(self.signals[0])) and not is_repeated:
            self.signals.pop(0)

    @rule(person=st.sampled_from(PEOPLE), side=st.sampled_from(list(Side)))
    def somebody_asks_for_a_signal(self, person: int, side: Side) -> None:
        self.raised += 1
        self.do(self._give(person, side))

    async def _give(self, person_id: int, side: Side) -> None:
        async with self.shop.store.work() as work:
            person = await work.subscribers.find(person_id)
        assert person is not None
        await self.shop.proposing.give(self._signal(side, Mode.MANUAL), person)

    @rule(moves=st.lists(st.integers(-40, 40), min_size=3, max_size=15))
    def all_goes_well_for_a_while(self, moves: list[int]) -> None:
        """What waits is handed out, told, delivered and followed, while the market goes on."""
        done = not self.signals or self.do(self.shop.hand_out(self.signals[0]))
        if done:
            self.signals = self.signals[1:]
        self.do(self.shop.relay(dies=False))
        for place in range(len(self._unsettled())):
            self.a_message_is_settled(place, None)
            self.do(self.shop.settle(self.deliveries[-1]))
        while self.shop.store.changes and self.do(self.shop.hear()):
            pass
        for cents in moves:
            self._tick(cents)
        self.shop.follow(len(self.shop.ticks))

    @rule(dies=st.booleans())
    def the_outbox_is_published(self, dies: bool) -> None:
        self.do(self.shop.relay(dies=dies))

    @rule(place=st.integers(0, 99), lost=st.sampled_from([None, None, None, *LOST]))
    def a_message_is_settled(self, place: int, lost: DeliveryState | None) -> None:
        waiting = self._unsettled()
        if waiting:
            send = waiting[place % len(waiting)]
            state = lost or (DeliveryState.UNKNOWN if place % 7 == 0 else DeliveryState.DELIVERED)
            self.settled[send.id] = a_delivery(send, state, deactivate=state is DeliveryState.VOID and place % 2 == 0)
            self.deliveries.append(self.settled[send.id])

    def _unsettled(self) -> list[SendMessage]:
        sends = {one.id: one for one in self.shop.bus.said(catalogue.SEND) if one.kind is SendClass.SIGNAL}
        return [one for one in sends.values() if one.id not in self.settled]

    @precondition(lambda self: self.deliveries)
    @rule(place=st.integers(0, 99), is_repeated=st.booleans())
    def a_delivery_is_heard(self, place: int, is_repeated: bool) -> None:
        place %= len(self.deliveries)
        if self.do(self.shop.settle(self.deliveries[place])) and not is_repeated:
            self.deliveries.pop(place)

    @precondition(lambda self: self.shop.store.changes)
    @rule()
    def a_change_is_heard(self) -> None:
        self.do(self.shop.hear())

    @rule(limit=st.sampled_from([1, 2, 250]))
    def what_ticks_decided_is_stored(self, limit: int) -> None:
        self.do(self.shop.write(limit))

    @rule()
    def the_room_starts_again(self) -> None:
        tenure = self.shop.tenure
        before = self.do(self.shop.restart()) or self.runner.run(self.shop.restart())
        self.old.append((before, tenure))

    @precondition(lambda self: self.old)
    @rule()
    def an_owner_that_lost_its_lease_stores_what_it_has(self) -> None:
        self.do(self.shop.write_late(*self.old.pop()))

    @precondition(lambda self: not self.shop.store.changes and not self.signals)
    @rule(seconds=st.sampled_from([1.0, 31.0]))
    def time_passes(self, seconds: float) -> None:
        """Not while somebody has to be looked at: a quote is remembered for 150 s."""
        self.shop.clock.advance(seconds)

    @rule(transactions=st.integers(1, 4), is_committed=st.booleans())
    def the_database_will_fail(self, transactions: int, is_committed: bool) -> None:
        self.shop.store.fails_in, self.shop.store.is_committed = transactions, is_committed

    @rule(person=st.sampled_from(PEOPLE))
    def somebody_comes_back(self, person: int) -> None:
        """Who was given up as unreachable switches his signals on again."""
        self.do(self._come_back(person))

    async def _come_back(self, person: int) -> None:
        await self.shop.people.set_auto(asks.SetAuto(subscriber_id=person, auto=True))

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def nobody_has_two_live_positions(self) -> None:
        query = (
            "select subscriber_id from position where state in ('proposed', 'parked', 'open')"
            " group by subscriber_id, symbol having count(*) > 1"
        )
        assert self.runner.run(self.shop.rows(query)) == []

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.shop.store.fails_in = 0
            self.runner.run(self._end())
            self.runner.run(self._check())

    async def _end(self) -> None:
        """Let everything that is under way arrive, and the price go where every trade ends."""
        while self.signals:
            await self.shop.hand_out(self.signals.pop(0))
        await self.shop.relay(dies=False)
        for send in self._unsettled():
            self.settled[send.id] = a_delivery(send)
            self.deliveries.append(self.settled[send.id])
        for one in self.deliveries:
            await self.shop.settle(one)
        self._tick(-200_000)
        await self._drain()
        await self.shop.relay(dies=False)

    async def _drain(self) -> None:
        while self.shop.store.changes:
            await self.shop.hear()
        self.shop.follow(len(self.shop.ticks))
        self.shop.clock.advance(31)
        while self.shop.follower.exit_count:
            await self.shop.write(250)
        await self.shop.write(250)

    async def _check(self) -> None:
        await self._check_each_position()
        await self._check_what_was_told()
        await self._check_histories()
        await self._check_boxes()

    async def _check_each_position(self) -> None:
        """Each ended as the plain rule says, and is the fold of its events."""
        columns = (
            "id, state, version, side, entry, initial_stop, targets, quote_ms, plan, stop, exit_reason, exit_level,"
        )
        rows = await self.shop.rows(f"select {columns} exit_price, closed_ms, jsonb_array_length(legs) from position")
        events = await self.shop.rows("select position_id, event, detail from position_event order by 1, version")
        for position_id, state, version, side, entry, initial_stop, targets, quote_ms, plan, *result in rows:
            mine = [(event, detail) for owner, event, detail in events if owner == position_id]
            life = fold(Event(event) for event, _ in mine if event != "proposed")
            assert (life.state.value, life.version) == (state, version)
            assert (mine[0][0], len(mine)) == ("proposed", version)
            moves = [detail["stop"] for event, detail in mine if event == Event.MOVED]
            assert result[0] == ([initial_stop, *moves][-1])
            assert result[-1] == sum(event == Event.REDUCED for event, _ in mine)
            settled = self.settled[ids.send_id(position_id, "signal")]
            assert state == ("void" if settled.state in LOST else "closed")
            if state == "closed":
                terms = (Side(side), entry, initial_stop, tuple(targets), quote_ms, plan)
                assert tuple(result[1:]) == self._outcome(*terms), position_id

    def _outcome(
        self, side: Side, entry: float, stop: float, targets: tuple[float, ...], quote_ms: int, plan: str
    ) -> tuple[str, float, float, int, int]:
        """Follow one trade alone through all ticks: why it ended, at which level and price, when, and its parts."""
        course = course_of(read_plan(plan), Bracket(side=side, entry=entry, initial_stop=stop), GOLD, quote_ms)
        one, parts = Followed("p", side, stop, targets[0], quote_ms, targets[1:], course), 0
        for _, tick in self.shop.ticks:
            if tick.epoch_ms > quote_ms:
                price = _price(tick)
                happenings = step(one, price)
                left = after(one, happenings)
                parts += sum(isinstance(happening, TargetReached) and not happening.is_last for happening in happenings)
                if left is None:
                    reason, level = _end(happenings[-1])
                    return reason, level, price.closing(side), tick.epoch_ms, parts
                one = left
        raise AssertionError("a trade never ended")

    async def _check_what_was_told(self) -> None:
        """Each fact once: one signal per position; opened and closed, or voided."""
        rows = await self.shop.rows("select id, state from position")
        closed = Counter(position_id for position_id, state in rows if state == "closed")
        void = Counter(position_id for position_id, state in rows if state == "void")
        said = self.shop.bus.said
        assert Counter(one.position_id for one in said(catalogue.POSITION_PROPOSED)) == closed + void
        assert Counter(one.position_id for one in said(catalogue.POSITION_OPENED)) == closed
        assert Counter(one.position_id for one in said(catalogue.POSITION_CLOSED)) == closed
        assert Counter(one.position_id for one in said(catalogue.POSITION_VOIDED)) == void
        sends = Counter((one.position_id, one.kind, one.id) for one in said(catalogue.SEND))
        assert set(sends.values()) <= {1}
        assert Counter(owner for owner, kind, _ in sends if kind is SendClass.SIGNAL) == closed + void
        assert Counter(owner for owner, _, name in sends if name.startswith("m:outcome:")) == closed

    async def _check_histories(self) -> None:
        """What a person is told of his trades adds up to the closed ones, in the facts and in the parts."""
        said = self.shop.bus.said(catalogue.POSITION_CLOSED)
        for person in PEOPLE:
            mine = [one for one in said if one.subscriber_id == person]
            history = await self.shop.answers.history(asks.GetHistory(subscriber_id=person, page_size=50))
            assert (history.total, history.pnl) == (len(mine), sum((one.pnl for one in mine), Decimal(0)))
            assert (history.wins, history.losses) == (
                sum(one.pnl > 0 for one in mine),
                sum(one.pnl < 0 for one in mine),
            )
            assert {one.position_id for one in history.trades} <= {one.position_id for one in mine}

    async def _check_boxes(self) -> None:
        """Nothing waits to be said; every signal and every delivery that changes something is recorded once."""
        assert await self.shop.rows("select count(*) from outbox") == [(0,)]
        both = (
            "select from refusal r join position p on p.subscriber_id = r.subscriber_id and p.signal_id = r.signal_id"
        )
        assert await self.shop.rows(both) == [], "refused what was given"
        handled = await self.shop.rows("select consumer, message_id from inbox")
        signals = {one for consumer, one in handled if consumer == catalogue.POSITIONS_SIGNALS.name}
        stored = await self.shop.rows("select id from signal where mode = 'auto'")
        assert signals == {one for (one,) in stored}
        deliveries = {one for consumer, one in handled if consumer == catalogue.POSITIONS_DELIVERIES.name}
        assert deliveries == {one.id for one in self.settled.values()}


def _price(tick: Tick) -> Price:
    return Price(tick.epoch_ms, tick.bid, tick.ask)


def _end(happening: Any) -> tuple[str, float]:
    if isinstance(happening, TargetReached):
        return "target", happening.level
    return getattr(happening, "reason", "time"), happening.level


@pytest.mark.slow
@pytest.mark.timeout(120 + 10 * STORIES)
def test_random_stories_end_as_the_plain_rule_says(postgres: str) -> None:
    with asyncio.Runner() as runner:
        opened = AsyncExitStack()
        pool = runner.run(opened.enter_async_context(open_pool(postgres, name="t", setting="X", schema="positions")))

        class OneStory(Story):
            pass

        OneStory.pool, OneStory.runner = pool, runner
        OneStory.config = PositionsSettings.model_validate({"database_url": postgres, "access": "open"})
        try:
            run_state_machine_as_test(OneStory, settings=settings(
                max_examples=STORIES, stateful_step_count=STEPS, deadline=None,
                suppress_health_check=list(HealthCheck), report_multiple_bugs=False, phases=PHASES,
            ))  # fmt: skip
        finally:
            runner.run(opened.aclose())
