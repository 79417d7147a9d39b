"""Updates are pushed in order per chat, tried again with a growing delay, and carry the secret."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.sandbox.telegram_api.api_schema import check_result, check_update
from tests.sandbox.telegram_api.bot import until

ACTIVE = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class Receiver:
    """A bot's own server: answers as told, remembers what came."""

    def __init__(self):
        self.answers = {}
        self.reply = None
        self.pushed = []
        self.secrets = []
        self.came = asyncio.Event()

    async def receive(self, request):
        update = await request.json()
        check_update(update)
        text = update["message"]["text"]
        self.pushed.append(text)
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        self.came.set()
        planned = self.answers.get(text, [])
        status = planned.pop(0) if planned else 200
        return web.json_response(self.reply) if self.reply and status == 200 else web.Response(status=status)

    async def wait_for(self, count):
        async with asyncio.timeout(60):
            while len(self.pushed) < count:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def receiving():
    receiver, application = Receiver(), web.Application()
    application.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def write(bot, chat, *texts):
    for text in texts:
        await bot.sandbox(f"chats/{chat}/text", {"text": text})


async def test_updates_are_pushed_with_the_secret(bot):
    chat = await bot.person()
    async with receiving() as receiver:
        answer = await bot.call("setWebhook", url=receiver.url, secret_token="s3cret_-")
        await write(bot, chat, "a", "b")
        await receiver.wait_for(2)

    assert answer.body == {"ok": True, "result": True, "description": "Webhook was set"}
    assert (receiver.pushed, receiver.secrets) == (["a", "b"], ["s3cret_-"] * 2)


async def test_a_failing_update_is_tried_again_and_holds_up_only_its_own_chat(bot):
    rani, budi = await bot.person(), await bot.person("Budi")
    async with receiving() as receiver:
        receiver.answers["r1"] = [500, 500, 403]
        await bot.call("setWebhook", url=receiver.url)
        await write(bot, rani, "r1", "r2")
        await write(bot, budi, "b1")
        await receiver.wait_for(6)

    assert [one for one in receiver.pushed if one.startswith("r")] == ["r1", "r1", "r1", "r1", "r2"]
    assert receiver.pushed.index("b1") < receiver.pushed.index("r2")


async def test_the_last_error_is_told(bot):
    chat = await bot.person()
    async with receiving() as receiver:
        receiver.answers["a"] = [500]
        await bot.call("setWebhook", url=receiver.url, max_connections=3, allowed_updates=["message"])
        await write(bot, chat, "a")
        await receiver.wait_for(2)
        info = (await bot.call("getWebhookInfo")).result

    check_result("getWebhookInfo", info)
    assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"
    assert (info["max_connections"], info["allowed_updates"]) == (3, ["message"])


async def test_polling_is_refused_while_a_webhook_is_set_and_goes_on_afterwards(bot):
    chat = await bot.person()
    async with receiving() as receiver:
        receiver.answers["a"] = [500] * 1000
        await bot.call("setWebhook", url=receiver.url)
        await write(bot, chat, "a")
        await receiver.wait_for(1)
        refused = await bot.call("getUpdates")
        deleted = await bot.call("deleteWebhook")

    assert refused.refusal == (409, ACTIVE)
    assert deleted.body["description"] == "Webhook was deleted"
    assert [one["message"]["text"] for one in await bot.updates()] == ["a"]


async def test_pending_updates_are_dropped_on_request(bot):
    await write(bot, await bot.person(), "a")

    await bot.call("deleteWebhook", drop_pending_updates=True)

    assert await bot.updates() == []


async def test_setting_a_webhook_ends_a_running_poll(bot):
    async with receiving() as receiver, asyncio.TaskGroup() as group:
        poll = group.create_task(bot.call("getUpdates", timeout=20))
        await until(lambda: bot.server.journal.in_flight)
        await bot.call("setWebhook", url=receiver.url)
        refused = await poll

    assert refused.refusal == (409, "Conflict: terminated by setWebhook request")


async def test_a_method_in_the_receivers_answer_is_executed(bot):
    chat = await bot.person()
    async with receiving() as receiver:
        receiver.reply = {"method": "sendMessage", "chat_id": chat, "text": "at once"}
        await bot.call("setWebhook", url=receiver.url)
        await write(bot, chat, "a")
        await until(lambda: [one for one in bot.server.journal.entries() if one.method == "sendMessage"])

    shown = (await bot.get(f"chats/{chat}/messages"))["messages"]
    assert [one["text"] for one in shown] == ["a", "at once"]


async def test_the_same_webhook_again_is_already_set(bot):
    async with receiving() as receiver:
        await bot.call("setWebhook", url=receiver.url)
        again = await bot.call("setWebhook", url=receiver.url)

    assert again.body["description"] == "Webhook is already set"
    assert (await bot.call("setWebhook", url="")).body["description"] == "Webhook was deleted"
    assert (await bot.call("deleteWebhook")).body["description"] == "Webhook is already deleted"


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [
        ("http://a.example/hook", "", "bad webhook: An HTTPS URL must be provided for webhook"),
        ("https://a.example:8444/hook", "", "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"),
        ("http://127.0.0.1:1/hook", "", "bad webhook: Connection refused"),
        ("ftp://127.0.0.1/", "", "invalid webhook URL specified"),
        ("http://127.0.0.1:1/hook", "x" * 257, "secret token is too long"),
        ("http://127.0.0.1:1/hook", "a b", "secret token contains unallowed characters"),
    ],
)
async def test_a_wrong_webhook_is_refused(bot, url, secret, words):
    assert (await bot.call("setWebhook", url=url, secret_token=secret)).refusal == (400, f"Bad Request: {words}")
