"""`sinyal up`: the five services on this machine, against real servers named by the environment and `.env`."""

import asyncio
import signal
import sys
from pathlib import Path

import typer
from rich.console import Console

from chassis.errors import StartError
from sandbox.stack.layout import ROOMS
from sandbox.stack.process import Command
from sandbox.stack.supervisor import NotReadyError, Supervisor

NO_ENV = "(there is no .env in this folder; .env.example lists every setting)"


def up(
    only: list[str] = typer.Option(list(ROOMS), "--only", help="Run only these rooms; may be given several times."),
    logs: Path = typer.Option(Path(".sinyal/logs"), help="The folder of the services' logs."),
) -> None:
    """Run the five services and restart what dies, until Ctrl-C.

    Each reads its settings from the environment and from `.env` (see `.env.example`). The broker and the database must
    be there: `sinyal streams apply` and `sinyal db migrate` prepare them.
    """
    strange = [name for name in only if name not in ROOMS]
    if strange:
        raise StartError(f"--only {strange[0]}: no such room, choose from {', '.join(ROOMS)}")
    logs.mkdir(parents=True, exist_ok=True)
    try:
        refusal = asyncio.run(_run(only, logs))
    except NotReadyError as e:
        raise StartError(str(e)) from e
    if refusal:
        raise StartError(refusal if Path(".env").exists() else f"{refusal} {NO_ENV}")


async def _run(names: list[str], logs: Path) -> str:
    """Run until asked to stop, or until a room cannot start; then return what it said."""
    console = Console(stderr=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def tell(name: str, state: str) -> None:
        console.print(f"[bold]{name:<10}[/] {state}")

    commands = [
        Command(name, (sys.executable, "-m", f"services.{name}"), {"SINYAL_INSTANCE": "1"}, stop_s=15.0)
        for name in names
    ]
    async with Supervisor(logs, tell) as supervisor:
        await supervisor.up(commands)
        console.print(f"running; logs in {logs}; Ctrl-C stops")
        await asyncio.wait(
            [asyncio.ensure_future(event.wait()) for event in (stop, supervisor.refused)],
            return_when=asyncio.FIRST_COMPLETED,
        )
        return supervisor.refusal
