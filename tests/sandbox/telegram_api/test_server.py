"""The server as a process and as a neighbour: signals, flags, the event stream, a clean end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import aiohttp
import pytest

from sandbox.telegram_api.server import ListenError, TelegramApiServer
from tests.sandbox.telegram_api.bot import TOKEN, until
from tests.shared import ROOT


def command(*flags):
    return [sys.executable, "-m", "sandbox.telegram_api", *flags]


@pytest.mark.real
def test_the_process_prints_its_address_and_ends_cleanly_on_sigterm():
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command("--no-limits", "--bot-name", "Test"), cwd=ROOT, **pipes) as process:
        url = process.stdout.readline().strip()
        os.kill(process.pid, signal.SIGTERM)
        assert (process.wait(60), process.stderr.read()) == (0, "")

    assert url.startswith("http://127.0.0.1:")


@pytest.mark.real
@pytest.mark.parametrize("flag", ["--port", "--token"])
async def test_a_flag_that_cannot_be_used_is_named_in_one_line(server, flag):
    value = server.url.rpartition(":")[2] if flag == "--port" else "nonsense"

    ended = await asyncio.to_thread(
        subprocess.run, command(flag, value), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    [line] = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert flag in line


async def test_a_busy_port_is_an_error_of_its_own(server):
    with pytest.raises(ListenError, match="address already in use"):
        async with TelegramApiServer(TOKEN, port=int(server.url.rpartition(":")[2])):
            pass


@pytest.mark.alone
async def test_the_end_is_quick_while_polls_streams_and_dead_calls_are_open(bot):
    chat = await bot.person()
    await bot.sandbox("faults", {"kind": "timeout", "method": "sendMessage"})
    second = TelegramApiServer(TOKEN)
    async with asyncio.TaskGroup() as group:
        async with second:
            other = type(bot)(second, bot.session)
            await other.sandbox("chats", {"id": chat, "first_name": "Rani"})
            await other.sandbox("faults", {"kind": "timeout", "method": "sendMessage"})
            poll = group.create_task(other.call("getUpdates", timeout=40))
            lost = group.create_task(_expect_loss(other.call("sendMessage", chat_id=chat, text="x")))
            stream = await bot.session.get(f"{second.url}/sandbox/events")
            await until(lambda: second.journal.last >= 1 and second.journal.in_flight >= 1)
            began = time.monotonic()
        took_s = time.monotonic() - began

    assert took_s < 1.5
    assert poll.result().refusal == (429, "Too Many Requests: retry after 5")
    assert lost.result() is True
    stream.close()


async def test_the_stream_tells_what_happens_in_the_chats(bot):
    chat = await bot.person()
    async with bot.session.get(f"{bot.server.url}/sandbox/events") as stream:
        await stream.content.readline()
        await bot.call("sendMessage", chat_id=chat, text="hello")
        async with asyncio.timeout(60):
            events = [await _next_event(stream) for _ in range(2)]

    assert [one["type"] for one in events] == ["message", "chat"]
    assert events[0]["message"]["text"] == "hello"
    assert events[1]["chat"]["unread"] == 1


async def test_health_tells_what_is_held(bot):
    await bot.person()

    health = await bot.get("health")

    assert (health["ok"], health["chats"], health["limits"], health["pending_updates"]) == (True, 1, False, 0)


async def test_the_page_loads_nothing_from_outside(bot):
    async with bot.session.get(f"{bot.server.url}/") as response:
        page = await response.text()
        policy = response.headers["Content-Security-Policy"]

    assert "://" not in page
    assert policy.startswith("default-src 'self'")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "first_name (or title) is required"),
        ({"first_name": "x", "type": "planet"}, "type must be one of private, group, supergroup, channel"),
        ({"first_name": "x", "id": -5}, "the id of a private chat is positive, every other one is negative"),
        ({"first_name": "x", "id": "five"}, "id must be a number"),
    ],
)
async def test_a_wrong_person_is_refused_with_a_sentence(bot, body, words):
    async with bot.session.post(f"{bot.server.url}/sandbox/chats", json=body) as response:
        assert (response.status, await response.json()) == (400, {"error": words})


async def _expect_loss(call):
    try:
        await call
    except aiohttp.ClientConnectionError:
        return True
    return False


async def _next_event(stream):
    while True:
        line = await stream.content.readline()
        if line.startswith(b"data: "):
            return json.loads(line.removeprefix(b"data: "))
