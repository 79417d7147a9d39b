"""What a lockstep stands on: a market that is moved by hand, and a clock that goes with it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from contracts.messages import Tick
from sandbox.exchange.control import control
from sandbox.exchange.day_sheet import Spot
from sandbox.exchange.market import Market
from sandbox.exchange.server import ExchangeServer
from sandbox.exchange.tape import open_tape
from sandbox.stack.lockstep import minutes_of
from sandbox.stack.stepped_clock import SteppedClock
from sandbox.stack.witness import Witness
from tests.sandbox.exchange_client import client_of, some_quotes, write_tape

MINUTE_MS = 60_000


def stepped(folder: Path) -> ExchangeServer:
    return ExchangeServer(open_tape(write_tape(folder / "gold.csv", some_quotes(44))), is_stepped=True)


async def test_a_stepped_market_tells_exactly_what_it_is_moved_over(tmp_path: Path) -> None:
    async with stepped(tmp_path) as server, client_of(server) as client:
        await client.ask(ticks="frxXAUUSD", subscribe=1)
        due = list(server.market.book.spots(server.market.live_ms + 1, server.market.live_ms + MINUTE_MS + 1))

        told = server.step_to(server.market.live_ms + MINUTE_MS)
        streamed = await client.all_streamed()

        assert told == len(due) > 1
        assert [message["tick"]["epoch"] for message in streamed] == [spot.epoch for spot in due]
        assert server.market.now_ms() == server.market.live_ms + MINUTE_MS
        assert server.step_to(server.market.now_ms()) == 0


def test_a_stepped_market_cannot_go_back_and_a_running_one_is_not_stepped(tmp_path: Path) -> None:
    tape = open_tape(write_tape(tmp_path / "gold.csv", some_quotes(44)))
    market = Market(tape, is_stepped=True)
    market.step_to(market.live_ms + 5)

    with pytest.raises(ValueError, match="cannot go back"):
        market.step_to(market.live_ms)
    with pytest.raises(ValueError, match="--stepped"):
        Market(tape).step_to(market.live_ms)


def test_a_stepped_market_counts_limits_by_its_own_seconds(tmp_path: Path) -> None:
    market = Market(open_tape(write_tape(tmp_path / "gold.csv", some_quotes(44))), is_stepped=True)
    before = market.seconds()

    market.step_to(market.live_ms + 90_000)

    assert market.seconds() - before == 90.0


async def test_the_control_door_moves_the_market_and_says_why_not(tmp_path: Path) -> None:
    async with stepped(tmp_path) as server, control(server) as door, aiohttp.ClientSession(door) as client:
        wanted_ms = server.market.live_ms + MINUTE_MS
        async with client.post("/sandbox/step", json={"to_ms": wanted_ms}) as answer:
            state = await answer.json()
        async with client.post("/sandbox/step", json={"to_ms": 1}) as answer:
            backwards = (answer.status, await answer.json())
        async with client.post("/sandbox/step", data=b"{") as answer:
            garbled = answer.status

    assert (state["market_time_ms"], state["told"] > 0) == (wanted_ms, True)
    assert backwards[0] == 400
    assert "cannot go back" in backwards[1]["error"]
    assert garbled == 400


def test_a_clock_in_a_file_runs_slower_by_its_speed_and_never_goes_back(tmp_path: Path) -> None:
    ours = SteppedClock.create(tmp_path / "clock", speed=3600.0)
    theirs = SteppedClock(tmp_path / "clock")
    began_s = theirs.seconds()

    ours.move(3_600_000)
    moved_s = theirs.seconds()
    ours.move(60_000)

    assert moved_s - began_s == 1.0
    assert theirs.seconds() == moved_s


def test_minutes_are_parted_into_the_quote_that_closes_and_the_others() -> None:
    spots = [Spot(second * 1000, 1.0, 1.2, 1.1) for second in (59, 60, 61, 119, 180)]

    assert [(first.epoch, [spot.epoch for spot in rest]) for first, rest in minutes_of(spots)] == [
        (59, []),
        (60, [61, 119]),
        (180, []),
    ]


def a_tick(epoch_ms: int, *, backfilled: bool = False) -> Tick:
    return Tick(
        id=f"t:{epoch_ms}", at=datetime(2026, 6, 9, tzinfo=UTC), symbol="XAUUSD", epoch_ms=epoch_ms, bid=1.0, ask=1.2,
        received_ms=epoch_ms, backfilled=backfilled,
    )  # fmt: skip


async def test_a_witness_wakes_who_waits_and_says_when_it_was_in_vain() -> None:
    seen = Witness("XAUUSD")

    async def hear() -> None:
        await asyncio.sleep(0)
        seen.hear_tick(a_tick(1_000))
        seen.reach("TICKS", 7)

    async with asyncio.TaskGroup() as group:
        group.create_task(hear())
        assert await seen.until(lambda: seen.last_tick_ms == 1_000, within_s=5)
    assert seen.sequences == {"TICKS": 7}
    assert not await seen.until(lambda: seen.last_tick_ms == 2_000, within_s=0.01)


async def test_a_witness_that_can_read_no_more_says_so_to_who_waits() -> None:
    seen = Witness("XAUUSD")
    seen.fail(ConnectionError("the broker is gone"))

    with pytest.raises(ConnectionError, match="the broker is gone"):
        await seen.until(lambda: False, within_s=5)


def test_a_quote_that_was_asked_for_afterwards_is_not_one_that_was_told() -> None:
    seen = Witness("XAUUSD")

    seen.hear_tick(a_tick(1_000, backfilled=True))

    assert (seen.tick_count, seen.last_tick_ms) == (0, -1)
