"""Research folds quotes as the feed does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import Interval
from research.candles import fold, market_of
from research.market import MarketError, Ticks
from sandbox.exchange.tape import open_tape
from services.feed.domain.fold import Fold
from services.feed.domain.quotes import Quote
from tests.research.builders import tick_lists
from tests.shared import shared_path


def by_the_feed(ticks: Ticks, interval: Interval) -> list[tuple[object, ...]]:
    """What the feed makes of the same quotes, with the quote that each candle closed with."""
    folding, found = Fold(), []
    for row in zip(ticks.epoch_ms.tolist(), ticks.bid.tolist(), ticks.ask.tolist(), strict=True):
        found += folding.add(Quote(*row))
    found += folding.finish()
    return [
        (
            c.open_s,
            c.open,
            c.high,
            c.low,
            c.close,
            float(c.volume),
            c.last and (c.last.epoch_ms, c.last.bid, c.last.ask),
        )
        for c in found
        if c.interval is interval
    ]


def by_research(ticks: Ticks, interval: Interval) -> list[tuple[object, ...]]:
    candles, last = fold(ticks, interval)
    quotes = zip(ticks.epoch_ms[last].tolist(), ticks.bid[last].tolist(), ticks.ask[last].tolist(), strict=True)
    rows = ((c.open_time_s, c.open, c.high, c.low, c.close, c.volume) for c in candles.rows)
    return [(*row, quote) for row, quote in zip(rows, quotes, strict=True)]


@given(ticks=tick_lists(), interval=st.sampled_from(Interval))
def test_quotes_become_the_candles_of_the_feed(ticks: Ticks, interval: Interval) -> None:
    assert by_research(ticks, interval) == by_the_feed(ticks, interval)


@given(
    prices=st.lists(st.integers(1, 9_999_999_999), min_size=1, max_size=40),
    spread=st.integers(0, 999),
)
def test_seven_decimals_keep_every_bit(prices: list[int], spread: int) -> None:
    ticks = Ticks.of((1_000 * at, price / 1e7, (price + spread) / 1e7) for at, price in enumerate(prices))

    assert by_research(ticks, Interval.M1) == by_the_feed(ticks, Interval.M1)


@pytest.mark.parametrize("interval", Interval)
def test_a_day_of_gold_becomes_the_candles_of_the_feed(interval: Interval) -> None:
    ticks = Ticks.of(open_tape(shared_path("data/xauusd/tick/20140504_quote.zip")).quotes())

    assert by_research(ticks, interval) == by_the_feed(ticks, interval)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "there is no quote"),
        ([(1000, 4.0, 4.1), (999, 4.0, 4.1)], "row 2: time goes backwards"),
        ([(1000, 4.0, 4.1), (1001, 4.2, 4.1)], "row 2: bid is above ask"),
        ([(1000, 0.0, 4.1)], "row 1: bid and ask must be prices above zero"),
        ([(1000, float("nan"), 4.1)], "row 1: bid and ask must be prices above zero"),
        ([(1000, 4.0, float("inf"))], "row 1: bid and ask must be prices above zero"),
    ],
)
def test_quotes_that_cannot_be_are_named_by_their_row(rows: list[tuple[int, float, float]], reason: str) -> None:
    with pytest.raises(MarketError, match=reason):
        market_of("XAUUSD", Ticks.of(rows), Interval.M1)


def test_a_spread_can_be_laid_around_every_mid() -> None:
    ticks = Ticks.of([(1000, 4000.0, 4000.2), (2000, 4000.07, 4000.68)]).with_spread(0.3)

    assert (ticks.bid.tolist(), ticks.ask.tolist()) == ([3999.95, 4000.225], [4000.25, 4000.525])
