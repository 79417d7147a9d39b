"""`sinyal walkforward`: search on a window, try on the stretch behind it, go on, and join what came out of sample."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli import research_flags as flags
from cli.outputs import STANDARD_OUTPUT, write_json, write_page
from cli.research_jobs import (
    Build,
    Setting,
    check_outputs,
    named,
    read_count,
    read_jobs,
    read_objective,
    read_scene,
    read_space,
)
from cli.research_options import progress, refusing
from cli.strategies import choose_strategy
from research.documents import iso, plain
from research.report.plots import day
from research.search.asking import Question
from research.search.page import name_of
from research.statistics import Summary
from research.walkforward import Step, efficiency, joined, walk, windows_of
from research.walkforward_page import page


def walkforward(
    strategy: flags.StrategyName,
    tape: flags.Tape = None,
    candles: flags.CandleFile = None,
    news: flags.News = None,
    start: flags.Start = None,
    end: flags.End = None,
    params: flags.Held = None,
    search: flags.Searched = None,
    train: Annotated[int | None, typer.Option(help="Candles searched at each step; else three times --test.")] = None,
    test: Annotated[int | None, typer.Option(help="Candles tried at each step; else as makes five steps.")] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="Let every window begin at the beginning.")] = False,
    trials: flags.Trials = 50,
    objective: flags.Goal = "profit_factor",
    min_trades: flags.MinTrades = 20,
    jobs: flags.Jobs = None,
    seed: flags.Seed = 1,
    prune: flags.Prune = True,
    plan: flags.PlanText = "standard",
    entry: flags.EntryText = "close",
    spread: flags.Spread = None,
    slippage: flags.Slippage = 0.0,
    symbol: flags.Symbol = "XAUUSD",
    json_file: flags.JsonFile = None,
    html: flags.HtmlFile = None,
) -> None:
    """Search a rolling window and try what was found on what comes next."""
    with refusing():
        check_outputs(json=json_file, html=html)
        goal, count = read_objective(objective), read_count("--trials", trials, most=100_000)
        fewest, workers = read_count("--min-trades", min_trades, most=1_000_000), read_jobs(jobs)
        for option, length in (("--train", train), ("--test", test)):
            if length is not None:
                read_count(option, length, most=100_000_000)
        space = read_space(choose_strategy(strategy, params or ()), params or (), search or ())
        setting = Setting(
            strategy=strategy, tape=tape, candles=candles, news=news, start=start, end=end, params=params or (),
            plan=plan, entry=entry, spread=spread, slippage=slippage, symbol=symbol,
        )  # fmt: skip
        scene = read_scene(setting)
        question = Question(
            named=named(scene.strategy), build=Build(strategy), space=space, market=scene.market, rules=scene.rules,
            objective=goal, fewest=fewest, trials=count, unseen_share=0.0, seed=seed, prune=prune, workers=workers,
        )  # fmt: skip
        first = int((scene.market.candles.end_ms <= (scene.rules.from_ms or 0)).sum())
        windows = windows_of(scene.market.candles, first=first, train=train, test=test, anchored=anchored)
        with progress(f"walking {strategy} forward") as told:
            steps = list(walk(question, windows, told))
        summary = joined(steps, scene.market)
        if json_file is not None:
            write_json(json_file, as_document(question, steps, summary))
        if html is not None:
            write_page(html, page(question, steps, summary, scene.source))
    if json_file != STANDARD_OUTPUT:
        show(Console(), question, steps, summary)


def as_document(question: Question, steps: list[Step], summary: Summary) -> dict[str, Any]:
    """Return the JSON document of a walk."""
    return {
        **question.named,
        "objective": question.objective.value,
        "seed": question.seed,
        "efficiency": efficiency(steps),
        "steps": [_step(step) for step in steps],
        "out_of_sample": plain(asdict(summary)),
    }


def show(console: Console, question: Question, steps: list[Step], summary: Summary) -> None:
    """Print the steps side by side, and what they come to."""
    table = Table(title=f"{question.named['strategy']}: {len(steps)} steps", title_justify="left")
    name = name_of(question.objective).lower()
    for head in ("searched", "tried to", f"{name} in", "out", "P/L in", "out", "trades in", "out"):
        table.add_column(head, justify="right")
    for step in steps:
        best, window = step.best, step.window
        table.add_row(
            f"{day(window.from_ms)} to {day(window.at_ms)}",
            day(window.until_ms),
            _number(best.value if best else None),
            _number(step.unseen.value),
            f"{best.pnl:+.2f}" if best else "–",
            f"{step.unseen.pnl:+.2f}",
            str(best.trades) if best else "–",
            str(step.unseen.trades),
        )
    console.print(table)
    kept = efficiency(steps)
    told = "cannot be told: nothing was won in sample" if kept is None else f"{kept:.0%} of the P/L a day in sample"
    console.print(f"Out of sample: {summary.trades} trades, {summary.pnl:+} USD, {summary.r:+.2f} R.", highlight=False)
    console.print(f"Efficiency: {told}.", highlight=False)


def _step(step: Step) -> dict[str, Any]:
    best, window = step.best, step.window
    return {
        "step": window.number,
        "from": iso(window.from_ms),
        "at": iso(window.at_ms),
        "until": iso(window.until_ms),
        "parameters": None if best is None else dict(best.parameters),
        "in_sample": None if best is None else {"value": best.value, "trades": best.trades, "pnl": best.pnl},
        "out_of_sample": {"value": step.unseen.value, "trades": step.unseen.trades, "pnl": step.unseen.pnl},
    }


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
