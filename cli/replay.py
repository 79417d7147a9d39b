"""`sinyal replay`: is what the running rooms say of a tape what the backtest says of it?

Everything wrong with the input is one line on standard error that names the file, the line or the option and what
would be right, and exit status 2. A difference is exit status 1.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from chassis.errors import StartError
from cli import research_flags as flags
from cli.replay_run import Plan, Replayed, Telling, prepare, run
from cli.research_options import read_moment, read_news, refusing, writable
from cli.strategies import choose_strategy, read_parameters
from cli.wrong_input import InputError
from research.parity import Difference, as_document, compare
from sandbox.exchange.tape_generated import DEFAULT_SEED
from sandbox.stack.broker import NoBrokerError
from sandbox.stack.lockstep import StalledError
from sandbox.stack.people import SilentBotError
from sandbox.stack.postgres import NoPostgresError
from sandbox.stack.supervisor import NotReadyError

RESTARTED = ("signals", "positions")
STANDARD_OUTPUT = Path("-")
SHOWN = 40
"""Differences that the terminal shows; the JSON has them all."""

Json = dict[str, Any]


def replay(
    tape: Annotated[
        Path | None, typer.Option(help="A recorded tape; without it, a day of the generated market.")
    ] = None,
    strategy: Annotated[str, typer.Option(help="The strategy's name, or name:INTERVAL.")] = "trend_pullback",
    params: Annotated[
        list[str] | None, typer.Option(help="Parameters as name=value; several with commas, or the option again.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="First moment (UTC) that is told live; else after the warm-up.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="End (UTC), not included.")] = None,
    restart: Annotated[
        str, typer.Option(help="Rooms to kill -9 in the middle, with work in hand: signals,positions.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of the generated market.")] = DEFAULT_SEED,
    news: flags.News = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the verdict; - is the terminal.")] = None,
) -> None:
    """Push a tape through the running services and compare them with the backtest, signal by signal."""
    with refusing():
        plan = replace(
            _plan(tape, strategy, params or [], start, end, restart, seed), news=news, calendar=read_news(news)
        )
        writable("--json", json_file)
        telling, aims = prepare(plan)
        try:
            with _progress(telling) as (tell, told):
                found = run(plan, telling, aims, tell=tell, told=told)
        except (NoPostgresError, NoBrokerError, NotReadyError, SilentBotError, StalledError) as e:
            raise StartError(str(e)) from e
        differences = (*_unheard(found), *compare(found.live, found.tested))
        document = {**as_document(found.live, differences), **_numbers(plan, telling, found)}
        _write(json_file, document)
    if json_file != STANDARD_OUTPUT:
        _show(Console(), document, differences)
    if differences:
        sys.exit(1)


def _plan(
    tape: Path | None, strategy: str, params: list[str], start: str | None, end: str | None, restart: str, seed: int
) -> Plan:
    """Read the options. Raises InputError."""
    rooms = tuple(dict.fromkeys(name.strip() for name in restart.split(",") if name.strip()))
    strange = [name for name in rooms if name not in RESTARTED]
    if strange:
        raise InputError(f"--restart {strange[0]}: must be of {', '.join(RESTARTED)}")
    from_ms, until_ms = read_moment("--from", start), read_moment("--to", end)
    if from_ms is not None and tape is None:
        raise InputError("--from: the generated market has its own beginning; give a tape, or --to alone")
    return Plan(
        tape=tape,
        seed=seed,
        strategy=choose_strategy(strategy, params),
        parameters=read_parameters(params),
        start="first" if from_ms is None else datetime.fromtimestamp(from_ms / 1000, UTC).isoformat(),
        until_ms=until_ms,
        restarts=rooms,
    )


@contextmanager
def _progress(telling: Telling) -> Iterator[tuple[Any, Any]]:
    """Show what starts, then a bar over the market's time; hears processes and moments."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        first_ms = telling.live_ms
        task = bar.add_task("starting", total=telling.until_ms - first_ms)

        def tell(name: str, state: str) -> None:
            bar.update(task, description=f"{name} {state}")

        def told(moment_ms: int) -> None:
            moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
            bar.update(task, description=f"{moment:%Y-%m-%d %H:%M}", completed=moment_ms - first_ms)

        yield tell, told


def _unheard(found: Replayed) -> Iterator[Difference]:
    """Tell of quotes that were lost on the way: then nothing else means anything."""
    if found.told != found.heard:
        yield Difference("quotes", "", "count", found.heard, found.told)


def _numbers(plan: Plan, telling: Telling, found: Replayed) -> Json:
    """Tell what was replayed and what it took, beside the verdict."""
    return {
        "tape": str(plan.tape) if plan.tape else f"generated, seed {plan.seed}",
        "strategy": f"{plan.strategy.name} {plan.strategy.version}",
        "from": _moment(telling.live_ms),
        "to": _moment(telling.until_ms),
        "ticks": found.heard,
        "minutes": found.measured.minutes,
        "trades": len(found.live.trades),
        "pnl": str(sum((one.outcome.pnl for one in found.live.trades if one.outcome), start=0)),
        "refused": len(found.result.refused),
        "restarted": found.measured.killed,
        "started_in_s": round(found.started_in_s, 1),
        "took_s": round(found.measured.took_s, 1),
    }


def _moment(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat()


def _write(path: Path | None, document: Json) -> None:
    """Write the verdict where it was asked for. Raises InputError."""
    if path is None:
        return
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    try:
        if path == STANDARD_OUTPUT:
            sys.stdout.write(text)
        else:
            path.write_text(text)
    except OSError as e:
        raise InputError(f"--json {path}: cannot be written ({e.strerror})") from e


# --- for people -------------------------------------------------------------------------------------------------------


def _show(console: Console, document: Json, differences: tuple[Difference, ...]) -> None:
    verdict = "[green]identical[/]" if document["identical"] else f"[red]{_count(differences)}[/]"
    table = Table(title="Live against backtest", show_header=False, title_justify="left", min_width=56)
    table.add_row("verdict", verdict)
    for name in ("tape", "strategy", "from", "to"):
        table.add_row(name, str(document[name]))
    table.add_row("quotes", f"{document['ticks']:,} in {document['minutes']:,} minutes")
    table.add_row("signals", f"{document['signals']}, {document['refused']} of them refused by the gates")
    table.add_row("trades", f"{document['trades']}, {document['exits']} ended, {document['pnl']} USD")
    table.add_row("killed and back", ", ".join(document["restarted"]) or "nobody")
    table.add_row("took", f"{document['took_s']} s, after {document['started_in_s']} s to start")
    console.print(table)
    if differences:
        console.print(_differences(differences))


def _count(differences: tuple[Difference, ...]) -> str:
    return "1 difference" if len(differences) == 1 else f"{len(differences)} differences"


def _name(signal_id: str) -> str:
    """Name a signal by its candle: the last word of its id."""
    last = signal_id.rpartition(":")[2]
    return f"{datetime.fromtimestamp(int(last), UTC):%Y-%m-%d %H:%M}" if last.isdecimal() else signal_id


def _differences(differences: tuple[Difference, ...]) -> Table:
    table = Table(title="What differs", title_justify="left")
    for heading in ("candle", "what", "field", "live", "backtest"):
        table.add_column(heading, overflow="fold")
    for one in differences[:SHOWN]:
        table.add_row(_name(one.signal_id), one.what, one.field, str(one.live), str(one.tested))
    if len(differences) > SHOWN:
        table.caption = f"and {len(differences) - SHOWN} more: --json FILE writes them all"
    return table
