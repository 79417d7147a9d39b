"""`sinyal backtest`: a strategy over a recorded market, by the rules that run live.

Everything wrong with the input is one line on standard error that names the file, the line or the option and what
would be right, and exit status 2.
"""

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console

from cli.backtest_table import show
from cli.evaluate import InputError
from cli.research_options import (
    Source,
    as_price,
    choose_instrument,
    choose_strategy,
    progress,
    read_market,
    read_moment,
    read_rules,
    refusing,
    writable,
)
from research.backtest import run_backtest
from research.documents import CSV_COLUMNS, as_document, csv_rows
from research.market import Market
from research.report.backtest_page import write_report
from research.statistics import Summary, summarise
from research.trades import BacktestResult

STANDARD_OUTPUT = Path("-")


def backtest(
    strategy: Annotated[str, typer.Option(help="The strategy's name, such as trend_pullback.")],
    tape: Annotated[
        Path | None,
        typer.Option(help="Quotes: CSV epoch_ms,bid,ask (or .gz, .zip), or a folder of YYYYMMDD_quote.zip."),
    ] = None,
    candles: Annotated[Path | None, typer.Option(help="Candles: CSV epoch_s,open,high,low,close,volume.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="First moment of trading (UTC); what lies before it is warm-up.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the data (UTC), not included.")] = None,
    params: Annotated[
        list[str] | None, typer.Option(help="Parameters as name=value; several with commas, or the option again.")
    ] = None,
    plan: Annotated[
        str, typer.Option(help="plain, standard, three, or its parts joined: single+break_even+trailing+limit:3600.")
    ] = "standard",
    entry: Annotated[
        str, typer.Option(help="close: at the candle's last quote, as live; next: at the first quote after it.")
    ] = "close",
    spread: Annotated[float | None, typer.Option(help="Pips; else a tape's own, and 3 for candles.")] = None,
    slippage: Annotated[float, typer.Option(help="Pips given up at each entry, stop and time limit.")] = 0.0,
    lots: Annotated[str, typer.Option(help="Lots of every trade.")] = "0.01",
    symbol: Annotated[str, typer.Option(help="The instrument.")] = "XAUUSD",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write numbers and trades; - is the terminal.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a report with pictures, one file that opens offline.")
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the trades; - is the terminal.")] = None,
) -> None:
    """Run a strategy over recorded quotes or candles, by the rules that run live."""
    with refusing():
        for option, path in (("--json", json_file), ("--html", html), ("--csv", csv_file)):
            writable(option, path)
        chosen, instrument = choose_strategy(strategy, params or ()), choose_instrument(symbol)
        source = Source(
            tape=tape, candles=candles, from_ms=read_moment("--from", start), to_ms=read_moment("--to", end)
        )
        rules = read_rules(instrument, source, plan=plan, entry=entry, lots=lots, spread=spread, slippage=slippage)
        own_spread = None if spread is None else as_price("--spread", spread, instrument)
        with progress("reading") as told:
            market = read_market(source, symbol, chosen.interval, own_spread, told)
        with progress("testing") as told:
            result = run_backtest(chosen, market, rules, progress=told)
        summary = summarise(result.trades, candle_ends_ms=tested_ends_ms(market, result))
        _write(result, summary, json_file, csv_file)
        if html is not None:
            write_report(html, result, summary, market, source.name)
    if STANDARD_OUTPUT not in {json_file, csv_file}:
        show(Console(), result, summary)


def tested_ends_ms(market: Market, result: BacktestResult) -> list[int]:
    """Tell when the candles ended that were tested."""
    ends_ms = market.candles.end_ms
    found: list[int] = ends_ms[(ends_ms > result.from_ms) & (ends_ms <= result.until_ms)].tolist()
    return found


def _write(result: BacktestResult, summary: Summary, json_file: Path | None, csv_file: Path | None) -> None:
    if json_file is not None:
        with _opened("--json", json_file) as stream:
            json.dump(as_document(result, summary), stream, indent=1, allow_nan=False)
            stream.write("\n")
    if csv_file is not None:
        with _opened("--csv", csv_file) as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(CSV_COLUMNS)
            writer.writerows(csv_rows(result))


@contextmanager
def _opened(option: str, path: Path) -> Iterator[TextIO]:
    """Open a file for writing, `-` for standard output. Raises InputError."""
    if path == STANDARD_OUTPUT:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as e:
        raise InputError(f"{option} {path}: cannot be written ({e.strerror})") from e
