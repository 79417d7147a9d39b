"""/settings clicked through on the phone page in Chromium, through the whole gateway: polled, answered, edited."""

import asyncio
import os
import re
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings
from services.telegram.adapters.aiogram_chat import AiogramChat, open_bot
from services.telegram.adapters.aiogram_dialogue import AiogramDialogue
from services.telegram.adapters.aiohttp_updates import open_updates
from services.telegram.adapters.postgres_dashboards import PostgresDashboards
from services.telegram.domain.words import in_language
from services.telegram.handlers.conversation import Conversation
from services.telegram.handlers.desk import Desk
from services.telegram.handlers.receiver import Receiver
from services.telegram.handlers.updates import UpdateWorker
from tests.telegram.builders import WORDS
from tests.telegram.gateway import a_gate
from tests.telegram.positions_room import PositionsRoom
from tests.telegram.test_chat_contract import TOKEN

CHROMIUM = Path("/usr/bin/chromium")
IS_CI = os.environ.get("CI") == "true"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.real,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM.exists() and not IS_CI, reason=f"{CHROMIUM} is missing"),
]


@pytest.fixture
async def page():
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"], timeout=120_000
        )
        opened = await browser.new_page(viewport={"width": 390, "height": 844})
        opened.set_default_timeout(60_000)
        yield opened
        await browser.close()


@asynccontextmanager
async def bot_running(gateway, server, room):
    """Run the gateway's two halves on the server."""
    stop = asyncio.Event()
    async with (
        open_bot(TOKEN, server.url, timeout_s=30, connections=8) as bot,
        open_updates(TOKEN, server.url, 1) as source,
        room.answering(gateway.bus),
    ):
        gateway.chat = AiogramChat(bot)
        desk = Desk(gateway.bus, PostgresDashboards(gateway.pool), gateway.forgotten, WORDS, gateway.clock, "XAUUSD")
        dialogue = AiogramDialogue(bot, Conversation(desk, gateway.chat))
        async with gateway.running(), asyncio.TaskGroup() as group:
            group.create_task(Receiver(gateway.bus, source, gateway.clock).run(stop))
            group.create_task(UpdateWorker(gateway.bus, dialogue, gateway.clock, a_gate()).run(stop))
            try:
                yield
            finally:
                stop.set()


async def test_a_person_changes_settings_by_pressing_and_by_typing(gateway, page):
    from playwright.async_api import expect

    expect.set_options(timeout=60_000)
    room = PositionsRoom()
    async with TelegramApiServer(TOKEN, settings=ServerSettings(limits=NO_LIMITS)) as server:
        asking = page.context.request
        await asking.post(f"{server.url}/sandbox/chats", data={"first_name": "Budi", "language_code": "en"})
        async with bot_running(gateway, server, room):
            await page.goto(server.url)
            await page.get_by_test_id("chat-item").click()
            await say(page, "/start")
            await expect(page.get_by_test_id("message").filter(has_text="Welcome, Budi")).to_be_visible()
            await say(page, "/settings")
            menu = page.get_by_test_id("message").filter(has_text="Daily loss limit")
            await expect(menu).to_be_visible()

            await press(menu, "Lots")
            lots = page.get_by_test_id("message").filter(has_text="A fixed size")
            await press(lots, "0.05")
            await expect(lots).to_contain_text("Now: 0.05")
            await press(lots, "Back")
            await expect(menu).to_contain_text("Lots: 0.05")
            await expect(page.get_by_test_id("message").filter(has_text="A fixed size")).to_have_count(0)

            await say(page, "/settings lots 7")
            await expect(page.get_by_test_id("message").filter(has_text="is not possible here")).to_be_visible()
    assert [str(person.lots) for person in room.people.values()] == ["0.05"]


async def say(page, text):
    await page.get_by_test_id("message-input").fill(text)
    await page.keyboard.press("Enter")


async def press(message, label):
    await message.get_by_test_id("inline-button").get_by_text(label, exact=label != "Back").click()


@pytest.mark.parametrize("language", ["en", "id"])
async def test_x15_a_person_chooses_what_he_is_told_of_on_one_page(gateway, page, language):
    from playwright.async_api import expect

    expect.set_options(timeout=60_000)
    room, words = PositionsRoom(), in_language(WORDS, language)
    async with TelegramApiServer(TOKEN, settings=ServerSettings(limits=NO_LIMITS)) as server:
        asking = page.context.request
        await asking.post(f"{server.url}/sandbox/chats", data={"first_name": "Budi", "language_code": language})
        async with bot_running(gateway, server, room):
            await page.goto(server.url)
            await page.get_by_test_id("chat-item").click()
            await say(page, "/start")
            await expect(page.get_by_test_id("message").filter(has_text=", Budi!")).to_be_visible()
            await say(page, "/settings")
            first = page.get_by_test_id("message").filter(has_text=words("settings.daily_loss_percent"))
            await press(first, words("button.notify"))
            table = page.get_by_test_id("message").filter(has_text=words("settings.notify_stop"))
            buttons = table.get_by_test_id("inline-button")
            await expect(buttons).to_have_count(5 * 4 + 3 + 1)

            await buttons.nth(7).click()  # the result: off
            await expect(table).to_contain_text(f"{words('settings.notify_exit')}: 🚫")
            await buttons.nth(14).click()  # stop moves: silent
            await expect(buttons.nth(14)).to_have_text("✔ 🔕")
            await expect_rows(table, [4, 4, 4, 4, 4, 3, 1])
            await expect_nothing_cut(buttons)

            await buttons.nth(3).click()  # signals: off
            signals = page.get_by_test_id("message").filter(has_text=re.compile("/stopmonitor |/berhenti "))
            await expect(signals).to_contain_text(words("settings.notify_signal"))
            await press(signals, words("button.back"))
            await press(table, words("button.back"))
            await expect(first).to_contain_text("🔔 3 · 🔕 1 · 🚫 1")
    (hearing,) = [one.hearing for one in room.preferences.values()]
    assert str(hearing) == "exit=off,stop=silent"


IS_WHOLE = """
    it => [it, ...it.querySelectorAll("*")].every(one => !one.clientWidth || one.scrollWidth <= one.clientWidth + 1)
"""


async def expect_nothing_cut(buttons):
    """Hold each label to the width of its button."""
    assert [await one.inner_text() for one in await buttons.all() if not await one.evaluate(IS_WHOLE)] == []


async def expect_rows(message, widths):
    """Hold buttons to the rows they were given: none wraps at a phone's width."""
    tops = [
        box["y"] for one in await message.get_by_test_id("inline-button").all() if (box := await one.bounding_box())
    ]
    assert [tops.count(top) for top in sorted(set(tops))] == widths
