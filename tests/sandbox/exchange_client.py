"""What the exchange tests are built from: a small tape, a clock moved by hand, a client that keeps what streams in."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from sandbox.exchange.quotes import Quote
from sandbox.exchange.server import ExchangeServer
from sandbox.exchange.tape import open_tape

NEW = "/trading/v1/options/ws/public"
LEGACY = "/websockets/v3?app_id=1089"
START_MS = 1_780_992_000_000  # Tuesday 2026-06-09 08:00 UTC, gold is open
DEADLINE_S = 60.0


class HandClock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


def some_quotes(minutes: int, start_ms: int = START_MS) -> list[Quote]:
    """Make two or three quotes a second, with every tenth second silent and every seventh minute without a quote."""
    dice = Random(1)
    quotes = []
    bid_mills = 4_000_000
    for second in range(minutes * 60):
        if second % 10 == 9 or second // 60 % 7 == 6:
            continue
        for part in range(dice.randint(2, 3)):
            bid_mills += dice.randint(-300, 300)
            moment = start_ms + second * 1000 + part * 300 + dice.randint(0, 200)
            quotes.append(Quote(moment, bid_mills / 1000, (bid_mills + 250) / 1000))
    return quotes


def write_tape(path: Path, quotes: Iterable[Quote]) -> Path:
    path.write_text("".join(f"{moment},{bid:.3f},{ask:.3f}\n" for moment, bid, ask in quotes))
    return path


class Client:
    """A client that matches answers by req_id and keeps everything else in `streamed`, as decoded JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.streamed: list[Any] = []
        self.heard: list[tuple[dict[str, Any] | None, Any]] = []
        self._numbers = count(1)
        self._answered: set[int] = set()

    async def ask(self, **request: Any) -> Any:
        number = next(self._numbers)
        request = {**request, "req_id": number}
        await self.socket.send(json.dumps(request))
        while True:
            message = await self._receive()
            if isinstance(message, dict) and message.get("req_id") == number and number not in self._answered:
                self._answered.add(number)
                self.heard.append((request, message))
                return message
            self._keep(message)

    async def send_raw(self, text: str) -> Any:
        await self.socket.send(text)
        return await self._receive()

    async def stream(self, amount: int) -> list[Any]:
        """Wait until so many streamed messages were kept; gives and forgets them."""
        while len(self.streamed) < amount:
            self._keep(await self._receive())
        given, self.streamed = self.streamed[:amount], self.streamed[amount:]
        return given

    async def all_streamed(self) -> list[Any]:
        """Ask the time and give all that streamed in before the answer."""
        await self.ask(time=1)
        given, self.streamed = self.streamed, []
        return given

    def _keep(self, message: Any) -> None:
        self.streamed.append(message)
        self.heard.append((None, message))

    async def _receive(self) -> Any:
        async with asyncio.timeout(DEADLINE_S):
            text = await self.socket.recv()
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text


@asynccontextmanager
async def client_of(server: ExchangeServer, path: str = NEW) -> AsyncIterator[Client]:
    async with connect(server.url + path, compression=None, max_size=None, proxy=None) as socket:
        yield Client(socket)


@asynccontextmanager
async def small_venue(
    folder: Path, minutes: int = 44, speed: float = 1.0
) -> AsyncIterator[tuple[ExchangeServer, HandClock]]:
    """Run a venue on a small recorded tape whose live moment is its middle; market time moves by hand only."""
    clock = HandClock()
    tape = open_tape(write_tape(folder / "tape.csv", some_quotes(minutes)))
    async with ExchangeServer(tape, speed=speed, wall=clock) as server:
        yield server, clock


async def let_market_reach(server: ExchangeServer, clock: HandClock, seconds: float) -> None:
    """Move market time and wait until the pacing task has told everything up to it."""
    clock.pass_by(seconds / server.market.speed)
    target = server.market.now_ms()
    await until(lambda: server.market.told_ms >= target)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most `DEADLINE_S`."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)
