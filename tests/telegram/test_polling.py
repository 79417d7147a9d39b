"""The poller on a real Bot API server: offsets, long polls, and the two refusals aiogram hides."""

import asyncio
import json
import time

import aiohttp
import pytest

from chassis.errors import TransientError
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings
from services.telegram.adapters.aiohttp_updates import open_updates
from services.telegram.ports import PollConflictError, PollRefusedError
from tests.telegram.test_chat_contract import TOKEN, People


@pytest.fixture
async def server():
    async with TelegramApiServer(TOKEN, settings=ServerSettings(limits=NO_LIMITS, conflict_delay_s=0.1)) as running:
        yield running


@pytest.fixture
async def people(server):
    async with aiohttp.ClientSession() as session:
        yield People(server.url, session)


@pytest.fixture
async def source(server):
    async with open_updates(TOKEN, server.url, 20) as updates:
        yield updates


def text_of(raw):
    return json.loads(raw)["message"]["text"]


async def test_updates_come_until_they_are_confirmed(people, source):
    person = await people.join()
    for text in ("one", "two"):
        await people.post(f"chats/{person}/text", {"text": text})

    first = await source.fetch(None)
    again = await source.fetch(None)

    assert [text_of(raw) for raw in first] == [text_of(raw) for raw in again] == ["one", "two"]
    last = json.loads(first[-1])["update_id"]
    await source.confirm(last + 1)
    assert await source.fetch(None, is_patient=False) == []


async def test_a_long_poll_ends_when_something_happens(people, source):
    person = await people.join()
    polling = asyncio.ensure_future(source.fetch(None))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    await people.post(f"chats/{person}/text", {"text": "hi"})

    assert [text_of(raw) for raw in await polling] == ["hi"]
    assert time.monotonic() - started < 20  # it would have lasted so long


async def test_two_pollers_are_a_conflict_for_the_older(server, source):
    older = asyncio.ensure_future(source.fetch(None))
    await asyncio.sleep(0.1)
    async with open_updates(TOKEN, server.url, 1) as newer:
        taking = asyncio.ensure_future(newer.fetch(None))
        with pytest.raises(PollConflictError, match="409"):
            await older
        await taking


async def test_a_token_nobody_knows_is_refused(server):
    async with open_updates("1000000001:" + "X" * 35, server.url, 1) as stranger:
        with pytest.raises(PollRefusedError):
            await stranger.fetch(None)


@pytest.mark.parametrize("kind", ["reset_before", "html_502", "garbage", "truncated"])
async def test_what_heals_by_itself_is_transient_and_shows_no_token(people, source, kind):
    await people.post("faults", {"kind": kind, "method": "getUpdates"})

    with pytest.raises(TransientError) as failed:
        await source.fetch(None, is_patient=False)

    assert TOKEN not in f"{failed.value!r} {failed.value.__cause__!r}"


async def test_a_flood_says_how_long_to_rest(people, source):
    await people.post("faults", {"kind": "retry_after", "seconds": 3, "method": "getUpdates"})
    with pytest.raises(TransientError) as failed:
        await source.fetch(None, is_patient=False)
    assert failed.value.delay_s == 3.0


async def test_a_server_that_is_away_is_transient():
    async with open_updates(TOKEN, "http://127.0.0.1:9", 1) as updates:
        with pytest.raises(TransientError):
            await updates.fetch(None)
