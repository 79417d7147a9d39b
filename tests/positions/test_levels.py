"""The level index against the naive loop, and by itself."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.messages import ExitReason, Side
from services.positions.domain.exits import Price
from services.positions.domain.levels import Followed, LevelIndex
from tests.positions.naive import NaiveLoop

CENTS = st.integers(99_800, 100_200)


@st.composite
def positions(draw: st.DrawFn) -> Followed:
    side = draw(st.sampled_from(list(Side)))
    middle, below, above = draw(CENTS), draw(st.integers(1, 60)), draw(st.integers(1, 60))
    low, high = (middle - below) / 100, (middle + above) / 100
    stop, target = (low, high) if side is Side.BUY else (high, low)
    return Followed(f"p{draw(st.integers(0, 12))}", side, stop, target, draw(st.integers(0, 40)))


@st.composite
def prices(draw: st.DrawFn) -> tuple[float, float]:
    bid = draw(CENTS)
    return bid / 100, (bid + draw(st.integers(0, 30))) / 100


STEPS = st.lists(st.one_of(positions(), prices(), st.integers(0, 12).map(lambda n: f"p{n}")), max_size=80)


def flat(index: LevelIndex, price: Price) -> set[tuple[str, ExitReason, float]]:
    crossings = index.cross(price)
    found = {(one, crossing.reason, crossing.level) for crossing in crossings for one in crossing.position_ids}
    assert len(found) == sum(len(crossing.position_ids) for crossing in crossings)
    return found


@settings(max_examples=400, deadline=None)
@given(STEPS)
def test_the_index_closes_what_the_naive_loop_closes(steps: list[Followed | tuple[float, float] | str]) -> None:
    index, loop = LevelIndex(), NaiveLoop()
    for epoch_ms, one in enumerate(steps):
        if isinstance(one, Followed):
            index.add(one)
            loop.add(one)
        elif isinstance(one, str):
            index.remove(one)
            loop.remove(one)
        else:
            price = Price(epoch_ms, *one)
            assert flat(index, price) == loop.cross(price)
    assert len(index) == len(loop._followed)


def test_thousands_of_positions_on_a_walking_market_end_alike() -> None:
    walk = random.Random(7)
    index, loop = LevelIndex(), NaiveLoop()
    bid, number, closed = 4000.0, 0, 0
    for epoch_ms in range(3000):
        bid = round(bid + walk.choice((-0.3, -0.1, 0, 0, 0.1, 0.3)), 2)
        if epoch_ms % 3 == 0:
            number += 1
            side = walk.choice(list(Side))
            risk, gain = walk.randrange(5, 300) / 100, walk.randrange(5, 300) / 100
            levels = (round(bid - side.sign * risk, 2), round(bid + side.sign * gain, 2))
            one = Followed(f"p{number}", side, *levels, epoch_ms)
            index.add(one)
            loop.add(one)
        price = Price(epoch_ms, bid, round(bid + 0.2, 2))
        found = flat(index, price)
        assert found == loop.cross(price)
        closed += len(found)
    assert closed > 900


def test_a_buy_closes_at_the_bid_and_a_sell_at_the_ask() -> None:
    index = LevelIndex()
    index.add(Followed("buy", Side.BUY, 3998.0, 4003.0, 0))
    index.add(Followed("sell", Side.SELL, 4003.0, 3998.0, 0))

    assert flat(index, Price(1, 4002.9, 4003.1)) == {("sell", ExitReason.STOP, 4003.0)}
    assert flat(index, Price(2, 4003.0, 4003.2)) == {("buy", ExitReason.TARGET, 4003.0)}


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
    assert flat(index, Price(101, 3990.0, 3990.2)) == {("p", ExitReason.STOP, 3998.0)}


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
    assert flat(index, Price(51, 3990.0, 3990.2)) == {("p", ExitReason.STOP, 3998.0)}
