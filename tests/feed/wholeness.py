"""What "never lies" means, as assertions: all of the tape, once, in order, at its price; and no candle but its own."""

from contracts.messages import Interval
from services.feed.domain.fold import Fold
from tests.feed.plain_market import PlainTape
from tests.feed.running import Published


def assert_whole(found: Published, tape: PlainTape) -> None:
    """Every second from the first tick to the last is there once, in order and at its price; so is every candle."""
    told = [(tick.epoch_ms, round(tick.mid, 8)) for tick in found.ticks]
    expected = tape.between(found.ticks[0].epoch_ms, found.ticks[-1].epoch_ms)
    known = [(quote.epoch_ms, quote.mid) for quote in expected]
    assert (sorted(set(known) - set(told)), sorted(set(told) - set(known))) == ([], []), "missing, invented"
    assert told == known
    for tick, quote in zip(found.ticks, expected, strict=True):
        assert tick.backfilled == (tick.bid == tick.ask)
        assert tick.backfilled or (tick.bid, tick.ask) == (quote.bid, quote.ask)
    assert_candles(found, tape)


def assert_candles(found: Published, tape: PlainTape) -> None:
    """Every candle from the first to the last is there once, in order, and is what the tape folds to."""
    first_ms = found.candles[Interval.M1][0].open_time_s * 1000
    fold = Fold(complete_from_ms=first_ms)
    quotes = tape.between(first_ms, found.ticks[-1].epoch_ms)
    folded = [candle for quote in quotes for candle in fold.add(quote)]
    for interval in Interval:
        expected = [(c.open_s, c.open, c.high, c.low, c.close) for c in folded if c.interval is interval]
        told = [(c.open_time_s, c.open, c.high, c.low, c.close) for c in found.candles[interval]]
        assert told[: len(expected)] == expected
        assert len(told) - len(expected) in (0, 1)  # the clock may have closed one more
