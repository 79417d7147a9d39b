"""`sinyal dlq`: dead letters on a real broker, by a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chassis.bus import Bus, Stored
from chassis.clock import SystemClock
from chassis.dead_letters import bury
from chassis.nats_bus import connect
from contracts import catalogue
from tests.chassis.bus_messages import outgoing_send
from tests.nats_server import NatsServer

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.real


async def dlq(url: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SINYAL_")}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "cli", "dlq", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**plain, "PYTHONPATH": str(ROOT), "SINYAL_NATS_URL": url},
    )


async def bury_sends(bus: Bus, *numbers: int) -> None:
    """Bury sends as the gateway would, without their ever having been in the queue."""
    clock = SystemClock()
    for number in numbers:
        sent = outgoing_send(number)
        stored = Stored(f"send.v1.3.reply.{number}", sent.body, {"Nats-Msg-Id": sent.id}, number, clock.now())
        reason = "400: Bad Request" if number < 3 else "gave up"
        await bury(bus, clock, catalogue.TELEGRAM_SENDS, stored, reason=reason, attempts=2)


async def listed(url: str, *arguments: object) -> list[dict[str, Any]]:
    done = await dlq(url, "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


async def test_letters_are_listed_shown_sent_again_and_dropped(nats: str) -> None:
    async with connect(nats, name="test") as bus:
        await bury_sends(bus, 1, 2, 3)

        assert [one["number"] for one in await listed(nats)] == [1, 2, 3]
        assert [one["number"] for one in await listed(nats, "--reason", "bad request")] == [1, 2]
        shown = json.loads((await dlq(nats, "show", 2, "--json")).stdout)
        assert (shown["attempts"], shown["redrives"], shown["room"]) == (2, 0, "telegram")
        assert json.loads(shown["payload"])["id"] == "m:2"

        rehearsed = await dlq(nats, "redrive", "--reason", "400", "--dry-run")
        assert "2 letters would be sent again" in rehearsed.stdout
        assert await bus.read_stored("SENDS", 1) is None
        assert len(await listed(nats)) == 3

        sent = json.loads((await dlq(nats, "redrive", "--reason", "400", "--json")).stdout)
        assert (sent["done"], sent["failed"]) == ([1, 2], [])
        first = await bus.read_stored("SENDS", 1)
        assert first is not None
        assert first.subject.split(".")[3:] == ["reply", "1"]
        assert first.headers["Sinyal-Redrives"] == "1"

        assert "1 letters dropped" in (await dlq(nats, "drop", 3)).stdout
        assert "no dead letters" in (await dlq(nats, "list")).stdout
        assert await bus.read_stored("SENDS", 3) is None


async def test_a_table_for_people_counts_letters_by_reason(nats: str) -> None:
    async with connect(nats, name="test") as bus:
        await bury_sends(bus, 1, 2, 3)

    said = (await dlq(nats, "list")).stdout
    assert "2 telegram-sends: 400" in said
    assert "send.v1.3.reply.3 (2x) gave up" in said
    assert "m:1" in (await dlq(nats, "show", 1)).stdout


async def test_a_letter_that_is_not_there_is_named(nats: str) -> None:
    shown, dropped = await dlq(nats, "show", 9), await dlq(nats, "drop", 9)
    assert (shown.returncode, shown.stderr) == (2, "sinyal: 9: no such letter (see sinyal dlq list)\n")
    assert (dropped.returncode, dropped.stderr.startswith("sinyal: 9: no such letter")) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("redrive",), "which letters?"),
        (("drop", "--json"), "which letters?"),
        (("list", "--older-than", "soon"), "--older-than soon: a number with s, m, h or d"),
        (("list", "--nats-url", "nats://127.0.0.1:9"), "127.0.0.1:9"),
    ],
)
async def test_wrong_input_is_one_line(nats_server: NatsServer, arguments: tuple[str, ...], says: str) -> None:
    done = await dlq(nats_server.url, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
