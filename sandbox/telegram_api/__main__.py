"""`python -m sandbox.telegram_api`: run the server until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
import sys

from sandbox.telegram_api.server import ListenError, TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, LimitSettings, ServerSettings

DEFAULT_TOKEN = "123456789:sandbox-bot-of-this-machine"  # noqa: S105 - opens nothing but this sandbox
WRONG_USE = 2


def main() -> int:
    """Run the server; return the exit code: 0 after a signal, 2 when a flag cannot be used."""
    arguments = _parser().parse_args()
    settings = ServerSettings(
        bot_name=arguments.bot_name,
        bot_username=arguments.bot_username,
        seed=arguments.seed,
        limits=NO_LIMITS if arguments.no_limits else LimitSettings(),
    )
    try:
        server = TelegramApiServer(arguments.token, arguments.host, arguments.port, settings=settings)
    except ValueError as error:
        return _complain(f"--token: {error}")
    try:
        asyncio.run(_serve(server))
    except ListenError as error:
        return _complain(f"--host/--port: {error}")
    return 0


async def _serve(server: TelegramApiServer) -> None:
    """Serve until a signal comes."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await stopped.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.telegram_api", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one (default)")
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="the only bot token that is accepted")
    parser.add_argument("--no-limits", action="store_true", help="never hold or refuse a fast sender")
    parser.add_argument("--seed", type=int, help="let the dice of probable faults fall as they did with this seed")
    parser.add_argument("--bot-name", default="Sinyal", help="the bot's name (default: %(default)s)")
    parser.add_argument("--bot-username", default="sinyal_sandbox_bot", help="the bot's @name (default: %(default)s)")
    return parser


def _complain(sentence: str) -> int:
    sys.stderr.write(f"sandbox.telegram_api: {sentence}\n")
    return WRONG_USE


if __name__ == "__main__":
    sys.exit(main())
