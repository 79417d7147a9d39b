"""`sinyal`: every verb a thin call. Wrong input is one line on standard error and exit status 2."""

import sys
from importlib.metadata import PackageNotFoundError, version

import typer

from chassis.errors import StartError
from cli.backtest import backtest
from cli.candles import candles
from cli.data import data
from cli.database import database
from cli.demo import demo
from cli.evaluate import evaluate
from cli.feed import feed
from cli.lookahead import lookahead
from cli.montecarlo import montecarlo
from cli.new_strategy import new_strategy
from cli.optimize import optimize
from cli.replay import replay
from cli.streams import streams
from cli.up import up
from cli.walkforward import walkforward

UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]  # what every wrong use is; typer names it not

app = typer.Typer(
    name="sinyal",
    help="Self-hosted trading signals: live markets in, every subscriber told on Telegram.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(up)
app.command()(evaluate)
app.command()(new_strategy)
app.command()(candles)
app.command()(replay)
app.command()(backtest)
app.command()(optimize)
app.command()(walkforward)
app.command()(lookahead)
app.command()(montecarlo)
app.add_typer(feed, name="feed")
app.add_typer(data, name="data")
app.add_typer(streams, name="streams")
app.add_typer(database, name="db")


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
    sys.exit(2)


if __name__ == "__main__":
    main()
