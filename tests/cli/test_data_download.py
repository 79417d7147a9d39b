"""`sinyal data download`: a venue's candles in a file that other verbs read, whole, however often it is broken off."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from cli.candle_file import HEADER, CandleFile, FileError, Plan
from cli.evaluate import read_candles
from cli.venue_history import open_history
from contracts.messages import Interval
from sandbox.exchange.server import ExchangeServer
from sandbox.exchange.tape import open_tape
from services.feed.adapters.deriv_dialects import LEGACY, NEW
from services.feed.domain.fold import Fold
from services.feed.domain.quotes import Bar, Quote
from tests.feed.scripted_venue import error, scripted

ROOT = Path(__file__).resolve().parents[2]
NEW_PATH, LEGACY_PATH = "/trading/v1/options/ws/public", "/websockets/v3?app_id=1089"
START_S = 1_767_614_400  # 2026-01-05T12:00Z, a Monday
MINUTES = 200
FROM, TO = "2026-01-05T12:00", "2026-01-05T15:00"
SYMBOL = ("XAUUSD", "frxXAUUSD")
PLAN = Plan("ws://venue/", "frxXAUUSD", "M1", START_S, START_S + 600)


def sinyal(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "cli", "data", "download", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SINYAL_")}
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


async def ended(*arguments: object) -> tuple[int, str, str]:
    """Run it to its end, with the venue served meanwhile by this loop."""
    process = sinyal(*arguments)
    output, errors = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, output, errors


def bar(open_s: int, price: float = 4000.0) -> Bar:
    return Bar(open_s, price, price + 1, price - 1, price + 0.5)


# --- the file ---------------------------------------------------------------------------------------------------------


def test_a_file_is_gone_on_with_behind_what_is_done(tmp_path: Path) -> None:
    CandleFile(tmp_path / "c.csv", PLAN).append([bar(START_S)], START_S + 120)

    again = CandleFile(tmp_path / "c.csv", PLAN)

    assert again.done_s == START_S + 120
    assert again.span() == (1, START_S, START_S)


def test_a_torn_row_is_cut_off_and_its_candle_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    CandleFile(path, PLAN)
    with path.open("a") as file:  # killed before the note was written, in the middle of a row
        file.write(f"{START_S},1.0,2.0,0.5,1.5,0\n{START_S + 60},1.0,2.")

    again = CandleFile(path, PLAN)

    assert START_S < again.done_s <= START_S + 60
    assert path.read_text() == f"{HEADER}\n{START_S},1.0,2.0,0.5,1.5,0\n"


@pytest.mark.parametrize("change", [{"venue_symbol": "frxXAGUSD"}, {"interval": "M5"}, {"from_s": START_S - 60}])
def test_a_file_of_something_else_is_not_gone_on_with(tmp_path: Path, change) -> None:
    CandleFile(tmp_path / "c.csv", PLAN)
    asked = {name: getattr(PLAN, name) for name in PLAN.__struct_fields__}

    with pytest.raises(FileError, match="--out"):
        CandleFile(tmp_path / "c.csv", Plan(**{**asked, **change}))


def test_a_file_that_is_no_download_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("mine")

    with pytest.raises(FileError, match="give another name"):
        CandleFile(tmp_path / "c.csv", PLAN)

    assert (tmp_path / "c.csv").read_text() == "mine"


# --- the venue --------------------------------------------------------------------------------------------------------


async def test_a_venue_that_gives_less_than_asked_for_is_asked_again() -> None:
    def stingy(request):
        end = min(int(request["end"]), START_S + 599)
        opens = range(request["start"], end + 1, 60)[-3:]
        return {"candles": [{"epoch": s, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5} for s in opens]}

    async with scripted({"ticks_history": stingy}) as known, open_history(NEW, known.url, *SYMBOL) as history:
        bars = await history.bars("frxXAUUSD", Interval.M1, START_S, START_S + 600)

    assert [found.open_s for found in bars] == [START_S + n * 60 for n in range(10)]


async def test_candles_outside_of_the_window_are_left_out() -> None:
    found = [START_S - 60, START_S, START_S + 30, START_S + 60, START_S + 120]
    frame = {"candles": [{"epoch": s, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5} for s in found]}

    async with scripted({"ticks_history": lambda _: frame}) as known, open_history(NEW, known.url, *SYMBOL) as history:
        bars = await history.bars("frxXAUUSD", Interval.M1, START_S, START_S + 120)

    assert [item.open_s for item in bars] == [START_S, START_S + 60]


# --- the verb ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def venue(tmp_path: Path):
    """A simulator whose tape holds MINUTES minutes, the last of which is now."""
    tape = tmp_path / "tape.csv"
    quotes = [(START_S * 1000 + n * 1000, 4000.0 + (n * 7919 % 300) / 100) for n in range(MINUTES * 60)]
    tape.write_text("".join(f"{ms},{bid:.2f},{bid + 0.3:.2f}\n" for ms, bid in quotes))
    start = "2026-01-05T15:10:00Z"
    async with ExchangeServer(open_tape(tape), start=start, warmup_candles=MINUTES) as server:
        yield server


def folded(tmp_path: Path, interval: Interval, to_s: int) -> list[tuple[float, ...]]:
    """The same candles by the feed's own fold."""
    fold, found = Fold(), []
    for quote in open_tape(tmp_path / "tape.csv").quotes(None, to_s * 1000):
        found += fold.add(Quote(*quote))
    found += fold.finish()
    return [(c.open_s, c.open, c.high, c.low, c.close) for c in found if c.interval is interval]


def rows(path: Path) -> list[tuple[float, ...]]:
    return [(c.open_time_s, c.open, c.high, c.low, c.close) for c in read_candles(path)]


