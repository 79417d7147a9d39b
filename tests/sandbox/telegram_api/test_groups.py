"""Groups that become supergroups, topics, paid pace, expired files: what a sender must cope with."""

import pytest

from sandbox.telegram_api.chats import Chat
from sandbox.telegram_api.faults import FaultStore
from sandbox.telegram_api.limits import Limits
from sandbox.telegram_api.settings import LimitSettings
from tests.sandbox.telegram_api.bot import png


async def group(bot, kind="group"):
    return (await bot.sandbox("chats", {"title": "Desk", "type": kind}))["id"]


async def test_a_group_that_was_upgraded_names_its_new_id_and_is_refused(bot):
    old = await group(bot)
    new = (await bot.sandbox(f"chats/{old}/upgrade"))["id"]

    refused = await bot.call("sendMessage", chat_id=old, text="x")

    assert refused.refusal == (400, "Bad Request: group chat was upgraded to a supergroup chat")
    assert refused.body["parameters"] == {"migrate_to_chat_id": new}
    assert (await bot.call("sendMessage", chat_id=new, text="x")).result["chat"]["type"] == "supergroup"
    told = [one["message"] for one in (await bot.call("getUpdates")).result]
    assert [(one["chat"]["id"], one.get("migrate_to_chat_id"), one.get("migrate_from_chat_id")) for one in told] == [
        (old, new, None),
        (new, None, old),
    ]


async def test_a_topic_holds_its_messages_and_an_unknown_one_is_refused(bot):
    forum = await group(bot, "supergroup")
    thread = (await bot.sandbox(f"chats/{forum}/topics", {"name": "Signals"}))["message_thread_id"]

    sent = (await bot.call("sendPhoto", chat_id=forum, message_thread_id=thread, photo=png())).result
    lost = await bot.call("sendMessage", chat_id=forum, message_thread_id=thread + 1, text="x")

    assert (sent["message_thread_id"], sent["is_topic_message"], sent["chat"]["is_forum"]) == (thread, True, True)
    assert lost.refusal == (400, "Bad Request: message thread not found")


async def test_a_file_id_can_expire(bot):
    person = await bot.person()
    file_id = (await bot.call("sendPhoto", chat_id=person, photo=png())).result["photo"][-1]["file_id"]

    assert (await bot.sandbox("files/forget"))["forgotten"] > 0

    refused = await bot.call("sendPhoto", chat_id=person, photo=file_id)
    assert refused.refusal == (400, "Bad Request: wrong file identifier/HTTP URL specified")


def test_what_is_paid_for_passes_the_limit_of_all_but_not_that_of_its_chat():
    limits = Limits(LimitSettings())
    people = [Chat(number, "private", "p") for number in range(1, 101)]

    assert {limits.reserve(one, 100.0, is_paid=True) for one in people} == {0.0}
    assert [limits.reserve(people[0], 100.0, is_paid=True) for _ in range(3)] == [0.0, 0.0, pytest.approx(1.0)]
    assert limits.reserve(people[1], 100.0) == 0.0


def test_seeded_dice_fall_alike():
    def hits(seed):
        faults = FaultStore(seed)
        faults.add({"kind": "error", "probability": 0.3, "count": None})
        return [faults.match("sendMessage", 1) is not None for _ in range(200)]

    assert hits(7) == hits(7)
    assert hits(7) != hits(8)
