"""The market behind the protocol: when it starts, when it is open, what it has told."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.exchange.market import Market, Window
from sandbox.exchange.moments import find_start
from sandbox.exchange.quotes import Quote, TapeError
from sandbox.exchange.server import ExchangeServer
from sandbox.exchange.tape import open_tape
from sandbox.stack.ports import reserved
from tests.sandbox.exchange_client import START_MS, HandClock, client_of, some_quotes, until, write_tape

MINUTE_MS = 60_000
SATURDAY_MS = 1_781_352_000_000  # 2026-06-13 12:00 UTC


def _market(folder: Path, quotes: list[Quote], clock: HandClock, *, warmup: int = 1000, speed: float = 1.0) -> Market:
    tape = open_tape(write_tape(folder / "gold.csv", quotes))
    return Market(tape, speed=speed, warmup_candles=warmup, wall=clock)


def test_a_recorded_market_starts_behind_its_warm_up_candles(tmp_path: Path) -> None:
    market = _market(tmp_path, some_quotes(44), HandClock(), warmup=8)

    behind = market.candles(Window(0, market.live_ms // 1000, 5000), 60)

    assert market.live_ms == START_MS + 9 * MINUTE_MS  # minute 6 has no quotes
    assert len(behind) == 8


def test_a_short_tape_keeps_half_of_itself_for_live(tmp_path: Path) -> None:
    quotes = some_quotes(44)

    market = _market(tmp_path, quotes, HandClock())

    assert market.live_ms == (quotes[0].epoch_ms + quotes[-1].epoch_ms) // 2


def test_market_time_runs_at_its_speed(tmp_path: Path) -> None:
    clock = HandClock()
    market = _market(tmp_path, some_quotes(44), clock, speed=60.0)

    clock.pass_by(2.5)

    assert market.now_ms() == market.live_ms + 150_000


def test_what_was_not_told_is_not_in_history(tmp_path: Path) -> None:
    clock = HandClock()
    market = _market(tmp_path, some_quotes(44), clock)
    everything = Window(0, 9_999_999_999, 100_000)
    before = market.spots(everything)

    clock.pass_by(100)
    unchanged = market.spots(everything)
    told = market.advance()

    assert unchanged == before
    assert len(told) > 80
    assert market.spots(everything) == before + told
    assert market.advance() == []


def test_a_quote_outside_the_calendar_opens_the_market_for_a_minute(tmp_path: Path) -> None:
    clock = HandClock()
    quotes = [Quote(SATURDAY_MS + index * 1000, 4000.0, 4000.3) for index in (*range(200), 900)]
    market = _market(tmp_path, quotes, clock, warmup=1)

    states = []
    for _ in range(5):
        market.advance()
        states.append(market.is_open())
        clock.pass_by(50)

    assert states == [True, True, True, True, False]


def test_the_market_is_closed_behind_the_end_of_its_tape(tmp_path: Path) -> None:
    clock = HandClock()
    market = _market(tmp_path, some_quotes(44), clock)

    was_open = market.is_open()
    clock.pass_by(3600)
    market.advance()

    assert (was_open, market.is_open()) == (True, False)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_speed_that_is_not_above_zero_is_refused(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="greater than zero"):
        _market(tmp_path, some_quotes(2), HandClock(), speed=speed)


async def test_a_tape_that_breaks_while_it_runs_ends_the_server_loudly(tmp_path: Path) -> None:
    """The reader finds the broken row when the next day is loaded ahead."""
    path = write_tape(tmp_path / "gold.csv", some_quotes(44))
    next_day_ms = START_MS + 24 * 60 * MINUTE_MS
    late = [Quote(next_day_ms + index, 4000.0, 4000.3) for index in range(3)]
    write_tape(path, [*some_quotes(44), *late])
    tape = open_tape(path)
    path.write_text(path.read_text().replace(str(next_day_ms + 1), "x" * 13))

    with pytest.raises(BaseExceptionGroup) as caught:
        async with ExchangeServer(tape, wall=HandClock(), warmup_candles=5):
            await until(lambda: False)

    assert caught.group_contains(TapeError, match=r"line \d+: expected three numbers")


async def test_a_failing_block_raises_its_own_error_and_frees_the_port(tmp_path: Path) -> None:
    tape = open_tape(write_tape(tmp_path / "gold.csv", some_quotes(44)))
    with reserved(1) as (port,):
        server = ExchangeServer(tape, port=port)

        with pytest.raises(KeyError):
            async with server, client_of(server):
                raise KeyError

        async with ExchangeServer(tape, port=port) as again, client_of(again) as client:
            assert (await client.ask(ping=1))["ping"] == "pong"


def test_a_recorded_tape_may_begin_before_its_busiest_hour_or_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "tape.csv"
    start_ms = START_MS // 3_600_000 * 3_600_000
    rows = [(start_ms + minute * 60_000, 100.0 + (minute % 7 if 300 <= minute < 360 else 0)) for minute in range(600)]
    file.write_text("\n".join(f"{epoch},{bid},{bid + 0.2}" for epoch, bid in rows))
    tape = open_tape(file)

    assert find_start(tape, "first", 60) == start_ms + 60 * 60_000
    assert find_start(tape, "busiest", 60) == start_ms + 285 * 60_000
    two_hours_in = datetime.fromtimestamp(start_ms / 1000 + 7200, UTC).isoformat()
    assert find_start(tape, two_hours_in, 60) == start_ms + 120 * 60_000
    with pytest.raises(TapeError, match="first, busiest or a time"):
        find_start(tape, "noon", 60)
    with pytest.raises(TapeError, match="does not cover"):
        find_start(tape, "1999-05-02T12:00", 60)
