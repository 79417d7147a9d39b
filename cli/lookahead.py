"""`sinyal lookahead`: prove that a strategy sees closed candles and nothing else, and that its warm-up is long enough.

Exit status 0: clean; 1: something was found; 2: wrong input.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli import research_flags as flags
from cli.outputs import STANDARD_OUTPUT, write_json
from cli.research_jobs import Build, Scene, Setting, check_outputs, named, read_count, read_scene
from cli.research_options import progress, refusing
from cli.strategies import read_parameters
from cli.wrong_input import InputError
from research.lookahead.probes import Report, Suspect, examine
from research.lookahead.recursion import SETTLED, Recursion, recursion
from research.lookahead.sayings import Finding, Probe

TOLD = 5
FOUND = 1
WORDS = {
    Probe.DOORS: "no file and no connection opened",
    Probe.AGAIN: "the same run again",
    Probe.FED: "candle by candle, as live",
    Probe.CUT: "the future cut off",
    Probe.BENT: "another future",
    Probe.MOVED: "the same prices at another time",
    Probe.COLUMNS: "whole columns show every signal",
    Probe.CLOCK: "a wrong clock, in a fresh process",
}


def lookahead(
    strategy: flags.StrategyName,
    tape: flags.Tape = None,
    candles: flags.CandleFile = None,
    start: flags.Start = None,
    end: flags.End = None,
    params: flags.Held = None,
    cuts: Annotated[int, typer.Option(help="Candles at which the future is cut off and bent.")] = 100,
    last: Annotated[int, typer.Option(help="Candles that are examined, the last ones.")] = 10_000,
    seed: flags.Seed = 1,
    symbol: flags.Symbol = "XAUUSD",
    json_file: flags.JsonFile = None,
) -> None:
    """Look for a strategy that sees the future, and tell which signal on which candle gives it away."""
    with refusing():
        check_outputs(json=json_file)
        read_count("--cuts", cuts, most=100_000)
        read_count("--last", last, most=100_000_000)
        setting = Setting(
            strategy=strategy, tape=tape, candles=candles, start=start, end=end, params=params or (), symbol=symbol
        )
        scene = read_scene(setting)
        market = scene.market.candles
        examined, needed = market.slice(max(0, len(market) - last), len(market)), scene.strategy.candles_needed
        if len(examined) <= needed:
            raise InputError(f"--last {last}: {len(examined)} candles are too few; {strategy} needs {needed} to speak")
        suspect = Suspect(
            build=Build(strategy), parameters=read_parameters(params or ()),
            candles=examined, cuts=cuts, seed=seed,
        )  # fmt: skip
        with progress(f"examining {strategy}") as told:
            reports = list(examine(suspect, told))
        settled = recursion(suspect)
        if json_file is not None:
            write_json(json_file, as_document(scene, reports, settled))
    if json_file != STANDARD_OUTPUT:
        show(Console(), scene, reports, settled)
    if not is_clean(reports, settled):
        raise typer.Exit(FOUND)


def is_clean(reports: Sequence[Report], settled: Recursion | None) -> bool:
    """Tell whether nothing was found."""
    return not any(report.findings for report in reports) and (settled is None or settled.is_settled)


def as_document(scene: Scene, reports: Sequence[Report], settled: Recursion | None) -> dict[str, Any]:
    """Return the JSON document of an examination."""
    return {
        **named(scene.strategy),
        "clean": is_clean(reports, settled),
        "signals": reports[0].signals,
        "probes": [
            {
                "probe": report.probe.value,
                "compared": report.comparisons,
                "findings": [asdict(finding) | {"probe": finding.probe.value} for finding in report.findings],
            }
            for report in reports
        ],
        "recursion": None if settled is None else asdict(settled) | {"settled": settled.is_settled},
    }


def show(console: Console, scene: Scene, reports: Sequence[Report], settled: Recursion | None) -> None:
    """Print each probe, and the first candles that give the strategy away."""
    table = Table(title=f"{scene.strategy.name} {scene.strategy.version}", title_justify="left")
    table.add_column("probe")
    table.add_column("compared", justify="right")
    table.add_column("found", justify="right")
    for report in reports:
        count = len(report.findings)
        table.add_row(WORDS[report.probe], f"{report.comparisons:,}", f"[red]{count}[/]" if count else "[green]none[/]")
    console.print(table)
    for report in reports:
        for finding in report.findings[:TOLD]:
            console.print(f"{WORDS[finding.probe]}: {_told(finding)}", highlight=False, markup=False, soft_wrap=True)
        if len(report.findings) > TOLD:
            console.print(f"  and {len(report.findings) - TOLD} more", highlight=False)
    if settled is not None:
        _show_recursion(console, settled)
    if not reports[0].signals:
        console.print("[yellow]It gave no signal on these candles: nothing could have been found. Try others.[/]")
    verdict = "[green]It sees closed candles only.[/]" if is_clean(reports, settled) else "[red]Not clean.[/]"
    console.print(verdict)


def _show_recursion(console: Console, settled: Recursion) -> None:
    table = Table(title=f"history needed, of {settled.samples} candles the worst", title_justify="left")
    table.add_column("indicator")
    for length in settled.lengths:
        table.add_column(f"{length:,}", justify="right")
    for name, differences in settled.differences.items():
        if any(difference is None or difference > SETTLED for difference in differences):
            table.add_row(name, *(_difference(difference) for difference in differences))
    table.add_row("signals changed", *(str(count) if count else "none" for count in settled.changed))
    console.print(table)


def _difference(difference: float | None) -> str:
    if difference is None:
        return "undefined"
    return "settled" if difference <= SETTLED else f"{difference:.2%}" if difference >= 1e-4 else f"{difference:.1e}"


def _told(finding: Finding) -> str:
    at = "" if finding.open_time_s is None else f"{datetime.fromtimestamp(finding.open_time_s, UTC):%Y-%m-%d %H:%M} "
    return f"{at}was: {finding.expected}; is: {finding.got}"
