"""`sinyal backtest`: a strategy over a recorded market, by the rules that run live.

Everything wrong with the input is one line on standard error that names the file, the line or the option and what
would be right, and exit status 2.
"""

import csv
from pathlib import Path

from rich.console import Console

from cli import research_flags as flags
from cli.backtest_table import show
from cli.outputs import STANDARD_OUTPUT, opened, write_json, write_page
from cli.research_jobs import Setting, check_outputs, read_scene
from cli.research_options import progress, refusing
from research.backtest import run_backtest
from research.documents import CSV_COLUMNS, as_document, csv_rows
from research.market import Market
from research.report.backtest_page import report
from research.statistics import summarise
from research.trades import BacktestResult


def backtest(
    strategy: flags.StrategyName,
    tape: flags.Tape = None,
    candles: flags.CandleFile = None,
    news: flags.News = None,
    start: flags.Start = None,
    end: flags.End = None,
    params: flags.Held = None,
    plan: flags.PlanText = "standard",
    entry: flags.EntryText = "close",
    spread: flags.Spread = None,
    slippage: flags.Slippage = 0.0,
    lots: flags.Lots = "0.01",
    symbol: flags.Symbol = "XAUUSD",
    json_file: flags.JsonFile = None,
    html: flags.HtmlFile = None,
    csv_file: flags.CsvFile = None,
) -> None:
    """Run a strategy over recorded quotes or candles, by the rules that run live."""
    with refusing():
        check_outputs(json=json_file, html=html, csv=csv_file)
        setting = Setting(
            strategy=strategy, tape=tape, candles=candles, news=news, start=start, end=end, params=params or (),
            plan=plan, entry=entry, spread=spread, slippage=slippage, lots=lots, symbol=symbol,
        )  # fmt: skip
        scene = read_scene(setting)
        with progress("testing") as told:
            result = run_backtest(scene.strategy, scene.market, scene.rules, progress=told)
        summary = summarise(result.trades, candle_ends_ms=tested_ends_ms(scene.market, result))
        if json_file is not None:
            write_json(json_file, as_document(result, summary))
        if csv_file is not None:
            _write_trades(csv_file, result)
        if html is not None:
            write_page(html, report(result, summary, scene.market, scene.source))
    if STANDARD_OUTPUT not in {json_file, csv_file}:
        show(Console(), result, summary)


def tested_ends_ms(market: Market, result: BacktestResult) -> list[int]:
    """Tell when the candles ended that were tested."""
    ends_ms = market.candles.end_ms
    found: list[int] = ends_ms[(ends_ms > result.from_ms) & (ends_ms <= result.until_ms)].tolist()
    return found


def _write_trades(path: Path, result: BacktestResult) -> None:
    with opened("--csv", path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        writer.writerows(csv_rows(result))
