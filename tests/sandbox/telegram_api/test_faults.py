"""Faults on command, and a journal that knows what really happened."""

import asyncio
from types import SimpleNamespace

import aiohttp
import pytest

from sandbox.telegram_api.calls import read_call
from tests.sandbox.telegram_api.bot import png, until


async def send(bot, chat, text="x"):
    """Send; return what a client would know: (status, decoded body), or the name of what went wrong."""
    try:
        form = {"chat_id": str(chat), "text": text}
        async with bot.session.post(f"{bot.base}/sendMessage", data=form) as response:
            return response.status, await response.json(content_type=None)
    except (aiohttp.ClientError, ValueError) as error:
        return type(error).__name__


async def send_and_leave(bot, chat, when):
    """Send as a client whose patience ends, unanswered, a while after something inside the server is so."""
    sending = asyncio.ensure_future(send(bot, chat))
    await until(when)
    await asyncio.wait({sending}, timeout=0.3)
    assert not sending.done()
    sending.cancel()
    await asyncio.wait({sending})


async def texts_in(bot, chat):
    return [one["text"] for one in (await bot.get(f"chats/{chat}/messages"))["messages"]]


async def last_entry(bot):
    return (await bot.get("journal"))["entries"][-1]


@pytest.mark.parametrize(
    ("fault", "seen", "outcome", "answer", "is_there"),
    [
        ({"kind": "reset_before"}, "ServerDisconnectedError", "dropped", "reset", False),
        ({"kind": "reset_after"}, "ServerDisconnectedError", "accepted", "reset", True),
        ({"kind": "truncated"}, "ClientPayloadError", "accepted", "truncated", True),
        ({"kind": "html_502"}, "JSONDecodeError", "dropped", "html_502", False),
        ({"kind": "html_502", "executed": True}, "JSONDecodeError", "accepted", "html_502", True),
        ({"kind": "garbage"}, "UnicodeDecodeError", "accepted", "garbage", True),
    ],
)
async def test_a_spoilt_answer_is_told_from_what_happened(bot, fault, seen, outcome, answer, is_there):
    chat = await bot.person()
    await bot.sandbox("faults", fault)

    assert await send(bot, chat) == seen

    entry = await last_entry(bot)
    assert (entry["outcome"], entry["answer"], entry["fault"]) == (outcome, answer, fault["kind"])
    assert entry["answered_at"] is None
    assert (await texts_in(bot, chat) == ["x"], bool(entry["message_ids"])) == (is_there, is_there)


@pytest.mark.parametrize(("executed", "outcome"), [(True, "accepted"), (False, "dropped")])
async def test_an_answer_that_never_comes_is_told_from_what_happened(bot, executed, outcome):
    chat = await bot.person()
    await bot.sandbox("faults", {"kind": "timeout", "executed": executed})

    await send_and_leave(bot, chat, lambda: bot.server.journal.last)

    entry = await last_entry(bot)
    assert (entry["outcome"], entry["answer"], entry["fault"]) == (outcome, "withheld", "timeout")
    assert entry["answered_at"] is None
    assert (await texts_in(bot, chat) == ["x"], bool(entry["message_ids"])) == (executed, executed)


async def test_an_error_is_answered_as_told_and_not_executed(bot):
    chat = await bot.person()
    rule = {
        "kind": "error",
        "code": 400,
        "description": "Bad Request: upgraded",
        "parameters": {"migrate_to_chat_id": -100},
    }
    await bot.sandbox("faults", rule)

    status, body = await send(bot, chat)

    assert (status, body["description"], body["parameters"]) == (
        400,
        "Bad Request: upgraded",
        {"migrate_to_chat_id": -100},
    )
    assert (await last_entry(bot))["outcome"] == "refused"
    assert await texts_in(bot, chat) == []


async def test_retry_after_comes_with_its_header(bot):
    await bot.sandbox("faults", {"kind": "retry_after", "seconds": 7})

    answer = await bot.call("sendMessage", chat_id=await bot.person(), text="x")

    assert answer.refusal == (429, "Too Many Requests: retry after 7")
    assert (answer.body["parameters"], answer.headers["Retry-After"]) == ({"retry_after": 7}, "7")


async def test_a_wrong_shape_is_a_good_answer_that_fits_no_model(bot):
    chat = await bot.person()
    await bot.sandbox("faults", {"kind": "wrong_shape"})

    assert await send(bot, chat) == (200, {"ok": True, "result": {"surprise": "another shape"}})
    assert await texts_in(bot, chat) == ["x"]


