"""Updates reach the bot in order, once confirmed never again, and only one poller at a time."""

import asyncio

import pytest

from tests.sandbox.telegram_api.api_schema import check_update
from tests.sandbox.telegram_api.bot import until

ELSEWHERE = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


async def write(bot, chat, *texts):
    for text in texts:
        await bot.sandbox(f"chats/{chat}/text", {"text": text})


def texts(updates):
    return [one["message"]["text"] for one in updates]


async def poll_waits(bot):
    """Wait until a long poll has arrived at the server."""
    await until(lambda: bot.server.journal.in_flight)


async def test_what_a_person_writes_is_a_message_with_its_command(bot):
    chat = await bot.person(language_code="id")
    await write(bot, chat, "/start ref1")

    [update] = await bot.updates()

    check_update(update)
    assert update["message"]["from"] == {"id": chat, "is_bot": False, "first_name": "Rani", "language_code": "id"}
    assert update["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]


async def test_updates_stay_until_a_higher_offset_confirms_them(bot):
    chat = await bot.person()
    await write(bot, chat, "a", "b", "c")

    first = await bot.updates(limit=2)
    again = await bot.updates()
    rest = await bot.updates(offset=first[-1]["update_id"] + 1)

    assert (texts(first), texts(again), texts(rest)) == (["a", "b"], ["a", "b", "c"], ["c"])


async def test_a_negative_offset_keeps_only_the_last(bot):
    chat = await bot.person()
    await write(bot, chat, "a", "b", "c")

    assert texts(await bot.updates(offset=-1)) == ["c"]
    assert texts(await bot.updates()) == ["c"]


async def test_a_confirmed_message_is_seen(bot):
    chat = await bot.person()
    await write(bot, chat, "a")
    [update] = await bot.updates()

    await bot.updates(offset=update["update_id"] + 1)

    [message] = (await bot.get(f"chats/{chat}/messages"))["messages"]
    assert message["sandbox"]["is_seen"] is True


async def test_a_long_poll_ends_when_something_comes(bot):
    chat = await bot.person()
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(bot.updates(timeout=20))
        await poll_waits(bot)
        await write(bot, chat, "a")

    assert texts(poll.result()) == ["a"]


async def test_a_long_poll_ends_empty_after_its_time(bot):
    assert await bot.updates(timeout=1) == []


async def test_the_older_of_two_polls_is_refused(bot):
    chat = await bot.person()
    async with asyncio.TaskGroup() as group:
        older = group.create_task(bot.call("getUpdates", timeout=20))
        await poll_waits(bot)
        newer = group.create_task(bot.call("getUpdates", timeout=20))
        refused = await older
        await write(bot, chat, "a")

    assert refused.refusal == (409, ELSEWHERE)
    assert texts(newer.result().result) == ["a"]


@pytest.mark.parametrize(("allowed", "seen"), [(["callback_query"], []), (["message"], ["message"]), ([], ["message"])])
async def test_only_the_kinds_asked_for_are_queued(bot, allowed, seen):
    chat = await bot.person()
    await bot.updates(allowed_updates=allowed)

    await write(bot, chat, "a")

    assert [kind for one in await bot.updates() for kind in one if kind != "update_id"] == seen


async def test_blocking_and_unblocking_is_told_once_each(bot):
    chat = await bot.person()
    for act in ("block", "block", "unblock"):
        await bot.sandbox(f"chats/{chat}/{act}")

    changes = await bot.updates()

    for one in changes:
        check_update(one)
    assert [one["my_chat_member"]["new_chat_member"]["status"] for one in changes] == ["kicked", "member"]


async def test_a_channel_post_and_a_group_message_are_told(bot):
    channel = (await bot.sandbox("chats", {"title": "Record", "type": "channel"}))["id"]
    group = (await bot.sandbox("chats", {"title": "Desk", "type": "group"}))["id"]
    await write(bot, channel, "post")
    await write(bot, group, "/signal")

    updates = await bot.updates()

    for one in updates:
        check_update(one)
    assert [next(kind for kind in one if kind != "update_id") for one in updates] == ["channel_post", "message"]


async def test_a_repeated_or_broken_update_is_passed_on_as_it_is(bot):
    await bot.sandbox("updates", {"update_id": 5, "message": {"broken": True}})
    await bot.updates(offset=6)
    await bot.sandbox("updates", {"update_id": 5, "message": {"broken": True}})

    assert await bot.updates() == [{"update_id": 5, "message": {"broken": True}}]


async def test_a_button_that_is_not_there_cannot_be_pressed(bot):
    chat = await bot.person()
    path = f"{bot.server.url}/sandbox/chats/{chat}/press"

    async with bot.session.post(path, json={"message_id": 1, "data": "x"}) as response:
        assert (response.status, await response.json()) == (400, {"error": "message 1 has no button with this data"})
