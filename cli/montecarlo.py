"""`sinyal montecarlo`: how much of a backtest was luck: its trades shuffled, drawn again, and run on noisy prices."""

from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli import research_flags as flags
from cli.outputs import STANDARD_OUTPUT, write_json, write_page
from cli.research_jobs import (
    Build,
    Scene,
    Setting,
    check_outputs,
    named,
    read_count,
    read_jobs,
    read_scene,
    read_share,
)
from cli.research_options import progress, refusing
from cli.strategies import read_parameters
from cli.wrong_input import InputError
from research.backtest import run_backtest
from research.montecarlo import PERCENTILES, Chance, Cloud, Observed, by_noise, noisy_run, observed, reordered
from research.montecarlo_page import WORDS, page
from research.search.workers import employed

FEWEST_TRADES = 5


def montecarlo(
    strategy: flags.StrategyName,
    tape: flags.Tape = None,
    candles: flags.CandleFile = None,
    news: flags.News = None,
    start: flags.Start = None,
    end: flags.End = None,
    params: flags.Held = None,
    runs: Annotated[int, typer.Option(help="How often the trades are shuffled, and drawn.")] = 2_000,
    noise_runs: Annotated[int, typer.Option(help="How often the strategy is run on noisy prices.")] = 30,
    noise: Annotated[float, typer.Option(help="Spread of the noise, as a share of a candle's mean range.")] = 0.1,
    jobs: flags.Jobs = None,
    seed: flags.Seed = 1,
    plan: flags.PlanText = "standard",
    entry: flags.EntryText = "close",
    spread: flags.Spread = None,
    slippage: flags.Slippage = 0.0,
    symbol: flags.Symbol = "XAUUSD",
    json_file: flags.JsonFile = None,
    html: flags.HtmlFile = None,
) -> None:
    """Ask of a backtest what chance could have made of it."""
    with refusing():
        check_outputs(json=json_file, html=html)
        read_count("--runs", runs, most=1_000_000, least=100)
        read_count("--noise-runs", noise_runs, most=10_000, least=0)
        share, workers = read_share("--noise", noise, most=2.0), read_jobs(jobs)
        setting = Setting(
            strategy=strategy, tape=tape, candles=candles, news=news, start=start, end=end, params=params or (),
            plan=plan, entry=entry, spread=spread, slippage=slippage, symbol=symbol,
        )  # fmt: skip
        scene = read_scene(setting)
        with progress("testing") as told:
            result = run_backtest(scene.strategy, scene.market, scene.rules, progress=told)
        pnls = [float(trade.pnl) for trade in result.trades]
        if len(pnls) < FEWEST_TRADES:
            raise InputError(
                f"--strategy {strategy}: made {len(pnls)} trades here; {FEWEST_TRADES} are needed to ask chance"
            )
        clouds = [reordered(pnls, chance, runs=runs, seed=seed) for chance in (Chance.SHUFFLED, Chance.DRAWN)]
        if noise_runs:
            build = partial(Build(strategy), read_parameters(params or ()))
            work = partial(noisy_run, build, scene.market, scene.rules, share, seed)
            clouds.append(_by_noise(work, noise_runs, workers))
        seen = observed(pnls)
        if json_file is not None:
            write_json(json_file, as_document(scene, seen, clouds, seed))
        if html is not None:
            title = named(scene.strategy) | {"symbol": symbol, "noise": f"{share:.0%}", "seed": str(seed)}
            write_page(html, page(title, seen, clouds, scene.source))
    if json_file != STANDARD_OUTPUT:
        show(Console(), scene, seen, clouds)


def as_document(scene: Scene, seen: Observed, clouds: list[Cloud], seed: int) -> dict[str, Any]:
    """Return the JSON document of what chance could have made."""
    return {
        **named(scene.strategy),
        "seed": seed,
        "trades": len(seen.equity) - 1,
        "observed": {"pnl": seen.final, "max_drawdown": seen.drawdown},
        "percentiles": list(PERCENTILES),
        "chances": {
            cloud.chance.value: {
                "runs": len(cloud.final),
                "pnl": cloud.percentiles(cloud.final),
                "max_drawdown": cloud.percentiles(cloud.drawdown),
                "chance_of_loss": cloud.chance_of_loss,
                "bands": None if cloud.bands is None else {
                    "trades": list(cloud.bands.trades), "equity": cloud.bands.equity.round(2).tolist(),
                },
            }
            for cloud in clouds
        },
    }  # fmt: skip


def show(console: Console, scene: Scene, seen: Observed, clouds: list[Cloud]) -> None:
    """Print percentiles beside what was observed."""
    title = f"{scene.strategy.name}: {len(seen.equity) - 1} trades, P/L {seen.final:+.2f}, drawdown {seen.drawdown:.2f}"
    table = Table(title=title, title_justify="left")
    for head in ("", "", *(f"{one}%" for one in PERCENTILES), "loses"):
        table.add_column(head, justify="right")
    for cloud in clouds:
        loses = "" if cloud.chance is Chance.SHUFFLED else f"{cloud.chance_of_loss:.0%}"
        table.add_row(
            WORDS[cloud.chance][0], "P/L", *(f"{value:+.2f}" for value in cloud.percentiles(cloud.final)),
            loses,
        )  # fmt: skip
        table.add_row("", "drawdown", *(f"{value:.2f}" for value in cloud.percentiles(cloud.drawdown)), "")
    console.print(table)


def _by_noise(work: Any, count: int, workers: int) -> Cloud:
    found = []
    with progress("running on noise") as told, employed(work, min(workers, count)) as crew:
        for outcome in crew.run(range(count)):
            found.append(outcome)
            told(len(found), count)
    return by_noise(found)
