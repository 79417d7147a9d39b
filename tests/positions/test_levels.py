"""The level index against the naive loop, and by itself."""

import random
from collections.abc import Iterable
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.messages import ExitReason, Side
from sandbox.exchange.tape import open_tape
from services.positions.domain.course import STILL, Course, Followed, Trail
from services.positions.domain.exits import Price
from services.positions.domain.levels import LevelIndex
from services.positions.domain.plans import (
    PLAIN,
    SCALED,
    STANDARD,
    Bracket,
    Plan,
    course_of,
    read_plan,
    targets_of,
)
from tests.positions.builders import GOLD
from tests.positions.naive import Found, NaiveLoop
from tests.shared import shared_path

CENTS = st.integers(99_800, 100_200)
TRAILS = (Trail(0.5, 0.1, 2), Trail(0.2, 0.05, 2), Trail(0.013, 0.01, 2))


@st.composite
def courses(draw: st.DrawFn, side: Side, entry: float, risk: float) -> Course:
    """Any mixture of switches, sensible or not."""
    sign = side.sign

    def maybe(r: float) -> float | None:
        return round(entry + sign * r * risk, 2) if draw(st.booleans()) else None

    trail = draw(st.sampled_from((None, *TRAILS)))
    tighten_at, tighten_to = maybe(-draw(st.sampled_from((0.25, 0.5, 0.75)))), maybe(-0.5)
    return Course(
        entry=entry,
        break_even_at=maybe(draw(st.sampled_from((0.25, 0.5, 1.5)))),
        is_break_even_after_target=draw(st.booleans()),
        trail=trail,
        trail_from=None if trail is None else round(entry + sign * draw(st.sampled_from((0.5, 1.0))) * risk, 2),
        tighten_at=None if tighten_to is None else tighten_at,
        tighten_to=None if tighten_at is None else tighten_to,
        deadline_ms=draw(st.one_of(st.none(), st.integers(1, 80))),
    )


@st.composite
def positions(draw: st.DrawFn) -> Followed:
    side = draw(st.sampled_from(list(Side)))
    middle, below = draw(CENTS), draw(st.integers(1, 60))
    steps = draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    entry, stop = middle / 100, (middle - side.sign * below) / 100
    targets = tuple((middle + side.sign * sum(steps[: place + 1])) / 100 for place in range(len(steps)))
    course = draw(st.one_of(st.just(STILL), courses(side, entry, below / 100)))
    name = f"p{draw(st.integers(0, 12))}"
    return Followed(name, side, stop, targets[0], draw(st.integers(0, 40)), targets[1:], course)


@st.composite
def prices(draw: st.DrawFn) -> tuple[float, float]:
    bid = draw(CENTS)
    return bid / 100, (bid + draw(st.integers(0, 30))) / 100


WALKS = st.lists(st.sampled_from((-60, -9, -5, -1, 0, 1, 4, 7, 11, 60)), min_size=1, max_size=12)
STEPS = st.lists(st.one_of(positions(), prices(), WALKS, st.integers(0, 12).map(lambda n: f"p{n}")), max_size=60)


def flat(index: LevelIndex, price: Price) -> set[Found]:
    crossings = index.cross(price)
    found = {
        (one, crossing.reason, crossing.level, crossing.is_last)
        for crossing in crossings
        for one in crossing.position_ids
    }
    assert len(found) == sum(len(crossing.position_ids) for crossing in crossings)
    return found


def stops(index: LevelIndex, names: Iterable[str]) -> dict[str, tuple[float, ExitReason]]:
    standings = {name: index.standing(name) for name in names}
    return {name: (one.stop, one.reason) for name, one in standings.items() if one is not None}


class Both:
    """The index and the loop, side by side."""

    def __init__(self) -> None:
        self.index, self.loop = LevelIndex(), NaiveLoop()
        self.epoch_ms, self.bid = 0, 1000.0

    def add(self, one: Followed) -> None:
        self.index.add(one)
        self.loop.add(one)

    def remove(self, name: str) -> None:
        self.index.remove(name)
        self.loop.remove(name)

    def tick(self, bid: float, ask: float) -> set[Found]:
        self.epoch_ms, self.bid = self.epoch_ms + 1, bid
        price = Price(self.epoch_ms, bid, ask)
        found = flat(self.index, price)
        assert found == self.loop.cross(price)
        return found

    def compare(self) -> None:
        """Everything that is open stands alike, and the same stops moved since this was last called."""
        assert len(self.index) == len(self.loop.followed)
        assert stops(self.index, self.loop.followed) == self.loop.stops()
        moved = self.index.take_moved()
        assert (len(moved), set(moved)) == (len(set(moved)), self.loop.moved)
        self.loop.moved.clear()


