"""What the research verbs ask alike: which strategy with which parameters, which market, which rules.

Every function raises InputError: one line that names the option and what would be right.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from chassis.errors import StartError
from cli.market_files import Read, read_candle_file, read_tape, tape_market
from cli.wrong_input import InputError
from contracts.messages import Interval
from research.backtest import TooShortError
from research.market import Market
from research.trades import Entry, Rules
from services.positions.domain.instrument import Instrument, UnknownInstrumentError, find_instrument
from services.positions.domain.plans import Plan, UnknownPlanError, read_plan
from services.signals.adapters.csv_calendar import read_calendar
from services.signals.domain.protections import News

CANDLE_SPREAD_PIPS = 3.0
"""What candles are given where no spread is asked for: a usual one of gold, 0.30 USD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the market comes from: a tape or a file of candles, and the span of it (ms; None: no bound)."""

    tape: Path | None
    candles: Path | None
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def name(self) -> str:
        """The file's or the folder's name, for people."""
        return str(self.tape or self.candles)


def read_moment(option: str, text: str | None) -> int | None:
    """Read a date or a moment (UTC unless it says otherwise) as epoch milliseconds."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{option} {text}: must be a date or a moment, such as 2014-05-02 or 2014-05-02T13:30"
        ) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return round(moment.timestamp() * 1000)


def read_market(source: Source, symbol: str, interval: Interval, spread: float | None, told: Read | None) -> Market:
    """Read a market up to `source.to_ms`; what lies before `from_ms` stays, as warm-up. `spread` is in price."""
    if (source.tape is None) == (source.candles is None):
        raise InputError("give one of --tape and --candles")
    if source.from_ms is not None and source.to_ms is not None and source.from_ms >= source.to_ms:
        raise InputError("--from must be before --to")
    if source.tape is not None:
        return _tape(source.tape, source, symbol, interval, spread, told)
    assert source.candles is not None
    candles = read_candle_file(source.candles, interval)
    if source.to_ms is not None:
        candles = candles.slice(0, int((candles.end_ms <= source.to_ms).sum()))
    if not len(candles):
        raise InputError(f"--candles {source.candles}: holds no candle before --to")
    return Market(symbol, candles)


def read_rules(
    instrument: Instrument, source: Source, *, plan: str, entry: str, lots: str, spread: float | None, slippage: float
) -> Rules:
    """Put the rules together; `spread` and `slippage` are in pips."""
    return Rules(
        instrument=instrument,
        plan=_plan(plan),
        entry=_entry(entry),
        lots=_lots(lots),
        spread=as_price("--spread", CANDLE_SPREAD_PIPS if spread is None else spread, instrument),
        slippage=as_price("--slippage", slippage, instrument),
        from_ms=source.from_ms,
    )


def as_price(option: str, pips: float, instrument: Instrument) -> float:
    """Turn pips into a distance of price."""
    if not 0 <= pips <= 1000:
        raise InputError(
            f"{option} {pips:g}: must be pips from 0 to 1000; {instrument.symbol}'s pip is {instrument.pip}"
        )
    return round(pips * instrument.pip, 8)


def read_news(path: Path | None) -> tuple[News, ...]:
    """Read what was announced; nothing where no file is given."""
    try:
        return read_calendar(path, "--news") if path is not None else ()
    except StartError as e:
        raise InputError(str(e)) from e


def choose_instrument(symbol: str) -> Instrument:
    """Look an instrument up."""
    try:
        return find_instrument(symbol)
    except UnknownInstrumentError as e:
        raise InputError(f"--symbol: {e}") from e


def _tape(
    path: Path, source: Source, symbol: str, interval: Interval, spread: float | None, told: Read | None
) -> Market:
    ticks = read_tape(path, told=told).between(None, source.to_ms)
    if not len(ticks):
        raise InputError(f"--tape {path}: holds no quote before --to")
    return tape_market(symbol, ticks if spread is None else ticks.with_spread(spread), interval)


def _plan(text: str) -> Plan:
    try:
        return read_plan(text)
    except UnknownPlanError as e:
        raise InputError(f"--plan: {e}") from e


def _entry(text: str) -> Entry:
    if text not in tuple(Entry):
        raise InputError(f"--entry {text}: must be {' or '.join(Entry)}")
    return Entry(text)


def _lots(text: str) -> Decimal:
    try:
        lots = Decimal(text)
    except InvalidOperation:
        lots = Decimal(0)
    if not Decimal("0.01") <= lots <= 100:
        raise InputError(f"--lots {text}: must be a number from 0.01 to 100")
    return lots


@contextmanager
def refusing() -> Iterator[None]:
    """Turn wrong input into its line and exit status 2."""
    try:
        yield
    except (InputError, TooShortError) as e:
        typer.echo(str(e), err=True)
        raise typer.Exit(2) from None


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error while something is done; hears (done, of how many). Nothing where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def writable(option: str, path: Path | None) -> Path | None:
    """Check, before the work is done, that a file can be written."""
    if path is not None and (path.is_dir() or not path.resolve().parent.is_dir()):
        raise InputError(f"{option} {path}: must be a file in a folder that exists")
    return path
