"""`sinyal data`: history of a venue as files."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from chassis.errors import StartError
from cli.candle_file import CandleFile, FileError, Plan
from cli.outputs import INTERRUPTED
from cli.venue_history import History, open_history
from contracts.messages import Interval
from services.feed.adapters.deriv_dialects import DIALECTS, Dialect
from services.feed.adapters.deriv_venue import PAGE
from services.feed.ports import VenueLostError, VenueRefusedError, WrongVenueError

RECONNECTS_S = (1.0, 2.0, 4.0)
"""Pauses before a lost connection is made again; without any progress in between the download gives up after them."""

OPTIONS = {"venue_url": "--venue-url", "dialect": "--dialect", "symbols": "--venue-symbol"}

data = typer.Typer(add_completion=False, help="History of a venue as files.")


@data.callback()
def group() -> None:
    """History of a venue as files."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for. `to_s` None: until now."""

    symbol: str
    venue_symbol: str
    interval: Interval
    from_s: int
    to_s: int | None
    dialect: Dialect
    url: str
    out: Path


@dataclass(slots=True)
class Outcome:
    """What came of it; `refused` counts candles that cannot be."""

    file: CandleFile
    to_s: int
    refused: int = 0


@data.command()
def download(
    out: Path = typer.Option(..., help="The CSV: epoch_s,open,high,low,close,volume (0: history tells none)."),
    from_: str = typer.Option(..., "--from", help="First moment, UTC: 2026-06-01 or 2026-06-01T12:00."),
    to: str | None = typer.Option(None, help="The moment it ends before, UTC; without it, now."),
    symbol: str = typer.Option("XAUUSD", help="The instrument."),
    interval: str = typer.Option("M1", help="M1, M5, M15 or H1."),
    venue_url: str | None = typer.Option(None, help="ws:// or wss:// of the venue. [default: the dialect's own]"),
    dialect: str = typer.Option("new", help="Deriv's public API: new, or legacy."),
    venue_symbol: str | None = typer.Option(None, help="The venue's name of it. [default: frx<symbol>]"),
    app_id: str = typer.Option("1089", help="Application id of the legacy dialect."),
    as_json: bool = typer.Option(False, "--json", help="Print a line of JSON at the end."),
) -> None:
    """Download candles; the same call again goes on with an unfinished file, and one with a later --to prolongs it."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    spoken = DIALECTS.get(dialect)
    if spoken is None:
        raise StartError(f"--dialect {dialect}: one of {', '.join(sorted(DIALECTS))} would be right")
    from_s, to_s = _moment("--from", from_), None if to is None else _moment("--to", to)
    if to_s is not None and to_s <= from_s:
        raise StartError(f"--to {to}: must be later than --from {from_}")
    wish = Wish(
        symbol, venue_symbol or f"frx{symbol}", _interval(interval), from_s, to_s, spoken,
        spoken.url(venue_url, app_id), out,
    )  # fmt: skip
    try:
        outcome = asyncio.run(_download(wish))
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped; {out} keeps what is there, the same call goes on\n")
        raise typer.Exit(INTERRUPTED) from None
    except FileError as e:
        raise StartError(str(e)) from e
    print(json.dumps(_summary(wish, outcome)) if as_json else _sentence(wish, outcome))


class Download:
    """Fetches all that is missing, across lost connections. `outcome` is None until the venue has agreed."""

    def __init__(self, wish: Wish, progress: Progress) -> None:
        self._wish = wish
        self._progress = progress
        self._bar = progress.add_task(f"{wish.symbol} {wish.interval}", total=None, candles=0)
        self._outcome: Outcome | None = None

    async def run(self) -> Outcome:
        """Fetch. Raises StartError, FileError."""
        failures = 0
        while True:
            before_s = self._done_s
            try:
                with _naming_options(self._wish):
                    return await self._connected()
            except VenueLostError as e:
                failures = failures + 1 if self._done_s == before_s else 0
                if self._outcome is None or failures >= len(RECONNECTS_S):
                    raise StartError(f"--venue-url {self._wish.url}: {e}{self._kept}") from e
                await asyncio.sleep(RECONNECTS_S[failures])

    @property
    def _done_s(self) -> int | None:
        return self._outcome.file.done_s if self._outcome else None

    @property
    def _kept(self) -> str:
        return f"; {self._wish.out} keeps what is there, the same call goes on" if self._outcome else ""

    async def _connected(self) -> Outcome:
        wish = self._wish
        async with open_history(wish.dialect, wish.url, wish.symbol, wish.venue_symbol) as history:
            if self._outcome is None:
                self._outcome = await _begin(wish, history)
            await self._fetch(history, self._outcome)
        return self._outcome

    async def _fetch(self, history: History, outcome: Outcome) -> None:
        """Go forwards in windows of a page, appending each: what is on disk is a beginning without holes of ours."""
        wish, file = self._wish, outcome.file
        count = file.span()[0]
        while file.done_s < outcome.to_s:
            total, done = outcome.to_s - wish.from_s, file.done_s - wish.from_s
            self._progress.update(self._bar, total=total, completed=done, candles=count)
            end_s = min(file.done_s + PAGE * wish.interval.seconds, outcome.to_s)
            bars = await history.bars(wish.venue_symbol, wish.interval, file.done_s, end_s)
            sound = [candle for candle in bars if candle.is_sound]
            outcome.refused += len(bars) - len(sound)
            file.append(sound, end_s)
            count += len(sound)
        self._progress.update(self._bar, total=1, completed=1, candles=count)


async def _download(wish: Wish) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[candles]:,}"))
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        return await Download(wish, progress).run()


async def _begin(wish: Wish, history: History) -> Outcome:
    """Ask the venue whether it can be had at all, then open the file."""
    await history.check()
    now_s = await history.now_s()
    closed_s = now_s - now_s % wish.interval.seconds
    to_s = closed_s if wish.to_s is None else min(wish.to_s, closed_s)
    if to_s <= wish.from_s:
        raise StartError(f"--from {_words(wish.from_s)}: no candle is closed since; the venue has {_words(now_s)}")
    plan = Plan(wish.url, wish.venue_symbol, wish.interval.value, wish.from_s, to_s)
    return Outcome(CandleFile(wish.out, plan), to_s)


@contextlib.contextmanager
def _naming_options(wish: Wish) -> Iterator[None]:
    """Word what the venue will never do for us by the option that asks for it."""
    try:
        yield
    except WrongVenueError as e:
        raise StartError(f"{OPTIONS.get(e.setting, e.setting)}: {str(e).partition(': ')[2]}") from e
    except VenueRefusedError as e:
        raise StartError(f"--venue-symbol {wish.venue_symbol}: the venue refuses ({e})") from e


def _moment(option: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StartError(f"{option} {text}: a date such as 2026-06-01 or 2026-06-01T12:00 would be right") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment.timestamp() < 0:
        raise StartError(f"{option} {text}: there is no history before 1970")
    return int(moment.timestamp())


def _interval(name: str) -> Interval:
    try:
        return Interval(name.upper())
    except ValueError:
        raise StartError(f"--interval {name}: one of {', '.join(Interval)} would be right") from None


def _words(epoch_s: int) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _summary(wish: Wish, outcome: Outcome) -> dict[str, object]:
    count, first_s, last_s = outcome.file.span()
    return {
        "symbol": wish.symbol,
        "interval": wish.interval.value,
        "file": str(wish.out),
        "candles": count,
        "first_s": first_s,
        "last_s": last_s,
        "to_s": outcome.to_s,
        "refused": outcome.refused,
    }


def _sentence(wish: Wish, outcome: Outcome) -> str:
    count, _, last_s = outcome.file.span()
    last = "" if last_s is None else f", the last of {_words(last_s)}"
    refused = f"; {outcome.refused} that cannot be were left out" if outcome.refused else ""
    return f"{count:,} candles in {wish.out}{last}{refused}"