@settings(max_examples=500, deadline=None)
@given(STEPS)
def test_the_index_does_what_the_naive_loop_does(steps: list[Followed | tuple[float, float] | list[int] | str]) -> None:
    both = Both()
    for number, one in enumerate(steps):
        if isinstance(one, Followed):
            both.add(one)
        elif isinstance(one, str):
            both.remove(one)
        elif isinstance(one, tuple):
            both.tick(*one)
        else:
            for cents in one:
                bid = round(both.bid + cents / 100, 2)
                both.tick(bid, round(bid + 0.07, 2))
        if number % 3 == 0:
            both.compare()
    both.compare()


PLANS_TRIED = [PLAIN, STANDARD, SCALED, read_plan("three+break_even+trailing+tightening+limit:600")]


def a_followed(number: int, side: Side, price: Price, risk: float, gain: float, plan: Plan) -> Followed:
    """A position as the room makes one of a plan."""
    entry = price.opening(side)
    bracket = Bracket(side=side, entry=entry, initial_stop=round(entry - side.sign * risk, 3))
    first, *later = targets_of(plan, bracket, GOLD, round(entry + side.sign * gain, 3))
    course = course_of(plan, bracket, GOLD, price.epoch_ms)
    return Followed(f"p{number}", side, bracket.initial_stop, first, price.epoch_ms, tuple(later), course)


def walk_with(prices: Iterable[Price], every: int) -> tuple[int, int]:
    """Open a position at every so manieth price and compare at each; returns how many events and moves there were."""
    rng, both, found, moves = random.Random(7), Both(), 0, 0
    for number, price in enumerate(prices):
        if number % every == 0:
            risk, gain = rng.randrange(50, 500) / 100, rng.randrange(50, 700) / 100
            both.add(a_followed(number, rng.choice(list(Side)), price, risk, gain, rng.choice(PLANS_TRIED)))
        both.epoch_ms = price.epoch_ms - 1
        found += len(both.tick(price.bid, price.ask))
        moves += len(both.loop.moved)
        if number % 50 == 0:
            both.compare()
    return found, moves


def test_thousands_of_positions_on_a_walking_market_go_alike() -> None:
    rng, bid, prices = random.Random(7), 4000.0, []
    for second in range(4000):
        bid = round(
            bid + rng.choice((-0.3, -0.1, 0, 0, 0.1, 0.3)) + (rng.choice((-8, 8)) if second % 700 == 699 else 0), 2
        )
        prices.append(Price(1000 * second, bid, round(bid + 0.2, 2)))

    found, moves = walk_with(prices, every=3)

    assert found > 900
    assert moves > 900


def test_positions_on_real_gold_go_alike() -> None:
    tape = open_tape(shared_path("data/xauusd/tick"))
    prices = [Price(one.epoch_ms, one.bid, one.ask) for one in islice(tape.quotes(), 6000)]

    found, moves = walk_with(prices, every=10)

    assert found > 100
    assert moves > 100


def test_a_buy_closes_at_the_bid_and_a_sell_at_the_ask() -> None:
    index = LevelIndex()
    index.add(Followed("buy", Side.BUY, 3998.0, 4003.0, 0))
    index.add(Followed("sell", Side.SELL, 4003.0, 3998.0, 0))

    assert flat(index, Price(1, 4002.9, 4003.1)) == {("sell", ExitReason.STOP, 4003.0, True)}
    assert flat(index, Price(2, 4003.0, 4003.2)) == {("buy", ExitReason.TARGET, 4003.0, True)}


def test_positions_on_one_price_leave_together_in_the_order_they_came() -> None:
    index = LevelIndex()
    for name in ("b", "a", "c"):
        index.add(Followed(name, Side.BUY, 3998.0, 4003.0, {"b": 0, "a": 1, "c": 2}[name]))

    (crossing,) = index.cross(Price(9, 3990.0, 3990.2))

    assert crossing.position_ids == ("b", "a", "c")
    assert (crossing.side, crossing.reason, crossing.level) == (Side.BUY, ExitReason.STOP, 3998.0)
    assert len(index) == 0


