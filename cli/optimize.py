"""`sinyal optimize`: search a strategy's parameters over a recorded market, and prove the best on a span put aside.

Ctrl-C is safe: with `--study` the same call goes on, and finds what it would have found.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli import research_flags as flags
from cli.outputs import INTERRUPTED, STANDARD_OUTPUT, write_json, write_page
from cli.research_jobs import (
    Build,
    Setting,
    check_outputs,
    named,
    read_count,
    read_jobs,
    read_objective,
    read_scene,
    read_share,
    read_space,
)
from cli.research_options import progress, refusing
from cli.strategies import choose_strategy
from cli.wrong_input import InputError
from research.search.asking import Answer, Question, answer
from research.search.importance import importances
from research.search.page import name_of, page
from research.search.record import RecordError
from research.search.spaces import size_of
from research.search.splits import Unseen
from research.search.trials import Ending, Outcome

SHOWN = 10


def optimize(
    strategy: flags.StrategyName,
    tape: flags.Tape = None,
    candles: flags.CandleFile = None,
    news: flags.News = None,
    start: flags.Start = None,
    end: flags.End = None,
    params: flags.Held = None,
    search: flags.Searched = None,
    trials: flags.Trials = 100,
    objective: flags.Goal = "profit_factor",
    min_trades: flags.MinTrades = 30,
    out_of_sample: Annotated[float, typer.Option(help="Share of the candles, the last ones, that is put aside.")] = 0.3,
    study: Annotated[Path | None, typer.Option(help="File that keeps every trial; the same call goes on.")] = None,
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
    """Search the parameters of a strategy: in sample to find, out of sample to prove."""
    with _interruptible(study), refusing():
        check_outputs(json=json_file, html=html, study=study)
        goal, count = read_objective(objective), read_count("--trials", trials, most=100_000)
        fewest = read_count("--min-trades", min_trades, most=1_000_000)
        share, workers = read_share("--out-of-sample", out_of_sample, most=0.9), read_jobs(jobs)
        space = read_space(choose_strategy(strategy, params or ()), params or (), search or ())
        setting = Setting(
            strategy=strategy, tape=tape, candles=candles, news=news, start=start, end=end, params=params or (),
            plan=plan, entry=entry, spread=spread, slippage=slippage, symbol=symbol,
        )  # fmt: skip
        scene = read_scene(setting)
        question = Question(
            named=named(scene.strategy), build=Build(strategy), space=space, market=scene.market, rules=scene.rules,
            objective=goal, fewest=fewest, trials=count, unseen_share=share, seed=seed, prune=prune, workers=workers,
        )  # fmt: skip
        found = _searched(question, study)
        if json_file is not None:
            write_json(json_file, as_document(question, found))
        if html is not None:
            write_page(html, page(question, found, scene.source))
    if json_file != STANDARD_OUTPUT:
        show(Console(), question, found)


def as_document(question: Question, found: Answer) -> dict[str, Any]:
    """Return the JSON document of a search."""
    best = found.found.best
    unseen = {one.index: un for one, un in zip(found.found.ranking, found.unseen, strict=False)}
    return {
        **question.named,
        "objective": question.objective.value,
        "seed": question.seed,
        "split": {"from_ms": found.split.from_ms, "at_ms": found.split.at_ms, "until_ms": found.split.until_ms},
        "grid": size_of(question.space),
        "resumed": found.found.resumed,
        "best": None if best is None else {
            "trial": best.index, "value": best.value, "parameters": dict(best.parameters), "trades": best.trades,
            "pnl": best.pnl, "out_of_sample": _proof(unseen.get(best.index)),
        },
        "importance": importances(question.space, found.found),
        "warnings": list(found.warnings),
        "trials": [_trial(one) | {"out_of_sample": _proof(unseen.get(one.index))} for one in found.found.outcomes],
    }  # fmt: skip


def show(console: Console, question: Question, found: Answer) -> None:
    """Print the best trials, what they hung on, and what should be feared."""
    best = found.found.best
    if best is None:
        console.print(
            f"No trial made {question.fewest} trades; try more data, a wider --search or a lower --min-trades."
        )
        return
    console.print(_table(question, found))
    shares = importances(question.space, found.found)
    if shares:
        told = ", ".join(f"{name} {share:.0%}" for name, share in list(shares.items())[:6])
        console.print(f"It hung on: {told}", highlight=False)
    for warning in found.warnings:
        console.print(f"[yellow]{warning}[/]", highlight=False)
    values = ",".join(f"{name}={value:g}" for name, value in best.parameters.items())
    console.print(f"Best: --params {values}", highlight=False, soft_wrap=True)


@contextmanager
def _interruptible(study: Path | None) -> Iterator[None]:
    """Let Ctrl-C end the verb with a word about what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        kept = f"the same call goes on from {study}" if study is not None else "nothing is kept without --study"
        typer.echo(f"interrupted; {kept}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _searched(question: Question, study: Path | None) -> Answer:
    try:
        with progress(f"searching {question.named['strategy']}") as told:
            return answer(question, study, lambda done, _best: told(done, question.trials))
    except RecordError as e:
        raise InputError(str(e)) from e


def _table(question: Question, found: Answer) -> Table:
    table = Table(title=_title(question, found), title_justify="left")
    name = name_of(question.objective)
    for head in ("trial", name, "trades", "P/L", "out of sample", "trades", "P/L", *question.space.distributions):
        table.add_column(head, justify="right")
    for place, one in enumerate(found.found.ranking[:SHOWN]):
        unseen = found.unseen[place] if place < len(found.unseen) else None
        proof = ("", "", "") if unseen is None else (_number(unseen.value), str(unseen.trades), f"{unseen.pnl:+.2f}")
        values = (f"{one.parameters[name]:g}" for name in question.space.distributions)
        table.add_row(str(one.index), _number(one.value), str(one.trades), f"{one.pnl:+.2f}", *proof, *values)
    return table


def _title(question: Question, found: Answer) -> str:
    outcomes = found.found.outcomes
    counts = {ending: sum(one.ending is ending for one in outcomes) for ending in Ending}
    resumed = f" ({found.found.resumed} from before)" if found.found.resumed else ""
    return (
        f"{question.named['strategy']}: {len(outcomes)} trials{resumed} of a grid of {size_of(question.space):,},"
        f" {counts[Ending.COMPLETE]} complete, {counts[Ending.PRUNED]} given up early,"
        f" {counts[Ending.TOO_FEW]} with too few trades, {counts[Ending.REFUSED]} refused"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _trial(one: Outcome) -> dict[str, Any]:
    return {
        "trial": one.index,
        "parameters": dict(one.parameters),
        "ending": one.ending.value,
        "value": one.value,
        "trades": one.trades,
        "pnl": one.pnl,
    }


def _proof(unseen: Unseen | None) -> dict[str, Any] | None:
    return None if unseen is None else {"value": unseen.value, "trades": unseen.trades, "pnl": unseen.pnl}
