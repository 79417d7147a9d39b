"""`sinyal evaluate`: what a strategy says about candles from a file.

Judges with the very object that the live service runs. Everything wrong with the input is one line on standard error
that names the file, the line or the option and what would be right, and exit status 2.
"""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from cli.strategies import choose_strategy
from cli.wrong_input import InputError
from contracts.messages import Mode
from services.signals.domain.candle import Candle
from services.signals.domain.columns import columns_of
from services.signals.domain.opinion import Evaluation, Signal
from services.signals.domain.running import StrategyRun, as_evaluation
from services.signals.domain.strategy import Strategy
from services.signals.domain.strength import word_for
from services.signals.domain.view import View

COLUMNS = ("epoch_s", "open", "high", "low", "close", "volume")
HIGHEST_PRICE = 1e12  # far above any quote; beyond it sums lose all their digits


def evaluate(
    candles: Annotated[Path, typer.Option(help=f"CSV file with rows {','.join(COLUMNS)}; a header is optional.")],
    mode: Annotated[str, typer.Option(help="auto: as the live service does by itself; manual: as /signal does.")] = (
        "auto"
    ),
    strategy: Annotated[str, typer.Option(help="The strategy's name, or name:INTERVAL.")] = "trend_pullback",
    params: Annotated[
        list[str] | None, typer.Option(help="Parameters that differ from the defaults: name=value, again for each.")
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(help="Judge the last N rows, for a strategy that reads a window; without it, all rows."),
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Judge every row from the Nth on, on the N rows that end there.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON; with --each, one line for each row.")] = False,
) -> None:
    """Tell what the strategy says about the last candle of a file, or about each of them."""
    try:
        chosen = _mode(mode)
        judge = choose_strategy(strategy, params or [])
        rows = read_candles(candles)
        length = _window_length(candles, rows, window, judge, each=each)
    except InputError as e:
        typer.echo(str(e), err=True)
        raise typer.Exit(2) from None
    judged = _judge(judge, rows if each else rows[-length:], length)
    if as_json:
        for candle, evaluation in judged:
            typer.echo(json.dumps(as_document(candle, evaluation, chosen), allow_nan=False))
    elif each:
        _show_signals(judged, chosen)
    else:
        _show(*next(judged), chosen)


def read_candles(path: Path) -> list[Candle]:
    """Return the candles of a CSV file, oldest first.

    Raises InputError naming the file, the line and what would be right.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            numbered = list(_rows(path, csv.reader(file, strict=True)))
    except OSError as e:
        raise InputError(f"--candles {path}: cannot be read ({e.strerror}); give a CSV file of candles") from e
    except UnicodeDecodeError as e:
        raise InputError(f"--candles {path}: is not text; give a CSV file of candles in UTF-8") from e
    for (_, before), (number, candle) in pairwise(numbered):
        if candle.open_time_s <= before.open_time_s:
            raise InputError(
                f"{path}, line {number}: epoch_s {candle.open_time_s} does not come after {before.open_time_s};"
                " rows must be sorted by time, each time once"
            )
    return [candle for _, candle in numbered]


def as_document(candle: Candle, evaluation: Evaluation, mode: Mode) -> dict[str, Any]:
    """Return the JSON document of one judged candle."""
    verdict = evaluation.verdict(mode)
    return {
        "epoch_s": candle.open_time_s,
        "mode": mode.value,
        "ind": dict(evaluation.indicators),
        "scores": {side.value.lower(): score for side, score in evaluation.scores.items()},
        "signal": _signal_document(verdict) if isinstance(verdict, Signal) else None,
        "why": [] if isinstance(verdict, Signal) else list(verdict.why),
    }


def _signal_document(signal: Signal) -> dict[str, Any]:
    return {
        "side": signal.side.value,
        "entry": signal.entry,
        "stop": signal.stop,
        "target": signal.target,
        "rr": signal.rr,
        "strength": signal.strength,
        "lots": signal.lots,
        "reasons": list(signal.reasons),
    }


def _mode(text: str) -> Mode:
    if text not in tuple(Mode):
        raise InputError(f"--mode {text}: must be {' or '.join(Mode)}")
    return Mode(text)


def _window_length(
    path: Path, rows: Sequence[Candle], window: int | None, strategy: Strategy[Any], *, each: bool
) -> int:
    needed = strategy.candles_needed
    if window is not None and strategy.indicators():
        raise InputError(f"--window {window}: {strategy.name} reads all rows, since it follows averages")
    if window is not None and window < needed:
        raise InputError(f"--window {window}: must be at least {needed}, the rows that the strategy needs")
    if len(rows) < needed:
        raise InputError(f"{path}: has {len(rows)} rows; the strategy needs at least {needed}")
    length = window or (strategy.window_length if each else len(rows))
    if length > len(rows):
        raise InputError(f"--window {length}: {path} has only {len(rows)} rows; give between {needed} and {len(rows)}")
    return length


def _rows(path: Path, reader: Any) -> Iterator[tuple[int, Candle]]:
    """Yield (line number, candle) for each row that is not blank."""
    try:
        for fields in reader:
            texts = [text.strip() for text in fields]
            is_header = reader.line_num == 1 and [text.lower() for text in texts] == list(COLUMNS)
            if any(texts) and not is_header:
                yield reader.line_num, _candle(f"{path}, line {reader.line_num}", texts)
    except csv.Error as e:
        raise InputError(f"{path}, line {reader.line_num}: {e}; rows must be {','.join(COLUMNS)}") from e


def _candle(where: str, texts: Sequence[str]) -> Candle:
    if len(texts) != len(COLUMNS):
        raise InputError(f"{where}: has {len(texts)} fields; a row must be {','.join(COLUMNS)}")
    if not texts[0].isdecimal():
        raise InputError(f"{where}: epoch_s {texts[0]!r} must be a whole number of seconds")
    numbers = [_number(where, name, text) for name, text in zip(COLUMNS[1:], texts[1:], strict=True)]
    candle = Candle(int(texts[0]), *numbers)
    _check(where, candle)
    return candle


def _number(where: str, name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{where}: {name} {text!r} must be a number")
    return number


def _check(where: str, candle: Candle) -> None:
    if not 0 < candle.low <= candle.high < HIGHEST_PRICE:
        raise InputError(
            f"{where}: low {candle.low:g} and high {candle.high:g} must be prices, the low not above the high"
        )
    if not candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high:
        raise InputError(f"{where}: open and close must lie between low {candle.low:g} and high {candle.high:g}")
    if candle.volume < 0:
        raise InputError(f"{where}: volume {candle.volume:g} must not be negative")


def _judge(strategy: Strategy[Any], rows: Sequence[Candle], length: int) -> Iterator[tuple[Candle, Evaluation]]:
    """Yield each candle from the `length`th on with what the strategy says about the `length` rows that end there.

    One with indicators reads every row, and is heard from the first that it can judge; where `length` is all of the
    rows, about the last.
    """
    if strategy.indicators():
        first = len(rows) - 1 if length == len(rows) else strategy.candles_needed - 1
        for place, evaluation in StrategyRun(strategy).evaluations(columns_of(rows), first):
            yield rows[place], evaluation
        return
    for end in range(length, len(rows) + 1):
        window = rows[end - length : end]
        yield rows[end - 1], as_evaluation(strategy.evaluate(View.of(window)), {})


def _show(candle: Candle, evaluation: Evaluation, mode: Mode) -> None:
    console = Console()
    table = Table(title=f"Indicators at {candle.open_time_s}", title_justify="left", header_style="bold")
    for heading in ("indicator", "value", "indicator", "value"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    cells = [(name, "undefined" if value is None else f"{value:,.4f}") for name, value in evaluation.indicators.items()]
    half = (len(cells) + 1) // 2
    for row in range(half):
        table.add_row(*cells[row], *(cells[row + half] if row + half < len(cells) else ("", "")))
    console.print(table)
    console.print("Scores: " + ", ".join(f"{side} {score}" for side, score in evaluation.scores.items()))
    console.print(_verdict_panel(evaluation, mode))


def _verdict_panel(evaluation: Evaluation, mode: Mode) -> Panel:
    verdict = evaluation.verdict(mode)
    if not isinstance(verdict, Signal):
        return Panel("\n".join(verdict.why), title=f"no signal ({mode})", border_style="yellow", expand=False)
    word = word_for(verdict.strength).removeprefix("strength.").replace("_", " ")
    lines = [
        f"entry  {verdict.entry:,.2f}",
        f"stop   {verdict.stop:,.2f}",
        f"target {verdict.target:,.2f}   R:R {verdict.rr:.2f}",
        f"strength {verdict.strength:.2f} ({word}), lots {verdict.lots}",
        *verdict.reasons,
    ]
    color = "green" if verdict.side.sign > 0 else "red"
    return Panel("\n".join(lines), title=f"{verdict.side} ({mode})", border_style=color, expand=False)


def _show_signals(judged: Iterable[tuple[Candle, Evaluation]], mode: Mode) -> None:
    table = Table(header_style="bold")
    for heading in ("epoch_s", "side", "entry", "stop", "target", "R:R", "strength"):
        table.add_column(heading, justify="left" if heading == "side" else "right")
    count = 0
    for candle, evaluation in judged:
        count += 1
        verdict = evaluation.verdict(mode)
        if isinstance(verdict, Signal):
            prices = (f"{price:,.2f}" for price in (verdict.entry, verdict.stop, verdict.target))
            table.add_row(
                str(candle.open_time_s), verdict.side, *prices, f"{verdict.rr:.2f}", f"{verdict.strength:.2f}"
            )
    console = Console()
    console.print(table)
    console.print(f"{table.row_count} signals ({mode}) in {count} candles")
