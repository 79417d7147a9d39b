"""Run the exchange simulator: `python -m sandbox.exchange [--tape PATH] [--speed X] [--seed N] [--port P]`.

Prints one line with its addresses and serves until SIGTERM or SIGINT. A wrong flag, a broken tape or a taken port is
one line on stderr and exit status 2.
"""

import argparse
import asyncio
import errno
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

from sandbox.exchange.binance_talk import DAY_S, Life
from sandbox.exchange.control import control
from sandbox.exchange.server import ExchangeServer
from sandbox.exchange.tape import TapeError, open_tape
from sandbox.exchange.tape_generated import DEFAULT_SEED


class SettingError(ValueError):
    """A setting that stops the simulator at its start; the message names the flag."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give 0 (a free one) to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, 0 or more")
    return int(text)


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number greater than zero, 60 is an hour per minute")
    return value


def _parser() -> _Parser:
    parser = _Parser(prog="sandbox.exchange", description="A market venue on this machine.", allow_abbrev=False)
    parser.add_argument("--tape", type=Path, help="CSV of epoch_ms,bid,ask (.gz, .zip) or folder of YYYYMMDD_quote.zip")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="seed of the generated market (without --tape)")
    parser.add_argument("--speed", type=_above_zero, default=1.0, help="market seconds per second")
    parser.add_argument(
        "--stepped", action="store_true", help="stand still until POST /sandbox/step on the control door moves it"
    )
    parser.add_argument(
        "--warmup-candles", type=_count, default=1000, help="minutes of a recorded tape kept as history"
    )
    parser.add_argument(
        "--start", default="first", help="where a recorded tape goes live: first, busiest or an ISO time"
    )
    parser.add_argument(
        "--connection-life", type=_above_zero, default=DAY_S, help="seconds a Binance connection may last"
    )
    parser.add_argument(
        "--connection-clock", choices=("wall", "market"), default="wall", help="whose seconds those are"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=0, help="port of the venue; 0 for a free one")
    parser.add_argument("--faults-port", type=_port, default=0, help="port of the control door; 0 for a free one")
    return parser


@contextmanager
def _naming(flag: str, host: str, port: int) -> Iterator[None]:
    """Turn a refused address into one line that names the flag."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingError(
                f"{flag} {port} is taken on {host}; give a free port, or 0 to have one chosen"
            ) from error
        if error.errno == errno.EACCES:
            raise SettingError(f"{flag} {port} is not allowed for this user; give one above 1023, or 0") from error
        raise SettingError(
            f"--host {host} cannot be listened on ({error.strerror or error}); give 127.0.0.1"
        ) from error


async def _serve(options: argparse.Namespace) -> None:
    tape = open_tape(options.tape, seed=options.seed)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        server = ExchangeServer(
            tape,
            speed=options.speed,
            host=options.host,
            port=options.port,
            warmup_candles=options.warmup_candles,
            start=options.start,
            is_stepped=options.stepped,
            life=Life(options.connection_life, options.connection_clock, min(600.0, options.connection_life / 2)),
        )
        with _naming("--port", options.host, options.port):
            await stack.enter_async_context(server)
        with _naming("--faults-port", options.host, options.faults_port):
            door = await stack.enter_async_context(control(server, options.host, options.faults_port))
        source = options.tape or f"generated, seed {options.seed}"
        sys.stdout.write(f"exchange {server.url} control {door} speed {options.speed:g} tape {source}\n")
        sys.stdout.flush()
        await stopped.wait()


def _explain(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"--tape {error}" if isinstance(error, TapeError) else str(error)


def main() -> int:
    """Serve until told to stop; returns the exit status."""
    options = _parser().parse_args()
    try:
        asyncio.run(_serve(options))
    except* (SettingError, TapeError) as group:
        sys.stderr.write(f"sandbox.exchange: {_explain(group)}\n")
        return_code = 2
    else:
        return_code = 0
    return return_code


if __name__ == "__main__":
    sys.exit(main())
