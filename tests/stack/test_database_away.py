"""S6 on the whole stack: the database freezes and is restarted; prices and signals go on, and the account is exact."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from chassis.bus import Bus
from chassis.errors import TransientError
from chassis.nats_bus import connect
from contracts import asks, catalogue
from contracts.ids import send_id
from contracts.messages import Interval
from sandbox.stack.layout import answers
from sandbox.stack.people import People, text_of
from sandbox.stack.stack import ROOMS, Market, Stack
from sandbox.stack.tally import Records, read_records, summarise
from sandbox.stack.witness import Witness, witness
from tests.positions.test_breaker import LAG_S, beside
from tests.postgres_server import frozen

pytestmark = [pytest.mark.real, pytest.mark.stack, pytest.mark.alone, pytest.mark.timeout(300)]

SYMBOL = "XAUUSD"
HEARD = "has arrived; the answer comes"
MINUTES = 20
"""How long the database is frozen: at sixty times the speed about as many seconds."""
PATIENCE_S = 60.0
_BEATS = re.compile(r'^sinyal_loop_lag_seconds_(?:bucket\{le="(0\.1|1\.0)"\}|(count)) (\S+)$', re.MULTILINE)


class Guard:
    """Looks at the rooms of a stack from outside."""

    def __init__(self, stack: Stack, client: aiohttp.ClientSession) -> None:
        self._stack = stack
        self._client = client

    async def _get(self, room: str, path: str) -> tuple[int, str]:
        async with self._client.get(f"http://127.0.0.1:{self._stack.layout.room_ports[room]}{path}") as answer:
            return answer.status, await answer.text()

    async def alive(self) -> list[str]:
        """List the rooms whose loop turns."""
        return [room for room in ROOMS if (await self._get(room, "/livez"))[0] == 200]

    async def until_without_database(self, room: str) -> str:
        """Wait until a room is not ready and says that it is for its database; returns the reason."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                status, text = await self._get(room, "/readyz")
                if status == 503 and "does not answer" in text:
                    return text
                await asyncio.sleep(0.1)  # what another process does rings no event here

    async def until_ready(self) -> None:
        """Wait until all rooms are ready."""
        async with asyncio.timeout(PATIENCE_S):
            for room in ROOMS:
                while not await answers("127.0.0.1", self._stack.layout.room_ports[room], "/readyz"):
                    await asyncio.sleep(0.1)

    async def beats(self) -> dict[str, dict[str, float]]:
        """Read how often each room's loop was looked at, and how often it was at most so late."""
        found = {}
        for room in ROOMS:
            _, text = await self._get(room, "/metrics")
            found[room] = {limit or "all": float(count) for limit, _, count in _BEATS.findall(text)}
        return found


async def refusal_s(bus: Bus, chat: int) -> float:
    """Ask positions for a status and tell after how many seconds it said that it cannot answer."""
    asked = time.monotonic()
    with pytest.raises(TransientError):
        await bus.ask(catalogue.STATUS, asks.GetStatus(subscriber_id=chat, symbol=SYMBOL))
    return time.monotonic() - asked


