"""Plans in the running room: parts, moved stops, time limits, and what is told of them."""

from decimal import Decimal

import pytest

from contracts import asks, catalogue
from contracts.messages import ExitReason, OutcomeNotice, ReducedNotice, SendClass, StopNotice
from services.positions.domain.calm import CALM_TICKS
from tests.positions.builders import START_MS, a_signal, a_tick
from tests.positions.house import House, until, until_row


def content(house: House, kind: SendClass, of: type) -> list[object]:
    return [one.content for one in house.sent(kind) if isinstance(one.content, of)]


async def test_three_targets_close_parts_and_what_is_left_ends_at_break_even(house: House) -> None:
    async with house.room(plan="three"):
        await house.opened(1)

        await house.tick(a_tick(1000, 4002.1), a_tick(2000, 4001.0), a_tick(3000, 4000.05))
        (closed,) = await house.closed(1)
        await house.quiet()

    assert (closed.reason, closed.exit, closed.pnl, closed.r) == (
        ExitReason.BREAK_EVEN, 4000.05, Decimal("0.77"), 0.385,
    )  # fmt: skip
    (reduced,) = house.bus.said(catalogue.POSITION_REDUCED)
    assert (reduced.number, reduced.share, reduced.pnl, reduced.r) == (1, Decimal("0.40"), Decimal("0.80"), 0.4)
    (told,) = content(house, SendClass.EXIT, ReducedNotice)
    assert isinstance(told, ReducedNotice)
    assert (told.number, told.targets, told.exit, told.stop) == (1, 3, 4002.1, 4000.1)
    assert content(house, SendClass.STOP, StopNotice) == []
    (outcome,) = content(house, SendClass.EXIT, OutcomeNotice)
    assert isinstance(outcome, OutcomeNotice)
    assert (outcome.pnl, outcome.day_pnl) == (Decimal("0.77"), Decimal("0.77"))


async def test_the_signal_tells_the_targets_and_the_reward_of_the_plan(house: House) -> None:
    async with house.room(plan="three"):
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal())
        send = await house.sent_to(1)

    assert send.content.targets == (4002.1, 4003.1, 4005.1)
    assert send.content.rr == 1.55
    assert house.bus.said(catalogue.POSITION_PROPOSED)[0].plan == "three"


async def test_a_moved_stop_is_told_at_once_and_then_no_more_than_twice_a_minute(house: House) -> None:
    async with house.room(plan="standard"):
        await house.opened(1)

        await house.tick(a_tick(1000, 4001.1))
        await until(lambda: house.bus.said(catalogue.POSITION_STOP_MOVED), "the first move")
        for second in range(2, 20):
            await house.tick(a_tick(1000 * second, round(4001.4 + second / 20, 2)))
        status = await house.status(1)
        await house.tick(a_tick(60_000, 4001.0))
        (closed,) = await house.closed(1)
        await house.quiet()

    (told,) = content(house, SendClass.STOP, StopNotice)
    assert isinstance(told, StopNotice)
    assert (told.stop, told.reason, told.pnl) == (4000.1, ExitReason.BREAK_EVEN, Decimal("0.00"))
    assert (closed.reason, closed.level, closed.exit) == (ExitReason.TRAILING, 4001.8, 4001.0)
    assert status.position is not None
    rows = await house.rows("select stop, stop_reason, state from position")
    assert rows == [(4001.8, "trailing", "closed")]


async def test_status_tells_where_the_stop_is_this_moment(house: House) -> None:
    async with house.room(plan="standard"):
        await house.opened(1)
        await house.tick(a_tick(1000, 4002.3), a_tick(2000, 4002.6))

        async def stop() -> bool:
            position = (await house.status(1)).position
            return position is not None and (position.stop, position.stop_reason) == (4002.1, ExitReason.TRAILING)

        await until_row(stop, "the stop that followed")


async def test_what_is_left_of_a_position_is_worth_its_part(house: House) -> None:
    async with house.room(plan="three"):
        await house.opened(1)
        await house.tick(a_tick(1000, 4002.1))

        async def shown() -> asks.OpenPosition | None:
            return (await house.status(1)).position

        async def is_reduced() -> bool:
            position = await shown()
            return position is not None and position.targets_reached == 1

        await until_row(is_reduced, "the first target")
        position = await shown()

    assert position is not None
    assert (position.realised, position.pnl, position.r) == (Decimal("0.80"), Decimal("2.00"), 1.0)
    assert position.plan == "three"


async def test_a_trade_whose_time_is_up_ends_at_the_next_tick(house: House) -> None:
    async with house.room(plan="single+limit:60"):
        await house.opened(1)
        await house.tick(a_tick(59_000, 4000.4), a_tick(61_000, 4000.6))
        (closed,) = await house.closed(1)

    assert (closed.reason, closed.exit, closed.closed_ms) == (ExitReason.TIME, 4000.6, START_MS + 61_000)


