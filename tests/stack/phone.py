"""The phone page of a running stack, as a person uses it."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Locator, Page, async_playwright

PHONE = {"width": 390, "height": 844}


@asynccontextmanager
async def open_phone(url: str, *, dark: bool = False) -> AsyncIterator[Page]:
    """Open a chat in the system's Chromium, at a phone's size."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        pytest.fail("Chromium was not found: deploy/ensure_chromium.sh installs it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        try:
            context = await browser.new_context(
                viewport=PHONE, device_scale_factor=2, color_scheme="dark" if dark else "light"
            )
            page = await context.new_page()
            await page.goto(url)
            yield page
        finally:
            await browser.close()


async def say(page: Page, text: str) -> None:
    """Type a text and send it."""
    await page.get_by_test_id("message-input").fill(text)
    await page.get_by_test_id("send-button").click()


def message(page: Page, text: str) -> Locator:
    """Find the bubbles that say something."""
    return page.get_by_test_id("message").filter(has_text=text)
