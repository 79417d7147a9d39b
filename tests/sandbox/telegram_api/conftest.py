"""A server without limits, and a bot that speaks to it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.telegram_api.server import TelegramApiServer
from sandbox.telegram_api.settings import NO_LIMITS, ServerSettings, WebhookSettings
from tests.sandbox.telegram_api.bot import TOKEN, Bot

QUICK = ServerSettings(
    limits=NO_LIMITS, webhook=WebhookSettings(first_delay_s=0.02, longest_delay_s=0.05), conflict_delay_s=0.2
)


@pytest.fixture
def settings() -> ServerSettings:
    return QUICK


@pytest.fixture
async def server(settings: ServerSettings) -> AsyncIterator[TelegramApiServer]:
    async with TelegramApiServer(TOKEN, settings=settings) as running:
        yield running


@pytest.fixture
async def bot(server: TelegramApiServer) -> AsyncIterator[Bot]:
    async with aiohttp.ClientSession() as session:
        yield Bot(server, session)