@pytest.mark.real
@pytest.mark.parametrize(("dialect", "path"), [(NEW, NEW_PATH), (LEGACY, LEGACY_PATH)])
@pytest.mark.parametrize("interval", [Interval.M1, Interval.M15])
async def test_what_is_downloaded_is_what_the_feed_would_have_folded(tmp_path: Path, dialect, path, interval) -> None:
    out = tmp_path / "c.csv"
    async with venue(tmp_path) as server:
        wish = ("--from", FROM, "--to", TO, "--interval", interval, "--dialect", dialect.name, "--out", out)
        code, output, errors = await ended(*wish, "--venue-url", server.url + path, "--json")

    assert code == 0, errors
    assert json.loads(output)["candles"] == 180 * 60 // interval.seconds
    for ours, theirs in zip(rows(out), folded(tmp_path, interval, START_S + 10_800), strict=True):
        assert ours == pytest.approx(theirs, abs=0.0051)  # the venue rounds to its decimals


@pytest.mark.real
async def test_a_later_end_prolongs_the_file_and_the_same_call_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "c.csv"
    async with venue(tmp_path) as server:
        wish = ("--from", FROM, "--venue-url", server.url + NEW_PATH, "--out", out)
        await ended(*wish, "--to", "2026-01-05T13:00")
        first = out.read_text()
        await ended(*wish, "--to", "2026-01-05T13:00")
        same = out.read_text()
        await ended(*wish, "--to", TO)

    assert same == first
    assert out.read_text().startswith(first)
    moments = [open_s for open_s, *_ in rows(out)]
    assert moments == [START_S + n * 60 for n in range(180)]


@pytest.mark.real
async def test_a_forming_candle_is_not_in_the_file(tmp_path: Path) -> None:
    out = tmp_path / "c.csv"
    async with venue(tmp_path) as server:
        code, output, errors = await ended(
            "--from", FROM, "--interval", "H1", "--venue-url", server.url + NEW_PATH, "--out", out, "--json"
        )

    assert code == 0, errors
    assert json.loads(output)["last_s"] == START_S + 2 * 3600  # it is 15:10: the hour from 15:00 still forms


@pytest.mark.real
async def test_ctrl_c_keeps_what_is_there_and_the_same_call_goes_on(tmp_path: Path) -> None:
    out, answered = tmp_path / "c.csv", []

    def slow(request):
        if answered and slow.is_slow:
            return None
        answered.append(request)
        opens = range(request["start"], int(request["end"]) + 1, 60)
        return {"candles": [{"epoch": s, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5} for s in opens]}

    slow.is_slow = True
    wish = ("--from", "2026-01-01", "--to", "2026-01-05", "--out", out)
    async with scripted({"ticks_history": slow}) as known:
        process = sinyal(*wish, "--venue-url", known.url)
        deadline = time.monotonic() + 60
        while len(known.calls("ticks_history")) < 2:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = await asyncio.to_thread(process.communicate, timeout=60)
        kept = len(rows(out))
        slow.is_slow = False
        code, _, _ = await ended(*wish, "--venue-url", known.url)

    assert process.returncode == 130
    assert "the same call goes on" in errors
    assert kept == 5000
    assert code == 0
    moments = [open_s for open_s, *_ in rows(out)]
    assert len(moments) == 4 * 1440
    assert {b - a for a, b in pairwise(moments)} == {60}


@pytest.mark.real
async def test_a_lost_connection_is_made_again(tmp_path: Path) -> None:
    out = tmp_path / "c.csv"

    def once(request):
        if len(known.calls("ticks_history")) == 2:
            known.sockets[-1].transport.abort()
            return None
        opens = range(request["start"], int(request["end"]) + 1, 60)
        return {"candles": [{"epoch": s, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5} for s in opens]}

    async with scripted({"ticks_history": once}) as known:
        code, _, errors = await ended(
            "--from", "2026-01-01", "--to", "2026-01-05", "--out", out, "--venue-url", known.url
        )

    assert code == 0, errors
    assert len(rows(out)) == 4 * 1440


@pytest.mark.real
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--interval", "M2"), ("--interval M2", "M1, M5, M15, H1")),
        (("--from", "yesterday"), ("--from yesterday", "2026-06-01")),
        (("--to", "2025-01-01"), ("--to 2025-01-01", "later than")),
        (("--dialect", "old"), ("--dialect old", "legacy, new")),
        (("--venue-url", "ws://127.0.0.1:1/"), ("--venue-url ws://127.0.0.1:1/", "cannot connect")),
        (("--venue-url", "http://127.0.0.1:1/"), ("--venue-url", "ws:// or wss://")),
    ],
)
async def test_wrong_input_is_one_line_that_names_the_option(tmp_path: Path, arguments, words) -> None:
    given = {"--from": FROM, "--to": TO, "--venue-url": "ws://127.0.0.1:1/", "--out": tmp_path / "c.csv"}
    given |= dict([arguments])

    code, _, errors = await ended(*(part for pair in given.items() for part in pair))

    assert code == 2
    assert len(errors.strip().splitlines()) == 1, errors
    assert all(word in errors for word in words)
    assert not (tmp_path / "c.csv").exists()


@pytest.mark.real
async def test_a_symbol_the_venue_does_not_list_is_named(tmp_path: Path) -> None:
    async with scripted({"ticks_history": lambda _: error("InvalidSymbol")}) as known:
        code, _, errors = await ended(
            "--symbol", "XAUUSX", "--from", FROM, "--out", tmp_path / "c.csv", "--venue-url", known.url
        )

    assert code == 2
    assert "--venue-symbol" in errors
    assert "did you mean frxXAUUSD" in errors
