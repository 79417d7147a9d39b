"""Real gold with holes in the line: afterwards the candles are those of a line that never broke, byte by byte."""

from functools import cache

import pytest

from contracts import codec
from contracts.messages import CandleClosed
from contracts.messages import FeedState as S
from sandbox.exchange.tape import Tape, open_tape
from tests.feed.builders import ms
from tests.feed.plain_market import PlainTape
from tests.feed.running import Published
from tests.feed.scenario import scene
from tests.feed.virtual_time import in_virtual_time
from tests.feed.wholeness import assert_candles
from tests.shared import shared_path

SPEED = 200.0
BACKOFF = {"reconnect_first_s": 0.2, "reconnect_most_s": 3.0}
"""Waits of up to 60 s are of the wall, which is 200 times slower here: three hours and twenty minutes of the market,
which would last beyond `ENDS` whenever chance had it so. These are ten minutes of it at most."""

STARTS, BREAKS, ENDS = "2014-05-06T11:50:30", "2014-05-06T12:10:17", "2014-05-06T15:40:30"


@cache
def gold() -> Tape:
    """One tape for all: its days are read once."""
    return open_tape(shared_path("data/xauusd/tick"))


def in_bytes(candles: list[CandleClosed]) -> bytes:
    """Write down all that a candle says of the market, in the order it was told."""
    facts = [(c.id, c.interval, c.open_time_s, c.open, c.high, c.low, c.close, c.volume) for c in candles]
    return b"\n".join(codec.encode(fact) for fact in facts)


def told(found: Published) -> list[CandleClosed]:
    """List the candles that ended well before the end, in the order they were told."""
    candles = [candle for of_interval in found.candles.values() for candle in of_interval]
    return [c for c in candles if (c.open_time_s + c.interval.seconds) * 1000 < ms(ENDS) - 60_000]


@cache
def uninterrupted() -> bytes:
    """What a feed tells whose line never breaks."""
    seen: list[bytes] = []

    @in_virtual_time
    async def run() -> None:
        async with scene(gold(), speed=SPEED, start=STARTS, **BACKOFF) as on:
            await on.until(ENDS)
            assert on.states == [S.RECONNECTING, S.BACKFILLING, S.LIVE]
            seen.append(in_bytes(told(on.found())))

    run()
    return seen[0]


@pytest.mark.parametrize("outage_s", [30, 600, 10_800], ids=["30 s", "10 min", "3 h"])
def test_after_an_outage_candles_equal_those_of_an_uninterrupted_run_byte_by_byte(outage_s: int) -> None:
    expected = uninterrupted()

    @in_virtual_time
    async def run() -> None:
        async with scene(gold(), speed=SPEED, start=STARTS, **BACKOFF) as on:
            await on.until(BREAKS)
            on.exchange.set_fault("outage", seconds=outage_s / SPEED)
            await on.reaches(S.RECONNECTING)
            await on.reaches(S.LIVE)
            assert on.exchange.market_now_ms() < ms(ENDS) - 600_000
            await on.until(ENDS)

            found = on.found()
            assert [change.state for change in found.states] == [S.RECONNECTING, S.BACKFILLING, S.LIVE] * 2
            assert found.gaps == []
            assert any(tick.backfilled and tick.epoch_ms > ms(BREAKS) for tick in found.ticks)
            assert in_bytes(told(found)) == expected

    assert expected.count(b"\n") > 1400
    run()


@in_virtual_time
async def test_an_outage_too_long_for_ticks_is_told_by_candles_and_its_ticks_as_a_gap() -> None:
    tape = PlainTape("2026-01-06T00:00:00")
    async with scene(tape, speed=600.0, repair_by_ticks_hours=2.0) as on:
        await on.until("2026-01-06T00:30:00")
        on.exchange.set_fault("outage", seconds=5 * 3600 / 600)
        await on.reaches(S.RECONNECTING)
        await on.reaches(S.LIVE)
        await on.until("2026-01-06T06:00:00")

        found = on.found()
        ticks = [tick.epoch_ms for tick in found.ticks]
        (gap,) = found.gaps
        assert [at for at in ticks if gap.from_ms < at < gap.to_ms] == []
        assert max(at for at in ticks if at <= gap.from_ms) == gap.from_ms
        assert min(at for at in ticks if at > gap.from_ms) == gap.to_ms
        assert gap.reason == "too old for its ticks: told by candles only"
        assert_candles(found, tape)
