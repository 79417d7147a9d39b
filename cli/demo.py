"""`sinyal demo`: the whole product on this machine, without a key: real servers, a simulated venue, a phone page."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from chassis.errors import StartError
from chassis.nats_bus import connect
from sandbox.exchange.tape import TapeError, open_tape
from sandbox.stack.broker import NoBrokerError
from sandbox.stack.people import People, SilentBotError, is_new_message
from sandbox.stack.postgres import NoPostgresError
from sandbox.stack.stack import Market, Stack
from sandbox.stack.supervisor import NotReadyError
from sandbox.stack.tally import read_records, summarise

SYMBOL = "XAUUSD"
NAMES = ("Ani", "Budi", "Citra", "Dewi", "Eko", "Fajar", "Gita", "Hadi", "Indah", "Joko")
DRAIN_S = 30.0
"""How long the last messages may take after the market has stopped, and for each subscriber `DRAIN_EACH_S` more:"""
DRAIN_EACH_S = 0.15
"""A signal, its picture and its outcome at 28 a second, and some room."""
DOUBLE_PRESS_S = 1.0
"""Two signals within this time are one wish: a terminal and its parent may both pass it on."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What a demo was asked to do."""

    market: Market
    seconds: float | None
    subscribers: int
    language: str
    report: Path | None
    opens_page: bool


def demo(
    tape: Path | None = typer.Option(
        None, help="A recorded tape: CSV epoch_ms,bid,ask (.gz, .zip), or a folder of days."
    ),
    speed: float = typer.Option(60.0, min=0.1, max=600.0, help="Market seconds per second."),
    seconds: float | None = typer.Option(None, min=1.0, help="Stop after so many seconds; without it, at Ctrl-C."),
    subscribers: int = typer.Option(3, min=1, max=10_000, help="How many people listen."),
    lang: str = typer.Option("id", help="Their language: id or en."),
    report: Path | None = typer.Option(None, "--json", help="Write the summary as JSON to this file."),
    no_open: bool = typer.Option(False, "--no-open", help="Do not open the phone page."),
    seed: int | None = typer.Option(None, help="Seed of the generated market."),
) -> None:
    """Run everything here: servers, simulated venue, five services, and a phone to look at."""
    if lang not in ("id", "en"):
        raise StartError(f"--lang {lang}: choose id or en")
    if report is not None:
        _check_report(report)
    if tape is not None:
        try:
            open_tape(tape)
        except TapeError as e:
            raise StartError(f"--tape {tape}: {e}") from e
    options = Options(Market(tape, speed, seed), seconds, subscribers, lang, report, not no_open)
    try:
        summary = asyncio.run(_run(options))
    except (NoPostgresError, NoBrokerError, NotReadyError, SilentBotError) as e:
        raise StartError(str(e)) from e
    if report is not None:
        report.write_text(json.dumps(summary, indent=2) + "\n")
    if summary["lost"] or summary["duplicated"] or summary["orphans"]:
        sys.exit(1)


def _check_report(report: Path) -> None:
    """Refuse now what could not be written at the end."""
    folder = report.resolve().parent
    if not folder.is_dir():
        raise StartError(f"--json {report}: the folder {folder} does not exist")
    if report.is_dir():
        raise StartError(f"--json {report}: is a folder, give the name of a file")
    if not os.access(report if report.exists() else folder, os.W_OK):
        raise StartError(f"--json {report}: may not be written, choose another file")


async def _run(options: Options) -> Json:
    console = Console(stderr=True)
    stop = Wishes()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.hear)
    board = Board(console)
    stack = Stack(options.market, tell=board.tell)
    with Live(board, console=console, refresh_per_second=8, transient=True) as live:
        starting = asyncio.ensure_future(stack.__aenter__())
        if not await _unless(stop.end, starting):
            raise StartError("stopped while starting")
        try:
            summary = await _session(options, stack, stop, live, board)
        finally:
            live.update(Text("stopping"))
            await stack.stop()
    summary["orphans"] = len(stack.remains())
    summary["started_in_s"] = round(stack.started_in_s, 1)
    console.print(_table(summary))
    return summary


async def _session(options: Options, stack: Stack, stop: "Wishes", live: Live, board: "Board") -> Json:
    async with People(stack.layout.telegram_url) as people, connect(stack.layout.broker.url, name="demo") as bus:
        await _unless(stop.end, asyncio.ensure_future(_listen(people, options, stack, board)))
        if stack.supervisor.refused.is_set():
            raise StartError(stack.supervisor.refusal)
        live.update(Text("the market stops; the last messages go out (Ctrl-C again does not wait for them)"))
        limit_s = DRAIN_S + DRAIN_EACH_S * options.subscribers
        if not await _unless(stop.hurry, asyncio.ensure_future(_drain(stack, limit_s))):
            live.console.print("not waited for: what is still on its way counts as lost")
        records = await read_records(bus, stack.layout.database_url, await people.journal(), SYMBOL)
        return summarise(records)