def test_a_gap_crosses_the_nearest_level_first() -> None:
    index = LevelIndex()
    index.add(Followed("far", Side.SELL, 4010.0, 3900.0, 0))
    index.add(Followed("near", Side.SELL, 4005.0, 3900.0, 0))

    assert [crossing.level for crossing in index.cross(Price(1, 4020.0, 4020.2))] == [4005.0, 4010.0]


def test_prices_from_before_a_position_cannot_close_it() -> None:
    index = LevelIndex()
    index.add(Followed("p", Side.BUY, 3998.0, 4003.0, 100))

    assert index.cross(Price(99, 3990.0, 3990.2)) == []
    assert index.cross(Price(100, 3990.0, 3990.2)) == []
    assert flat(index, Price(101, 3990.0, 3990.2)) == {("p", ExitReason.STOP, 3998.0, True)}


def test_a_position_is_followed_once_however_often_it_is_added() -> None:
    index = LevelIndex()
    for stop in (3998.0, 3999.0):
        index.add(Followed("p", Side.BUY, stop, 4003.0, 0))

    assert len(index) == 1
    assert flat(index, Price(1, 3998.5, 3998.7)) == set()


@pytest.mark.parametrize("is_admitted", [True, False])
def test_a_removed_position_is_gone_and_may_come_back(is_admitted: bool) -> None:
    index = LevelIndex()
    index.add(Followed("p", Side.BUY, 3998.0, 4003.0, 0))
    if is_admitted:
        index.cross(Price(1, 4000.0, 4000.2))
    index.remove("p")
    index.remove("p")

    assert "p" not in index
    assert flat(index, Price(2, 3990.0, 3990.2)) == set()
    index.add(Followed("p", Side.BUY, 3998.0, 4003.0, 50))
    assert flat(index, Price(3, 3990.0, 3990.2)) == set()
    assert flat(index, Price(51, 3990.0, 3990.2)) == {("p", ExitReason.STOP, 3998.0, True)}


def test_positions_that_begin_to_trail_with_one_stop_leave_together() -> None:
    index = LevelIndex()
    course = Course(entry=4000.0, trail=Trail(0.5, 0.1, 2), trail_from=4000.2)
    for name in ("a", "b"):
        index.add(Followed(name, Side.BUY, 3999.9, 4003.0, 0, (), course))

    assert flat(index, Price(1, 4000.2, 4000.4)) == set()
    assert index.take_moved() == []
    (crossing,) = index.cross(Price(2, 3999.8, 4000.0))
    assert (crossing.position_ids, crossing.reason, crossing.level) == (("a", "b"), ExitReason.STOP, 3999.9)


def test_a_part_and_the_end_of_time_can_come_with_one_tick() -> None:
    both = Both()
    course = Course(entry=1000.0, deadline_ms=3, is_break_even_after_target=True)
    both.add(Followed("p", Side.BUY, 999.0, 1001.0, 0, (1002.0,), course))
    both.tick(1000.0, 1000.2)
    both.tick(1000.0, 1000.2)

    found = both.tick(1001.5, 1001.7)

    assert found == {("p", ExitReason.TARGET, 1001.0, False), ("p", ExitReason.TIME, 1001.5, True)}
    assert len(both.index) == 0


def test_one_stop_that_two_reasons_put_there_ends_trades_for_the_reason_of_each() -> None:
    both = Both()
    trail = Trail(0.5, 0.1, 2)
    freed = Course(entry=4000.0, break_even_at=4000.2, trail=trail, trail_from=4000.2)
    both.add(Followed("freed", Side.BUY, 3999.0, 4003.0, 0, (), freed))
    for name in ("first", "second"):
        course = Course(entry=4000.1, trail=trail, trail_from=4000.2)
        both.add(Followed(name, Side.BUY, 4000.0, 4003.0, 0, (), course))
    both.tick(4000.2, 4000.4)
    both.compare()

    assert both.tick(4000.0, 4000.2) == {
        ("freed", ExitReason.BREAK_EVEN, 4000.0, True),
        ("first", ExitReason.STOP, 4000.0, True),
        ("second", ExitReason.STOP, 4000.0, True),
    }
