"""What the port Chat makes of answers as Telegram words them, byte for byte; and that the sandbox words its own alike.

`answers/bot_api.json`: status, headers and body. Source: tdlib/telegram-bot-api (`Client::fail_query_with_error` and
the texts of td), the Bot API's description of Message, and pages that nginx puts in front of it.
"""

import json
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, LimitSettings, ServerSettings
from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot
from services.telegram.domain.outcome import judge
from services.telegram.ports import CallFailedError, Picture
from tests.telegram.test_chat_contract import TOKEN, WORDS

pytestmark = pytest.mark.real
ANSWERS = json.loads((Path(__file__).parent / "answers" / "bot_api.json").read_text())
GOOD = [one for one in ANSWERS if "message_id" in one]
BAD = [one for one in ANSWERS if "verdict" in one]
BY_NAME = {one["name"]: one for one in ANSWERS}
PICTURE = Picture(body=b"\x89PNG")


def named(answer):
    return answer["name"]


@asynccontextmanager
async def chat_that_hears(answer):
    """A chat whose server gives one answer, as it was recorded, to the method it was given for."""

    async def give(request):
        assert request.match_info["method"] == answer["method"]
        await request.read()
        headers = {"Content-Type": answer["content_type"], **answer["headers"]}
        return web.Response(status=answer["status"], body=answer["body"].encode(), headers=headers)

    application = web.Application()
    application.router.add_post("/bot{token}/{method}", give)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with open_bot(TOKEN, url, timeout_s=30.0, connections=1) as bot:
            yield AiogramChat(bot)
    finally:
        await runner.cleanup()


def call(chat, method):
    calls = {
        "sendMessage": lambda: chat.send_text(7, WORDS),
        "sendPhoto": lambda: chat.send_picture(7, PICTURE, WORDS),
        "editMessageText": lambda: chat.edit_text(7, 321, WORDS),
        "editMessageMedia": lambda: chat.join_picture(7, 321, PICTURE, WORDS),
    }
    return calls[method]()


@pytest.mark.parametrize("answer", GOOD, ids=named)
async def test_a_good_answer_is_understood(answer):
    async with chat_that_hears(answer) as chat:
        shown = await call(chat, answer["method"])
    assert (shown.message_id, shown.file_id) == (answer["message_id"], answer["file_id"])


@pytest.mark.parametrize("answer", BAD, ids=named)
async def test_a_refusal_has_its_meaning(answer):
    async with chat_that_hears(answer) as chat:
        with pytest.raises(CallFailedError) as failed:
            await call(chat, answer["method"])

    found = judge(failed.value.fault)
    assert (found.verdict, found.delay_s, found.moved_to) == (answer["verdict"], answer["delay_s"], answer["moved_to"])


# --- the sandbox says the same --------------------------------------------------------------------------------------


@asynccontextmanager
async def running(limits):
    settings = ServerSettings(limits=limits)
    async with TelegramApiServer(TOKEN, settings=settings) as server, aiohttp.ClientSession() as session:
        yield server.url, session


@pytest.fixture
async def sandbox():
    async with running(NO_LIMITS) as place:
        yield place


@pytest.fixture
async def strict_sandbox():
    """One message at once, and no patience."""
    async with running(LimitSettings(private_burst=1, private_interval_s=100.0, longest_hold_s=0.0)) as place:
        yield place


async def post(sandbox, path, **form):
    url, session = sandbox
    async with session.post(f"{url}/{path}", data=form) as answer:
        return answer.status, dict(answer.headers), await answer.text()


async def join(sandbox, kind="private"):
    url, session = sandbox
    async with session.post(f"{url}/sandbox/chats", json={"title": "x", "type": kind}) as answer:
        return (await answer.json())["id"]


async def act(sandbox, path):
    url, session = sandbox
    async with session.post(f"{url}/sandbox/{path}", json={}) as answer:
        return await answer.json()


async def refused(sandbox, method, **form):
    status, _, body = await post(sandbox, f"bot{TOKEN}/{method}", **form)
    return status, body


def recorded(name, **replaced):
    body = BY_NAME[name]["body"]
    for old, new in replaced.values():
        body = body.replace(old, new)
    return BY_NAME[name]["status"], body


async def test_the_sandbox_refuses_in_the_same_words(sandbox):
    for act_, name in (("block", "blocked"), ("deactivate", "deactivated")):
        person = await join(sandbox)
        await act(sandbox, f"chats/{person}/{act_}")
        assert await refused(sandbox, "sendMessage", chat_id=person, text="x") == recorded(name)
    assert await refused(sandbox, "sendMessage", chat_id=4242, text="x") == recorded("no such chat")
    reader = await join(sandbox)
    assert await refused(sandbox, "sendMessage", chat_id=reader, text="x" * 4097) == recorded("too long")
    assert await refused(sandbox, "editMessageText", chat_id=reader, message_id=9, text="x") == recorded(
        "nothing to edit"
    )
    forum = await join(sandbox, "supergroup")
    lost = await refused(sandbox, "sendMessage", chat_id=forum, message_thread_id=5, text="x")
    assert lost == recorded("no such topic")
    assert await refused(sandbox, "sendPhoto", chat_id=forum, photo="nonsense") == recorded("a lost file")


async def test_the_sandbox_names_a_groups_new_id_in_the_same_words(sandbox):
    group = await join(sandbox, "group")
    new = (await act(sandbox, f"chats/{group}/upgrade"))["id"]

    found = await refused(sandbox, "sendMessage", chat_id=group, text="x")

    assert found == recorded("upgraded", id=("-1001234567890", str(new)))


async def test_the_sandbox_floods_in_the_same_words_and_with_the_same_header(strict_sandbox):
    reader = await join(strict_sandbox)
    await post(strict_sandbox, f"bot{TOKEN}/sendMessage", chat_id=reader, text="x")

    status, headers, body = await post(strict_sandbox, f"bot{TOKEN}/sendMessage", chat_id=reader, text="x")

    rest = str(json.loads(body)["parameters"]["retry_after"])
    assert (status, body) == recorded("a flood", rest=("7", rest))
    assert headers["Retry-After"] == rest


async def test_the_sandbox_keeps_an_unchanged_message_in_the_same_words(sandbox):
    reader = await join(sandbox)
    _, _, sent = await post(sandbox, f"bot{TOKEN}/sendMessage", chat_id=reader, text="x")
    message_id = json.loads(sent)["result"]["message_id"]

    found = await refused(sandbox, "editMessageText", chat_id=reader, message_id=message_id, text="x")

    assert found == recorded("not modified")
