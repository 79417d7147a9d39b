"""What the port Chat promises, kept by the fake of the other tests and by aiogram on a Bot API server."""

import io
import logging
from contextlib import asynccontextmanager

import aiohttp
import pytest

from chassis import log
from contracts.messages import Button
from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings
from services.telegram.domain.outcome import Verdict, judge
from services.telegram.domain.rendering import Rendered
from services.telegram.ports import CallFailedError, Document, Manner, Picture
from tests.sandbox.telegram_api.bot import png
from tests.telegram.fake_chat import FakeChat

TOKEN = "1000000001:SANDBOX-sandbox-SANDBOX-sandbox-001"
NOBODY = 424242
BUTTONS = ((Button(text="Chart", data="chart:1"), Button(text="Why", data="why:1")),)
WORDS = Rendered("<b>Entry</b> &lt;1&gt;", BUTTONS)


class People:
    """The people's side of a Bot API server."""

    def __init__(self, url, session):
        self.url, self.session = url, session

    async def post(self, path, body):
        async with self.session.post(f"{self.url}/sandbox/{path}", json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json() if response.content_type == "application/json" else None

    async def join(self):
        return (await self.post("chats", {"first_name": "Budi", "language_code": "id"}))["id"]

    async def messages(self, chat_id):
        async with self.session.get(f"{self.url}/sandbox/chats/{chat_id}/messages") as response:
            return (await response.json())["messages"]


class OnFake:
    """The contract's stage on the fake."""

    def __init__(self):
        self.chat = FakeChat(people={7})

    async def person(self):
        return 7

    async def block(self, chat_id):
        self.chat.people.discard(chat_id)

    async def count(self, chat_id):
        return len(self.chat.of(chat_id))

    async def picture_of(self, chat_id):
        return self.chat.of(chat_id)[0].file_id is not None

    async def document_of_last(self, chat_id):
        document = self.chat.documents[chat_id, self.chat.of(chat_id)[-1].message_id]
        return document.filename, len(document.body)

    async def reply_of_last(self, chat_id):
        return self.chat.of(chat_id)[-1].manner.reply_to


class OnServer:
    """The contract's stage on aiogram and a Bot API server."""

    def __init__(self, chat, people):
        self.chat, self.people = chat, people

    async def person(self):
        return await self.people.join()

    async def block(self, chat_id):
        await self.people.post(f"chats/{chat_id}/block", {})

    async def count(self, chat_id):
        return len(await self.people.messages(chat_id))

    async def picture_of(self, chat_id):
        return bool((await self.people.messages(chat_id))[0].get("photo"))

    async def document_of_last(self, chat_id):
        document = (await self.people.messages(chat_id))[-1]["document"]
        return document["file_name"], document["file_size"]

    async def reply_of_last(self, chat_id):
        reply = (await self.people.messages(chat_id))[-1].get("reply_to_message")
        return reply and reply["message_id"]


@pytest.fixture
async def server():
    async with TelegramApiServer(TOKEN, settings=ServerSettings(limits=NO_LIMITS, conflict_delay_s=0.1)) as running:
        yield running


@asynccontextmanager
async def opened_on(server, *, timeout_s):
    from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot

    async with (
        open_bot(TOKEN, server.url, timeout_s=timeout_s, connections=8) as bot,
        aiohttp.ClientSession() as session,
    ):
        yield OnServer(AiogramChat(bot), People(server.url, session))


@pytest.fixture
async def on_server(server):
    async with opened_on(server, timeout_s=20.0) as stage:
        yield stage


@pytest.fixture(params=["fake", "server"])
def stage(request):
    return OnFake() if request.param == "fake" else request.getfixturevalue("on_server")


async def verdict_of(call):
    with pytest.raises(CallFailedError) as failed:
        await call
    return judge(failed.value.fault).verdict


async def test_a_message_gets_a_number_and_may_be_answered(stage):
    person = await stage.person()

    first = await stage.chat.send_text(person, WORDS)
    second = await stage.chat.send_text(person, Rendered("answer"), Manner(reply_to=first.message_id, is_silent=True))

    assert second.message_id > first.message_id
    assert await stage.reply_of_last(person) == first.message_id


async def test_an_answer_to_a_message_that_is_gone_is_sent_all_the_same(stage):
    person = await stage.person()
    await stage.chat.send_text(person, WORDS, Manner(reply_to=99999))
    assert await stage.reply_of_last(person) is None


async def test_a_picture_can_be_sent_again_by_its_id(stage):
    person = await stage.person()

    first = await stage.chat.send_picture(person, Picture(body=png()), WORDS)
    second = await stage.chat.send_picture(person, Picture(first.file_id), WORDS)

    assert first.file_id
    assert second.file_id == first.file_id
    assert await stage.count(person) == 2


async def test_a_picture_without_words_can_be_sent(stage):
    person = await stage.person()
    assert (await stage.chat.send_picture(person, Picture(body=png()), Rendered(""))).file_id


async def test_a_file_arrives_by_its_name_and_whole(stage):
    person = await stage.person()

    await stage.chat.send_document(person, Document("sinyal.json", b'{"a": 1}'), WORDS)

    assert await stage.document_of_last(person) == ("sinyal.json", 8)


async def test_a_file_for_a_person_who_blocked_us_is_unreachable(stage):
    person = await stage.person()
    await stage.block(person)

    call = stage.chat.send_document(person, Document("sinyal.json", b"{}"), WORDS)

    assert await verdict_of(call) is Verdict.UNREACHABLE


async def test_a_picture_joins_a_text(stage):
    person = await stage.person()
    sent = await stage.chat.send_text(person, WORDS)

    joined = await stage.chat.join_picture(person, sent.message_id, Picture(body=png()), WORDS)

    assert joined.message_id == sent.message_id
    assert joined.file_id
    assert await stage.picture_of(person)
    assert await stage.count(person) == 1


async def test_the_same_edit_twice_is_unchanged(stage):
    person = await stage.person()
    sent = await stage.chat.send_text(person, WORDS)
    await stage.chat.edit_text(person, sent.message_id, Rendered("new"))

    assert await verdict_of(stage.chat.edit_text(person, sent.message_id, Rendered("new"))) is Verdict.UNCHANGED


async def test_the_same_picture_joining_twice_is_unchanged(stage):
    person = await stage.person()
    file_id = (await stage.chat.send_picture(person, Picture(body=png()), WORDS)).file_id
    sent = await stage.chat.send_text(person, WORDS)
    await stage.chat.join_picture(person, sent.message_id, Picture(file_id), WORDS)

    again = stage.chat.join_picture(person, sent.message_id, Picture(file_id), WORDS)
    assert await verdict_of(again) is Verdict.UNCHANGED


async def test_a_message_that_is_gone_cannot_be_edited(stage):
    person = await stage.person()
    assert await verdict_of(stage.chat.edit_text(person, 99999, WORDS)) is Verdict.GONE


async def test_an_unknown_file_is_lost(stage):
    person = await stage.person()
    assert await verdict_of(stage.chat.send_picture(person, Picture("nonsense"), WORDS)) is Verdict.LOST_FILE


async def test_a_chat_that_does_not_exist_is_unreachable(stage):
    assert await verdict_of(stage.chat.send_text(NOBODY, WORDS)) is Verdict.UNREACHABLE


async def test_a_person_who_blocked_us_is_unreachable(stage):
    person = await stage.person()
    await stage.block(person)
    assert await verdict_of(stage.chat.send_text(person, WORDS)) is Verdict.UNREACHABLE


@pytest.mark.parametrize("html", ["<blink>x</blink>", "x" * 4097])
async def test_what_telegram_does_not_take_is_dead(stage, html):
    person = await stage.person()
    assert await verdict_of(stage.chat.send_text(person, Rendered(html))) is Verdict.DEAD


async def test_a_caption_that_is_too_long_is_dead(stage):
    person = await stage.person()
    call = stage.chat.send_picture(person, Picture(body=png()), Rendered("x" * 1025))
    assert await verdict_of(call) is Verdict.DEAD


async def test_an_unknown_press_cannot_be_answered(stage):
    assert await verdict_of(stage.chat.answer_press("77", "late")) is Verdict.DEAD


async def test_commands_are_named(stage):
    await stage.chat.name_commands([("help", "list of commands")], "en")
    await stage.chat.name_commands([("help", "daftar perintah")], None)


# --- the wire: only where there is one ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "verdict", "delay_s"),
    [
        ({"kind": "error", "code": 500, "description": "Internal Server Error: restart"}, Verdict.RETRY, None),
        ({"kind": "error", "code": 502, "description": "Bad Gateway"}, Verdict.RETRY, None),
        ({"kind": "error", "code": 401, "description": "Unauthorized"}, Verdict.LOCKED_OUT, None),
        ({"kind": "error", "code": 421, "description": "Misdirected Request: token"}, Verdict.LOCKED_OUT, None),
        ({"kind": "error", "code": 413, "description": "Request Entity Too Large"}, Verdict.DEAD, None),
        ({"kind": "error", "code": 429, "description": "Too Many Requests: retry after 4"}, Verdict.FLOOD, 4.0),
        ({"kind": "retry_after", "seconds": 9}, Verdict.FLOOD, 9.0),
        ({"kind": "reset_before"}, Verdict.UNKNOWN, None),
        ({"kind": "reset_after"}, Verdict.UNKNOWN, None),
        ({"kind": "truncated"}, Verdict.UNKNOWN, None),
        ({"kind": "html_502"}, Verdict.UNKNOWN, None),
        ({"kind": "garbage"}, Verdict.UNKNOWN, None),
        ({"kind": "wrong_shape"}, Verdict.UNKNOWN, None),
    ],
    ids=lambda value: value["kind"] + str(value.get("code", "")) if isinstance(value, dict) else "",
)
async def test_every_fault_of_the_wire_has_its_meaning(on_server, fault, verdict, delay_s):
    person = await on_server.person()
    await on_server.people.post("faults", fault)

    with pytest.raises(CallFailedError) as failed:
        await on_server.chat.send_text(person, WORDS)

    found = judge(failed.value.fault)
    assert (found.verdict, found.delay_s) == (verdict, delay_s)