async def test_a_slow_answer_is_good(bot):
    chat = await bot.person()
    await bot.sandbox("faults", {"kind": "slow", "seconds": 0.3})

    assert (await send(bot, chat))[0] == 200
    assert await texts_in(bot, chat) == ["x"]


async def test_a_message_whose_sender_left_while_it_was_held_is_accepted_and_unseen(bot, monkeypatch):
    requests, may_go_on = [], asyncio.Event()

    async def read_and_note(request, name):
        requests.append(request)
        return await read_call(request, name)

    async def hold(_seconds):
        await may_go_on.wait()

    monkeypatch.setattr("sandbox.telegram_api.bot_endpoint.read_call", read_and_note)
    monkeypatch.setattr("sandbox.telegram_api.bot_endpoint.asyncio", SimpleNamespace(sleep=hold))
    chat = await bot.person()
    await bot.sandbox("faults", {"kind": "slow"})

    await send_and_leave(bot, chat, lambda: bot.server.journal.in_flight)
    await until(lambda: requests[0].transport is None or requests[0].transport.is_closing())
    may_go_on.set()
    await until(lambda: bot.server.journal.last)

    entry = await last_entry(bot)
    assert (entry["outcome"], entry["answer"], entry["answered_at"]) == ("accepted", "unseen", None)
    assert await texts_in(bot, chat) == ["x"]


async def test_a_fault_befalls_only_its_method_its_chat_and_its_count(bot):
    rani, budi = await bot.person(), await bot.person("Budi")
    await bot.sandbox(
        "faults",
        {
            "kind": "error",
            "code": 502,
            "description": "Bad Gateway",
            "method": "sendmessage",
            "chat_id": rani,
            "count": 2,
        },
    )

    got = [(await send(bot, chat))[0] for chat in (budi, rani, rani, rani)]

    assert (await bot.call("sendPhoto", chat_id=rani, photo=png())).status == 200
    assert got == [200, 502, 502, 200]
    assert [one["hits"] for one in await bot.get("faults")] == [2]


async def test_faults_are_cleared(bot):
    await bot.sandbox("faults", {"kind": "reset_before", "count": None})

    assert await bot.sandbox("faults", method="DELETE") == {"cleared": 1}
    assert (await send(bot, await bot.person()))[0] == 200


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"kind": "earthquake"}, "unknown kind 'earthquake'"),
        ({"kind": "slow", "minutes": 1}, "unknown field 'minutes'"),
        ({"kind": "error", "code": 200}, "code must be"),
        ({"kind": "slow", "count": 0}, "count must be"),
        ({"kind": "slow", "probability": 2}, "probability must"),
        ({"kind": "reset_after", "executed": False}, "'executed' cannot be chosen"),
    ],
)
async def test_a_wrong_rule_is_refused_with_a_sentence(bot, rule, words):
    async with bot.session.post(f"{bot.server.url}/sandbox/faults", json=rule) as response:
        answer = await response.json()

    assert response.status == 400
    assert answer["error"].startswith(words)


async def test_the_journal_is_complete_and_ordered_for_a_reader_who_comes_back(bot):
    chats = [await bot.person(str(number)) for number in range(10)]
    await asyncio.gather(*(bot.call("sendMessage", chat_id=chat, text=str(n)) for n in range(5) for chat in chats))
    first = await bot.get("journal")
    await bot.call("sendMessage", chat_id=42, text="lost")

    rest = await bot.get(f"journal?after={first['last']}")

    assert [one["number"] for one in first["entries"]] == list(range(1, 51))
    assert all(one["answered_at"] >= one["received_at"] for one in first["entries"])
    assert [(one["number"], one["chat_id"], one["outcome"]) for one in rest["entries"]] == [(51, 42, "refused")]


async def test_the_journal_tells_what_was_sent_and_no_secret(bot):
    chat = await bot.person()
    keyboard = {"inline_keyboard": [[{"text": "Why", "callback_data": "w"}]]}
    sent = (await bot.call("sendPhoto", chat_id=chat, photo=png(), caption="c", reply_markup=keyboard)).result
    await bot.call(
        "sendPhoto", chat_id=chat, photo=sent["photo"][-1]["file_id"], reply_to_message_id=sent["message_id"]
    )
    await bot.call("setWebhook", url="http://127.0.0.1:1/", secret_token="hidden-word")

    journal = await bot.get("journal")

    first, second, _ = (one["parameters"] for one in journal["entries"])
    assert first["photo"]["is_upload"] is True
    assert second == {"photo": {"is_upload": False, "key": first["photo"]["key"]}, "reply_to": sent["message_id"]}
    assert (first["caption"], first["buttons"]) == ("c", [["Why"]])
    assert "hidden-word" not in str(journal)
    assert "AAtest-token" not in str(journal)
