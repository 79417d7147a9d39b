"""What delivery promises, measured: a storm beside the usual way to send, and one signal to many people.

    python -m benchmarks.delivery [storm] [many] [paid] [--subscribers 10000]

`storm` is that of tests/telegram/test_storm.py without the kills, ours and then gather+sleep, against the same strict
Bot API server with the same seed: 4 % 5xx, 2 % resets and 2 % timeouts after the write, 1 % HTML 502, 429s, blocked and
slow chats. `many` sends one signal to all subscribers at the free pace (10,000 take six minutes), `paid` at 200/s.
The service is a process of its own; NATS and PostgreSQL are real and embedded. Memory is the peak of that process.
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from benchmarks.delivery_naive import NaiveSender
from chassis.nats_bus import NatsBus, connect
from contracts import catalogue
from contracts.messages import DeliveryState
from sandbox.telegram_api.chats import Chat as SandboxChat
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import ServerSettings
from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot
from services.telegram.adapters.babel_catalogue import load_catalogue
from tests.nats_server import running_server
from tests.postgres_server import TEMPLATE, running_cluster
from tests.telegram import storm
from tests.telegram.builders import send
from tests.telegram.test_chat_contract import TOKEN
from tests.telegram.test_service import Service, Town

PAID_PER_SECOND = 200
CALL_TIMEOUT_S = 30
WAVE_PAUSE_S = 8.0


class Scene:
    """Servers around one run."""

    def __init__(self, server: TelegramApiServer, session: aiohttp.ClientSession, town: Town, nats: str) -> None:
        self.server = server
        self.session = session
        self.town = town
        self.nats = nats

    async def call(self, method: str, **form: object) -> dict[str, object]:
        """Call the Bot API as the bot."""
        async with self.session.post(f"{self.server.url}/bot{TOKEN}/{method}", data=form) as answer:
            return (await answer.json())["result"]


@contextlib.asynccontextmanager
async def set_scene(nats: str, postgres: str, **environment: object) -> AsyncIterator[Scene]:
    """Start a Bot API server with Telegram's limits."""
    settings = ServerSettings(seed=storm.SEED)
    async with TelegramApiServer(TOKEN, settings=settings) as server, aiohttp.ClientSession() as session:
        town = Town(nats, postgres, server, session)
        town.environment |= {"SINYAL_TELEGRAM_CALL_TIMEOUT_S": str(CALL_TIMEOUT_S)}
        town.environment |= {f"SINYAL_TELEGRAM_{name.upper()}": str(value) for name, value in environment.items()}
        yield Scene(server, session, town, nats)


async def show_storm(nats: str, postgres: str) -> None:
    """Print both senders' accounts, side by side."""
    columns = {"sinyal": await storm_ours(nats, postgres), "gather+sleep": await storm_naive(nats, postgres)}
    print(f"{'':18}" + "".join(f"{name:>22}" for name in columns))
    for key in columns["sinyal"]:
        print(f"{key:18}" + "".join(f"{json.dumps(figures[key]):>22}" for figures in columns.values()))


async def storm_ours(nats: str, postgres: str) -> dict[str, object]:
    """Run the storm on the service."""
    async with set_scene(nats, postgres) as scene, connect(nats, name="positions") as bus:
        town = await storm.found_town(scene.town.people.post, scene.call)
        async with scene.town.service():
            await storm.break_loose(scene.town.people.post, town)
            first, weather, started = scene.server.journal.last, storm.Weather(town), time.monotonic()
            for wave in weather.waves():
                await storm.publish(bus, wave)
                await asyncio.sleep(WAVE_PAUSE_S)
            await until_nothing_waits(bus)
            return account_of(scene, weather, first, town, started)