async def until_said(people: People, chat: int, words: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not any(words in text_of(one) for one in await people.journal() if one["chat_id"] == chat):
            await asyncio.sleep(0.1)


async def until_traded(seen: Witness, count: int) -> None:
    """Wait until so many more trades have ended than now."""
    wanted = len(seen.closed) + count
    assert await seen.until(lambda: len(seen.closed) >= wanted, within_s=PATIENCE_S), "the market goes nowhere"


async def until_later(seen: Witness, minutes: int) -> None:
    """Wait until candles have gone on for so long."""
    wanted = seen.last_candle_s[Interval.M1] + minutes * 60
    assert await seen.until(lambda: seen.last_candle_s[Interval.M1] >= wanted, within_s=PATIENCE_S), "no candles"


def minutes_without_candle(records: Records) -> list[int]:
    """List the minutes in which quotes were published and behind which no candle was."""
    candles = {candle.open_time_s for candle in records.candles[Interval.M1]}
    quoted = sorted({tick.epoch_ms // 60_000 * 60 for tick in records.ticks if not tick.backfilled})
    return [minute for minute in quoted[1:-1] if minute not in candles]


def told_in_order(records: Records) -> bool:
    """Whether each chat read each trade's signal before its outcome, and that before the next signal."""
    read: dict[Any, list[tuple[int, int]]] = {}
    rows = {str(row["send_id"]): row for row in records.deliveries}
    for position in records.positions:
        row, end = (rows.get(send_id(position["position_id"], name)) for name in ("signal", "outcome"))
        if position["state"] == "closed" and row and end:
            read.setdefault(position["subscriber_id"], []).append((row["message_id"], end["message_id"]))
    chains = [[number for pair in sorted(pairs) for number in pair] for pairs in read.values()]
    return all(earlier < later for chain in chains for earlier, later in pairwise(chain))


def answered(records: Records, chat: int) -> int:
    """Count the commands of a chat that were answered."""
    return sum(
        (row["chat_id"], row["kind"], row["state"]) == (chat, "reply", "delivered") for row in records.deliveries
    )


def late_share(before: Mapping[str, float], after: Mapping[str, float], limit: str) -> float:
    """Tell which share of a loop's beats was later than a limit."""
    return 1 - (after[limit] - before[limit]) / (after["all"] - before["all"])


def turns(stack: Stack, room: str) -> tuple[int, int]:
    """Count how often the database was gone for a room, and how often it came back: the time between may be short."""
    said = stack.supervisor.log(room).read_text()
    return said.count('"breaker.opened"'), said.count('"breaker.closed"')


async def outage(stack: Stack, guard: Guard, people: People, bus: Bus, chats: Sequence[int]) -> list[float]:
    """Look at everything while the database is frozen; returns how long refusals took."""
    for room in ("positions", "telegram"):
        await guard.until_without_database(room)
    assert await guard.alive() == list(ROOMS)
    took = [await refusal_s(bus, chats[0]) for _ in range(5)]
    judged = await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol=SYMBOL))
    assert judged.signal is not None or judged.why
    await people.say(chats[0], "/status")
    await until_said(people, chats[0], HEARD)
    assert stack.supervisor.restarts == {}
    return took


async def test_s6_the_database_freezes_and_restarts_and_nothing_is_lost_doubled_or_held_up() -> None:
    async with (
        Stack(Market(speed=60.0, seed=1)) as stack,
        People(stack.layout.telegram_url) as people,
        connect(stack.layout.broker.url, name="test") as bus,
        witness(bus, SYMBOL) as seen,
        aiohttp.ClientSession() as client,
    ):
        guard = Guard(stack, client)
        chats = [await people.join(name, "en") for name in ("Ani", "Budi", "Citra")]
        for chat in chats:
            await people.say(chat, "/start")
            await people.say(chat, "/monitor")
        await people.answered(chats, 2)
        before = await guard.beats()
        async with beside() as lags:
            with frozen(stack.supervisor.pid("postgres")):
                took = await outage(stack, guard, people, bus, chats)
                await until_later(seen, MINUTES)
            await guard.until_ready()
            after = await guard.beats()
        opened = turns(stack, "telegram")
        os.kill(stack.supervisor.pid("postgres"), signal.SIGINT)
        async with asyncio.timeout(PATIENCE_S):
            while turns(stack, "telegram") != (opened[0] + 1, opened[1] + 1):
                await asyncio.sleep(0.1)
        await guard.until_ready()
        await until_traded(seen, 1)
        async with asyncio.timeout(PATIENCE_S):
            await stack.drain(SYMBOL)
        records = await read_records(bus, stack.layout.database_url, await people.journal(), SYMBOL)
        summary = summarise(records)
        restarts = stack.supervisor.restarts

    late = {room: late_share(before[room], after[room], "0.1") for room in ROOMS}
    stuck = {room: late_share(before[room], after[room], "1.0") for room in ROOMS}
    machine = sum(lag > LAG_S for lag in lags) / len(lags)
    assert max(took) < catalogue.STATUS.deadline_s, took
    assert minutes_without_candle(records) == []
    assert (summary["lost"], summary["duplicated"]) == (0, 0), summary
    assert (summary["messages"]["dead"], summary["messages"]["unknown"]) == (0, 0), summary
    assert told_in_order(records)
    assert [answered(records, chat) for chat in chats] == [3, 2, 2]
    assert max(late.values()) <= max(0.05, 2 * machine), late
    assert max(stuck.values()) <= 2 * sum(lag > 1.0 for lag in lags) / len(lags), stuck
    assert restarts == {"postgres": 1}
    assert stack.remains() == []
