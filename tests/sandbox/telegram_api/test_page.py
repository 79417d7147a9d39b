"""The phone page, clicked through in Chromium: what a person does, and what a person sees."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.sandbox.telegram_api.bot import png

CHROMIUM = Path("/usr/bin/chromium")
IS_CI = os.environ.get("CI") == "true"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.real,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not CHROMIUM.exists() and not IS_CI, reason=f"{CHROMIUM} is missing"),
]
BUTTONS = {"inline_keyboard": [[{"text": "Chart", "callback_data": "chart"}, {"text": "Why", "callback_data": "why"}]]}


WATCH = """([selector, seen]) => {
  window.shown = new Promise((tell) => {
    const look = () => {
      const element = document.querySelector(selector);
      if (element) tell(seen === "text" ? element.textContent : element.getAttribute(seen));
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  });
}"""


@pytest.fixture
async def page() -> AsyncIterator:
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=60_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        opened = await browser.new_page(viewport={"width": 390, "height": 844})
        opened.set_default_timeout(60_000)
        opened.complaints = []
        opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.on("console", lambda line: opened.complaints.append(line.text) if line.type == "error" else None)
        yield opened
        assert opened.complaints == []
        await browser.close()


async def answer(bot, update):
    """Be a small bot: greet, and on a press send the chart as a reply."""
    if "message" in update:
        chat = update["message"]["chat"]["id"]
        await bot.call(
            "sendMessage", chat_id=chat, text="<b>Welcome</b>, press one", parse_mode="HTML", reply_markup=BUTTONS
        )
        return
    query = update["callback_query"]
    place = {"chat_id": query["message"]["chat"]["id"]}
    await bot.call(
        "answerCallbackQuery", callback_query_id=query["id"], text="Drawing…", show_alert=query["data"] == "why"
    )
    await bot.call(
        "sendPhoto", **place, photo=png(), caption="The chart", reply_to_message_id=query["message"]["message_id"]
    )


@asynccontextmanager
async def showing(page, selector, seen):
    """Give what is shown for a moment after the block began: a text, or an attribute."""
    shown = []
    await page.evaluate(WATCH, [selector, seen])
    yield shown
    shown.append(await page.evaluate("window.shown"))


@asynccontextmanager
async def bot_running(bot):
    async def serve():
        offset = 0
        while True:
            for update in await bot.updates(offset=offset, timeout=20):
                offset = update["update_id"] + 1
                await answer(bot, update)

    serving = asyncio.ensure_future(serve())
    try:
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


async def test_a_person_starts_presses_and_sees_the_chart_as_a_reply(bot, page):
    from playwright.async_api import expect

    await bot.person()
    async with bot_running(bot):
        await page.goto(bot.server.url)
        await page.get_by_test_id("chat-item").click()
        await page.get_by_test_id("message-input").fill("/start")
        await page.keyboard.press("Enter")
        welcome = page.get_by_test_id("message").filter(has=page.get_by_test_id("inline-button"))
        await expect(welcome.locator("b")).to_have_text("Welcome")
        async with showing(page, "[data-testid=toast]", "text") as toast:
            await page.get_by_test_id("inline-button").get_by_text("Chart").click()

        assert toast == ["Drawing…"]
        await expect(page.get_by_test_id("photo").locator("img")).to_be_visible()
        assert (
            await page.get_by_test_id("photo")
            .locator("img")
            .evaluate("image => image.decode().then(() => image.naturalWidth)")
            == 640
        )
        await expect(page.get_by_test_id("reply-quote")).to_contain_text("Welcome, press one")
        async with showing(page, ".flash", "data-message-id") as flash:
            await page.get_by_test_id("reply-quote").click()
        assert flash == [await welcome.get_attribute("data-message-id")]
        await page.get_by_test_id("photo").click()
        await expect(page.get_by_test_id("viewer")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("viewer")).not_to_be_visible()

        await page.get_by_test_id("inline-button").get_by_text("Why").click()
        await expect(page.get_by_test_id("callback-alert")).to_contain_text("Drawing…")


async def test_edits_deletions_and_unread_counts_are_live(bot, page):
    from playwright.async_api import expect

    rani, budi = await bot.person(), await bot.person("Budi")
    await page.goto(f"{bot.server.url}/?chat={rani}")
    first = (await bot.call("sendMessage", chat_id=rani, text="one")).result["message_id"]
    await bot.call("sendMessage", chat_id=budi, text="for Budi")
    bubble = page.locator(f'[data-message-id="{first}"]')
    await expect(bubble.get_by_test_id("message-text")).to_contain_text("one")

    await bot.call("editMessageText", chat_id=rani, message_id=first, text="two")
    await expect(bubble.get_by_test_id("message-text")).to_contain_text("two")
    await expect(bubble.get_by_test_id("edited")).to_be_visible()
    await bot.call("deleteMessage", chat_id=rani, message_id=first)
    await expect(bubble).to_have_count(0)

    await page.get_by_test_id("back").click()
    await expect(page.locator(f'[data-chat-id="{budi}"]').get_by_test_id("unread")).to_have_text("1")
    await expect(page.locator(f'[data-chat-id="{rani}"]').get_by_test_id("unread")).to_have_count(0)


async def test_every_entity_is_shown_and_none_is_parsed_as_html(bot, page):
    chat = await bot.person()
    html = (
        "<b>b</b><i>i</i><u>u</u><s>s</s> <code>c</code>\n<pre>p</pre>\n<blockquote>q</blockquote>\n"
        '<a href="https://a.example/">l</a> <tg-spoiler>x</tg-spoiler> &lt;img src=x onerror=alert(1)&gt; /why'
    )
    await page.goto(f"{bot.server.url}/?chat={chat}")
    await bot.call("sendMessage", chat_id=chat, text=html, parse_mode="HTML")
    text = page.get_by_test_id("message-text")
    await text.wait_for()

    for selector in (
        "b",
        "i",
        "u",
        "s",
        "code",
        "pre",
        "blockquote",
        "a[href='https://a.example/']",
        ".spoiler",
        "a[role=button]",
    ):
        assert await text.locator(selector).count() == 1, selector
    assert await text.locator("img").count() == 0
    assert "<img src=x onerror=alert(1)>" in await text.inner_text()


async def test_commands_come_from_the_menu_and_blocking_closes_the_box(bot, page):
    from playwright.async_api import expect

    chat = await bot.person()
    await bot.call("setMyCommands", commands=[{"command": "status", "description": "Open position"}])
    await page.goto(f"{bot.server.url}/?chat={chat}")
    await page.get_by_test_id("command-menu").click()
    await page.get_by_test_id("command").click()
    await expect(page.get_by_test_id("message")).to_contain_text("/status")

    await page.get_by_test_id("chat-menu").click()
    await page.get_by_text("Stop and block bot").click()
    await page.get_by_test_id("restart").click()
    await expect(page.get_by_test_id("message-input")).to_be_visible()
    await expect(page.get_by_test_id("message").last).to_contain_text("/start")
    assert [next(key for key in one if key != "update_id") for one in await bot.updates()] == [
        "message",
        "my_chat_member",
        "my_chat_member",
        "message",
    ]


async def test_the_page_finds_what_it_missed_while_it_was_away(bot, page):
    from playwright.async_api import expect

    chat = await bot.person()
    await page.goto(f"{bot.server.url}/?chat={chat}")
    await bot.call("sendMessage", chat_id=chat, text="before")
    await expect(page.get_by_test_id("message")).to_have_count(1)

    for listener in list(bot.server.world.events._listeners):
        listener.tell(None)
    await bot.call("sendMessage", chat_id=chat, text="meanwhile")

    await expect(page.get_by_test_id("message")).to_have_count(2)