async def test_a_server_that_does_not_answer_leaves_it_open_whether_it_was_sent(server):
    async with opened_on(server, timeout_s=1.0) as stage:
        person = await stage.person()
        await stage.chat.send_text(person, WORDS)  # from here on there is a connection
        await stage.people.post("faults", {"kind": "timeout"})
        assert await verdict_of(stage.chat.send_text(person, WORDS)) is Verdict.UNKNOWN


async def test_a_server_that_is_not_there_is_tried_again():
    from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot

    async with open_bot(TOKEN, "http://127.0.0.1:9", timeout_s=1.0, connections=1) as bot:
        assert await verdict_of(AiogramChat(bot).send_text(7, WORDS)) is Verdict.RETRY
    async with open_bot(TOKEN, "http://no-such-host.invalid", timeout_s=3.0, connections=1) as bot:
        assert await verdict_of(AiogramChat(bot).send_text(7, WORDS)) is Verdict.RETRY


async def test_no_error_and_no_line_of_the_log_shows_the_token(on_server):
    import structlog

    stream = io.StringIO()
    log.configure("telegram", "DEBUG", stream)
    try:
        for fault in ("reset_before", "html_502", "garbage", "truncated"):
            await on_server.people.post("faults", {"kind": fault})
            with pytest.raises(CallFailedError) as failed:
                await on_server.chat.send_text(7, WORDS)
            structlog.get_logger().warning("send.failed", error=str(failed.value), reason=repr(failed.value))
            logging.getLogger("aiogram").warning("calling http://127.0.0.1/bot%s/sendMessage", TOKEN)
            assert failed.value.__cause__ is None
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
    assert "send.failed" in stream.getvalue()
    assert TOKEN not in stream.getvalue()