async def test_what_a_proposal_went_through_is_told_when_its_signal_arrives(house: House) -> None:
    async with house.room(plan="three"):
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal())
        await house.followed(1)
        await house.tick(a_tick(1000, 4002.2))
        await house.quiet()
        await until_row(lambda: house.rows("select 1 from position where jsonb_array_length(legs) = 1"), "the part")
        assert house.bus.said(catalogue.POSITION_REDUCED) == []

        await house.deliver(1)
        await house.quiet()

    assert [one.number for one in house.bus.said(catalogue.POSITION_REDUCED)] == [1]
    assert len(content(house, SendClass.EXIT, ReducedNotice)) == 1
    assert await house.states() == {1: "open"}


async def test_a_proposal_that_went_through_its_targets_and_never_arrived_is_void(house: House) -> None:
    async with house.room(plan="three"):
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal())
        await house.followed(1)
        await house.tick(a_tick(1000, 4002.2), a_tick(2000, 4010.0))
        await until_row(lambda: house.rows("select 1 from position where state = 'parked'"), "parking")

        await house.deliver(1, state="void")
        await house.quiet()

    assert await house.states() == {1: "void"}
    assert house.bus.said(catalogue.POSITION_REDUCED) == []
    assert (await house.rows("select pnl from position")) == [(None,)]


@pytest.mark.parametrize("plan", ["three+break_even+trailing", "three+tightening+limit:600"])
async def test_a_restart_anywhere_changes_nothing_of_a_trade(house: House, plan: str) -> None:
    """Every tick is followed by a kill: what comes out is what one room without kills makes of the same ticks."""
    prices = [4001.15, 4002.15, 4002.3, 4003.2, 4003.05, 4001.0, 3999.0]
    async with house.room(plan=plan):
        await house.opened(1)
        await house.quiet()
    for second, bid in enumerate(prices, start=1):
        async with house.room(plan=plan):
            await house.tick(a_tick(1000 * second, bid))
            await house.quiet()
    killed = await house.closed(1)

    async with house.room(plan=plan):
        await house.tick(*[a_tick(1_000_000 + 1000 * second, 3999.9) for second in range(CALM_TICKS)])
        await house.quiet()
        await house.raise_signal(a_signal(30))
        await house.deliver_next(1, 2)
        await house.followed(1)
        await house.tick(*[a_tick(1_800_000 + 1000 * second, bid) for second, bid in enumerate(prices, start=1)])
        whole = (await house.closed(2))[1]
        await house.quiet()

    assert (killed[0].reason, killed[0].level, killed[0].exit, killed[0].pnl, killed[0].r) == (
        whole.reason, whole.level, whole.exit, whole.pnl, whole.r,
    )  # fmt: skip
    parts = house.bus.said(catalogue.POSITION_REDUCED)
    assert len(parts) == len({(one.position_id, one.number) for one in parts})


async def test_the_row_is_the_fold_of_its_events(house: House) -> None:
    async with house.room(plan="three+break_even+trailing"):
        await house.opened(1)
        await house.tick(*[a_tick(1000 * n, bid) for n, bid in enumerate((4002.2, 4003.2, 4003.4, 4001.0), start=1)])
        await house.closed(1)
        await house.quiet()

    events = await house.rows("select version, event, detail from position_event order by version")
    ((version, legs),) = await house.rows("select version, jsonb_array_length(legs) from position")
    assert [version for version, _, _ in events] == list(range(1, version + 1))
    names = [event for _, event, _ in events]
    assert names[:2] == ["proposed", "delivered"]
    assert names.count("reduced") == legs == 2
    assert names[-1] == "crossed"
    assert events[-1][2]["exit"]["reason"] == "trailing"


async def test_a_subscriber_chooses_his_own_plan(house: House) -> None:
    async with house.room(plan="standard"):
        await house.feed()
        await house.subscribe(1, 2)
        for name, value in (("targets", "three"), ("trailing", "off"), ("time_limit_min", "90")):
            await house.bus.ask(catalogue.CHANGE_SETTING, asks.ChangeSetting(subscriber_id=2, name=name, value=value))
        await house.raise_signal(a_signal())
        plans = dict(await house.rows("select subscriber_id, plan from position"))

    assert plans == {1: "single+break_even+trailing", 2: "three+break_even+limit:5400"}


async def test_a_strategy_can_have_its_own_plan(house: House) -> None:
    async with house.room(plan="plain", strategy_plans="breakout=scaled, trend_pullback=three"):
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal())

    assert await house.rows("select plan from position") == [("three",)]