async def _listen(people: People, options: Options, stack: Stack, board: "Board") -> None:
    """Let people join and the market run until it is time, or a room cannot go on."""
    chats = await _subscribe(people, options, board)
    board.show_page(f"{stack.layout.telegram_url}/?chat={chats[0]}")
    if options.opens_page and _has_screen():
        webbrowser.open(board.page)
    watching = asyncio.ensure_future(_watch(people, options.seconds, board))
    await _unless(stack.supervisor.refused, watching)


async def _subscribe(people: People, options: Options, board: "Board") -> list[int]:
    """Let everybody join and switch automatic signals on."""
    board.tell("people", f"{options.subscribers} join")
    chats = [
        await people.join(NAMES[n] if n < len(NAMES) else f"{NAMES[n % len(NAMES)]} {n}", options.language)
        for n in range(options.subscribers)
    ]
    for chat in chats:
        await people.say(chat, "/start")
        await people.say(chat, "/monitor")
    await people.answered(chats, 2, within_s=30 + options.subscribers)
    board.tell("people", "ready")
    return chats


async def _watch(people: People, seconds: float | None, board: "Board") -> None:
    """Show what goes out until it is time."""
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    seen = 0
    while end is None or loop.time() < end:
        for entry in await people.journal(seen):
            seen = entry["number"]
            board.sent += is_new_message(entry)
        board.left_s = None if end is None else max(0.0, end - loop.time())
        await asyncio.sleep(1.0 if board.left_s is None else min(1.0, board.left_s))


async def _drain(stack: Stack, limit_s: float) -> None:
    """Wait until nothing is due any more, but not for ever."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await stack.drain(SYMBOL)


async def _unless(event: asyncio.Event, work: "asyncio.Future[Any]") -> bool:
    """Wait for `work`, and raise what it raises; when `event` is first, or `work` failed by it, end it: False."""
    waiter = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({work, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done() or (event.is_set() and work.exception() is not None):
            return False
        await work
        return True
    finally:
        waiter.cancel()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def _has_screen() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class Wishes:
    """What Ctrl-C and SIGTERM ask for: the end, and the second time not to wait for the last messages."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.hurry = asyncio.Event()
        self._heard_at = 0.0

    def hear(self) -> None:
        """Take one."""
        now = time.monotonic()
        if not self.end.is_set():
            self._heard_at = now
            self.end.set()
        elif now - self._heard_at > DOUBLE_PRESS_S:
            self.hurry.set()


class Board:
    """What the terminal shows while the demo runs. Where nothing can be redrawn, changes are told line by line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.states: dict[str, str] = {}
        self.page = ""
        self.sent = 0
        self.left_s: float | None = None

    def tell(self, name: str, state: str) -> None:
        """Learn the state of a process."""
        self.states[name] = state
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            self._console.print(f"{name:<14}{state}")

    def show_page(self, url: str) -> None:
        """Tell where the phone page is."""
        self.page = url
        self._console.print(f"phone page: [bold]{url}[/]", soft_wrap=True)

    def __rich__(self) -> Table:
        """Draw it."""
        table = Table.grid(padding=(0, 2))
        marks = {"ready": "[green]●[/]", "restarting": "[red]●[/]", "stopped": "[dim]●[/]"}
        for name, state in self.states.items():
            table.add_row(marks.get(state, "[yellow]●[/]"), name, state)
        if self.page:
            left = "Ctrl-C stops" if self.left_s is None else f"{self.left_s:.0f} s left"
            table.add_row("", "messages", f"{self.sent}   {left}")
        return table


def _table(summary: Json) -> Table:
    """Lay the summary out for people."""
    table = Table(title="Sinyal demo", show_header=False, title_justify="left", min_width=56)
    positions, messages, latency = summary["positions"], summary["messages"], summary["latency_ms"]
    table.add_row("ticks", f"{summary['ticks']:,}")
    table.add_row("candles", "  ".join(f"{name} {count}" for name, count in summary["candles"].items()))
    table.add_row("signals", str(summary["signals"]))
    table.add_row("positions", "  ".join(f"{name} {count}" for name, count in positions.items()))
    table.add_row("messages", "  ".join(f"{name} {count}" for name, count in messages.items()))
    for name, values in latency.items():
        shown = "–" if values["p50"] is None else f"p50 {values['p50']:,.0f} ms   p99 {values['p99']:,.0f} ms"
        table.add_row(name.replace("_", " "), shown)
    for name in ("lost", "duplicated", "orphans"):
        colour = "red" if summary[name] else "green"
        table.add_row(name, f"[{colour}]{summary[name]}[/]")
    table.add_row("started in", f"{summary['started_in_s']} s")
    return table
