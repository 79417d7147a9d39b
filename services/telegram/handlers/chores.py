"""What must be done now and then, and may fail without harm: the menu of commands, old rows."""

import asyncio

import structlog

from chassis.errors import TransientError
from services.telegram.domain import attempt
from services.telegram.domain.commands import COMMANDS
from services.telegram.domain.words import DEFAULT_LANGUAGE, LANGUAGES, Catalogue
from services.telegram.ports import CallFailedError, Chat, Deliveries, Forgotten

PRUNE_EVERY_S = 3600.0
FORGOTTEN_DAYS = 3
"""SENDS is kept for two: what was said before is gone by then."""

logger = structlog.get_logger()


async def name_commands(chat: Chat, words: Catalogue) -> None:
    """Set the menu of commands for readers of each language and for everybody else; tried until it works."""
    for language in (None, *LANGUAGES):
        speaker = words[language or DEFAULT_LANGUAGE]
        shown = [one for one in COMMANDS if not one.is_for_operators]
        menu = [(one.name_in(speaker.language), speaker(f"command.{one.name}")) for one in shown]
        failures = 0
        while True:
            try:
                await chat.name_commands(menu, language)
                break
            except CallFailedError as e:
                failures += 1
                logger.info("commands.delayed", reason=str(e.fault.kind), attempt=failures)
                await asyncio.sleep(e.fault.retry_after_s or attempt.backoff_s(failures + 2))


async def prune(deliveries: Deliveries, forgotten: Forgotten, keep_days: int) -> None:
    """Delete old rows every hour, for ever."""
    while True:
        try:
            gone = await deliveries.prune(keep_days)
            await forgotten.prune(FORGOTTEN_DAYS)
            logger.info("deliveries.pruned", count=gone)
        except TransientError as e:
            logger.info("deliveries.unpruned", error=str(e))
        await asyncio.sleep(PRUNE_EVERY_S)