async def storm_naive(nats: str, postgres: str) -> dict[str, object]:
    """Run the storm on the usual way."""
    async with set_scene(nats, postgres) as scene:
        town = await storm.found_town(scene.town.people.post, scene.call)
        async with open_bot(TOKEN, scene.server.url, timeout_s=CALL_TIMEOUT_S, connections=100) as bot:
            await storm.break_loose(scene.town.people.post, town)
            first, weather, started = scene.server.journal.last, storm.Weather(town), time.monotonic()
            naive = NaiveSender(AiogramChat(bot), load_catalogue())
            async with asyncio.TaskGroup() as sending:
                for wave in weather.waves():
                    sending.create_task(naive.send_all(wave))
                    await asyncio.sleep(WAVE_PAUSE_S)
            return account_of(scene, weather, first, town, started)


def account_of(scene: Scene, weather: storm.Weather, first: int, town: storm.Town, started: float) -> dict[str, object]:
    """Draw the account of a storm."""
    account = storm.Account(weather.sent, scene.server.journal.render(0)["entries"], first)
    figures = account.figures(town.blocked)
    del figures["calls_by_outcome"]
    figures["never_shown"] = len(account.never_shown(town.blocked))
    figures["out_of_order"] = account.out_of_order(set())
    return figures | {"took_s": round(time.monotonic() - started)}


async def until_nothing_waits(bus: NatsBus) -> None:
    """Wait until every send is settled."""
    while await bus.next_stored(catalogue.SEND, None, None) is not None:  # noqa: ASYNC110  # another process works
        await asyncio.sleep(0.2)


async def show_many(nats: str, postgres: str, subscribers: int, **environment: object) -> None:
    """Print what one signal to many people takes."""
    async with set_scene(nats, postgres, **environment) as scene, connect(nats, name="positions") as bus:
        for number in range(1, subscribers + 1):
            scene.server.world.chats.create(SandboxChat(number, "private", "p"))
        async with scene.town.service() as service:
            started = time.time()
            await storm.publish(bus, [send(n, id=f"m:many:{n}:{started}") for n in range(1, subscribers + 1)])
            published_s = time.time() - started
            await until_nothing_waits(bus)
            peak_mb, resting_mb = memory_mb(service)
        times = [one.received_at - started for one in scene.server.journal.entries() if one.method == "sendMessage"]
        floods = sum(one.error_code == 429 for one in scene.server.journal.entries())
    delivered = await count_delivered(bus_url=nats, prefix="m:many:")
    within_a_minute = sum(at <= 60 for at in times)
    print(f"one signal to {subscribers} ({environment or 'free pace'}): {delivered} delivered, {floods} floods")
    print(f"  published in {published_s:.1f} s; first {times[0]:.2f} s, last {times[-1]:.1f} s,", end=" ")
    print(f"{(len(times) - 1) / (times[-1] - times[0]):.1f}/s, {within_a_minute} in the first minute")
    print(f"  memory: peak {peak_mb:.0f} MB, now {resting_mb:.0f} MB")


def memory_mb(service: Service) -> tuple[float, float]:
    """Read the peak and the present resident memory of a process."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024, int(fields["VmRSS"].split()[0]) / 1024


async def count_delivered(*, bus_url: str, prefix: str) -> int:
    """Count the sends that were told to be delivered, each once."""
    found: set[str] = set()
    async with connect(bus_url, name="positions") as bus, bus.replay(catalogue.DELIVERY) as deliveries:
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(2.0):
                    one = (await anext(deliveries))[1]
                found |= (
                    {one.send_id} if one.state is DeliveryState.DELIVERED and one.send_id.startswith(prefix) else set()
                )
    return len(found)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["storm", "many", "paid", []])
    parser.add_argument("--subscribers", type=int, default=10_000)
    arguments = parser.parse_args()
    with running_server() as server, running_cluster() as cluster:
        postgres = cluster.url_of(TEMPLATE)
        for what in arguments.what or ("storm", "many"):
            asyncio.run(server.apply())
            if what == "storm":
                asyncio.run(show_storm(server.url, postgres))
            else:
                pace = {"paid_per_second": PAID_PER_SECOND} if what == "paid" else {}
                asyncio.run(show_many(server.url, postgres, arguments.subscribers, **pace))


if __name__ == "__main__":
    main()
