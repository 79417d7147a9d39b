"""`sinyal feed`: what comes from the market, kept as files."""

import asyncio
import contextlib
import json
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
import typer
from rich.console import Console
from rich.status import Status

from chassis.bus import Bus, Stored
from chassis.errors import SinyalError, StartError
from chassis.nats_bus import connect
from cli.tape_writer import RecordError, Row, TapeWriter
from contracts import catalogue, codec
from contracts.messages import Tick

DEFAULT_FOLDER = Path("recordings")
SHOWN_EVERY_S = 0.5
"""How often what was read is written and shown."""

feed = typer.Typer(add_completion=False, help="What comes from the market, kept as files.")


@feed.callback()
def group() -> None:
    """What comes from the market, kept as files."""


@dataclass(slots=True)
class Tally:
    """What one run has recorded. `doubtful` says that the broker had let go of what followed the last recorded."""

    symbol: str
    ticks: int = 0
    backfilled: int = 0
    refused: int = 0
    doubtful: bool = False
    last_ms: int = 0

    def words(self) -> str:
        """Say it in a line."""
        if not self.last_ms:
            return f"{self.symbol}: waiting for the first tick (Ctrl-C stops)"
        return f"{self.symbol}: {self.ticks:,} ticks, the last of {_moment(self.last_ms)} (Ctrl-C stops)"


@feed.command()
def record(
    symbol: str = typer.Option("XAUUSD", help="The instrument, as the feed calls it."),
    folder: Path | None = typer.Option(None, help="Where the days go. [default: recordings/<symbol>]"),
    nats_url: str = typer.Option("nats://127.0.0.1:4222", envvar="SINYAL_NATS_URL", help="The broker."),
    nats_seed: str | None = typer.Option(
        None, envvar=["SINYAL_RECORDER_NATS_SEED", "SINYAL_NATS_SEED"], help="nkey seed of the recorder."
    ),
    seconds: float | None = typer.Option(None, min=0.1, help="Stop after so many seconds; without it, at Ctrl-C."),
    as_json: bool = typer.Option(False, "--json", help="Print a line of JSON at the end."),
) -> None:
    """Follow the ticks and keep them as one zipped CSV per UTC day, which `--tape` of other verbs reads.

    A second call goes on where the first one ended, without hole or double for as long as the broker keeps the ticks
    (a day). Ticks that the feed asked for afterwards have one price for both sides, as Deriv's history has no others.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", symbol):
        raise StartError(f"--symbol {symbol}: letters, digits, _ and - only, such as XAUUSD")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    target = folder or DEFAULT_FOLDER / symbol
    try:
        with TapeWriter(target) as tape:
            tally = asyncio.run(_record(symbol, tape, nats_url, nats_seed, seconds))
            summary = _summary(tally, tape, target)
    except RecordError as e:
        raise StartError(str(e)) from e
    print(json.dumps(summary) if as_json else _sentence(tally, tape, target))


async def _record(symbol: str, tape: TapeWriter, url: str, seed: str | None, seconds: float | None) -> Tally:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tally = Tally(symbol)
    try:
        async with connect(url, name="recorder", seed=seed) as bus:
            await _follow(bus, tape, tally, stop, seconds)
    except (StartError, RecordError):
        raise
    except SinyalError as e:
        raise StartError(f"--nats-url: {e}; are its streams made (sinyal streams apply)?") from e
    finally:
        tape.flush()
    tape.finish()
    return tally


async def _follow(bus: Bus, tape: TapeWriter, tally: Tally, stop: asyncio.Event, seconds: float | None) -> None:
    """Read until it is time to stop. Raises RecordError, TransientError."""
    await bus.latest(catalogue.TICK, tally.symbol)  # a broker without the stream says so here
    after = await _last_sequence(bus, tape, tally)
    with Console(stderr=True).status(tally.words()) as status:
        async with bus.replay(catalogue.TICK, after_sequence=after, tokens=(tally.symbol,)) as ticks:
            reading = asyncio.ensure_future(_read(ticks, tape, tally, status))
            stopping = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait({reading, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    await reading
            finally:
                for task in (reading, stopping):
                    task.cancel()
                await asyncio.wait({reading, stopping})


async def _last_sequence(bus: Bus, tape: TapeWriter, tally: Tally) -> int:
    """Tell behind which message to go on; 0 where the stream is another one than was recorded.

    The last tick recorded is looked up: another message in its place means a broker that began anew.
    """
    last = tape.last
    if last is None or not last.sequence:
        return 0
    stored = await bus.read_stored(str(catalogue.TICK.stream), last.sequence)
    if stored is None:
        tally.doubtful = True
        return last.sequence
    return last.sequence if _is_that(stored, last) else 0


def _is_that(stored: Stored, row: Row) -> bool:
    try:
        tick = codec.decode(stored.body, Tick)
    except codec.MalformedError:
        return False
    return (tick.epoch_ms, tick.bid, tick.ask) == row[1:]


async def _read(ticks: AsyncIterator[tuple[Stored, Tick]], tape: TapeWriter, tally: Tally, status: Status) -> None:
    """Record tick after tick, for ever. Raises RecordError."""
    shown_at = 0.0
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHOWN_EVERY_S):
                stored, tick = await anext(ticks)
                _take(stored, tick, tape, tally)
        if time.monotonic() - shown_at >= SHOWN_EVERY_S:
            tape.flush()
            status.update(tally.words())
            shown_at = time.monotonic()


def _take(stored: Stored, tick: Tick, tape: TapeWriter, tally: Tally) -> None:
    if not tape.add(Row(stored.sequence, tick.epoch_ms, tick.bid, tick.ask)):
        tally.refused += 1
        return
    tally.ticks += 1
    tally.backfilled += tick.backfilled
    tally.last_ms = tick.epoch_ms


def _summary(tally: Tally, tape: TapeWriter, folder: Path) -> dict[str, object]:
    return {
        "symbol": tally.symbol,
        "folder": str(folder),
        "ticks": tally.ticks,
        "backfilled": tally.backfilled,
        "refused": tally.refused,
        "may_have_hole": tally.doubtful,
        "days": tape.days,
        "last_ms": tape.last.epoch_ms if tape.last else None,
        "last_sequence": tape.last.sequence if tape.last else None,
    }


def _sentence(tally: Tally, tape: TapeWriter, folder: Path) -> str:
    hole = "; the broker had let go of what came before: there may be a hole" if tally.doubtful else ""
    return f"{tally.ticks:,} ticks of {tally.symbol} recorded; {folder} holds {len(tape.days)} days{hole}"


def _moment(epoch_ms: int) -> str:
    return f"{datetime.fromtimestamp(epoch_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
