"""A subscriber's first hour on the phone page: every part of the product is real but the venue and Telegram."""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from sandbox.stack.people import People
from sandbox.stack.stack import Market, Stack
from tests.stack.phone import message, open_phone, say

pytestmark = [pytest.mark.real, pytest.mark.browser, pytest.mark.stack]

SOON_MS = 60_000
A_MARKET_HOUR_MS = 90_000


@pytest.mark.timeout(240)
async def test_a_subscriber_starts_listens_and_is_told_how_the_trade_ended(tmp_path: Path) -> None:
    pictures = Path(os.environ.get("SINYAL_PICTURES", tmp_path))
    async with Stack(Market(speed=60.0)) as stack:
        async with People(stack.layout.telegram_url) as people:
            chat = await people.join("Ani", "en")
        async with open_phone(f"{stack.layout.telegram_url}/?chat={chat}", dark=True) as page:
            await say(page, "/start")
            await expect(message(page, "Sinyal").last).to_be_visible(timeout=SOON_MS)

            await say(page, "/monitor")
            await expect(message(page, "Automatic signals are").last).to_be_visible(timeout=SOON_MS)
            await page.screenshot(path=pictures / "phone-start.png")

            signal = (
                page.get_by_test_id("message").filter(has_text="Entry").filter(has=page.get_by_test_id("photo")).first
            )
            await expect(signal).to_be_visible(timeout=A_MARKET_HOUR_MS)
            await expect(signal.get_by_test_id("photo").locator("img")).to_have_js_property(
                "naturalWidth", 1280, timeout=SOON_MS
            )
            await page.screenshot(path=pictures / "phone-signal.png")

            await signal.get_by_test_id("inline-button").filter(has_text="Status").click()
            await say(page, "/status")
            await expect(message(page, "XAUUSD").last).to_be_visible(timeout=SOON_MS)

            outcome = (
                page.get_by_test_id("message")
                .filter(has=page.get_by_test_id("reply-quote"))
                .filter(has_text="P/L")
                .first
            )
            await expect(outcome).to_be_visible(timeout=A_MARKET_HOUR_MS)
            await outcome.scroll_into_view_if_needed()
            await page.screenshot(path=pictures / "phone-outcome.png")

            await say(page, "/history")
            await expect(message(page, "/history").last).to_be_visible(timeout=SOON_MS)
            await expect(message(page, "P/L").last).to_be_visible(timeout=SOON_MS)
            await page.screenshot(path=pictures / "phone-history.png")

            await say(page, "/performance")
            figures = message(page, "Your performance").filter(has=page.get_by_test_id("photo"))
            await expect(figures).to_contain_text("Trades ", timeout=SOON_MS)
            await expect(figures.get_by_test_id("photo").locator("img")).to_have_js_property(
                "naturalWidth", 1280, timeout=SOON_MS
            )
            await page.screenshot(path=pictures / "phone-performance.png")
    assert stack.remains() == []
