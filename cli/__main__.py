"""`sinyal`: every verb a thin call. Wrong input is one line on standard error and exit status 2."""

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from chassis.errors import StartError
from cli.outputs import INTERRUPTED

UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]  # what every wrong use is; typer names it not

VERBS = {
    "demo": "cli.demo",
    "up": "cli.up",
    "evaluate": "cli.evaluate",
    "new-strategy": "cli.new_strategy",
    "backtest": "cli.backtest",
    "optimize": "cli.optimize",
    "walkforward": "cli.walkforward",
    "lookahead": "cli.lookahead",
    "montecarlo": "cli.montecarlo",
    "replay": "cli.replay",
    "candles": "cli.candles",
    "feed": "cli.feed",
    "data": "cli.data",
    "streams": "cli.streams",
    "nats-users": "cli.nats_users",
    "dlq": "cli.dlq",
    "db": "cli.database",
}
"""Where each verb lives. Its module is imported when it is called: research alone would take a second of every call."""


class Verbs(TyperGroup):
    """The verbs, each found when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Name them in the order of the table; `version` comes last."""
        return [*VERBS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the module of a verb and give its command; None for no verb of ours."""
        if cmd_name not in VERBS:
            return super().get_command(ctx, cmd_name)
        module = import_module(VERBS[cmd_name])
        verb = getattr(module, VERBS[cmd_name].removeprefix("cli."))
        if isinstance(verb, typer.Typer):
            verb.info.name = cmd_name
            return get_command(verb)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name)(verb)
        return get_command(alone)


app = typer.Typer(
    name="sinyal",
    cls=Verbs,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def sinyal() -> None:
    """Self-hosted trading signals: live markets in, every subscriber told on Telegram."""


@app.command("version")
def show_version(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Print the version."""
    try:
        found = version("sinyal")
    except PackageNotFoundError:
        found = "unknown"
    print(f'{{"version": "{found}"}}' if as_json else f"sinyal {found}")


def main() -> None:
    """Run the command line."""
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False) or 0)
    except UsageError as e:
        command = e.ctx.command_path if e.ctx else "sinyal"
        sys.stderr.write(f"{command}: {e.format_message()} (see {command} --help)\n")
    except StartError as e:
        sys.stderr.write(f"sinyal: {e}\n")
    except typer.Abort:  # Ctrl-C where no verb has more to say of it
        sys.stderr.write("sinyal: interrupted\n")
        sys.exit(INTERRUPTED)
    sys.exit(2)


if __name__ == "__main__":
    main()
