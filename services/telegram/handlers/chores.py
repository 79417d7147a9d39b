"""What must be done now and then, and may fail without harm: the menu of commands, old rows."""

import asyncio
from collections.abc import Sequence

import structlog

from chassis.errors import TransientError
from services.telegram.domain import attempt
from services.telegram.domain.commands import commands_for
from services.telegram.domain.outcome import Verdict, judge
from services.telegram.domain.words import DEFAULT_LANGUAGE, LANGUAGES, Catalogue, Words
from services.telegram.ports import CallFailedError, Chat, Deliveries, Forgotten

PRUNE_EVERY_S = 3600.0
FORGOTTEN_DAYS = 3
"""SENDS is kept for two: what was said before is gone by then."""

logger = structlog.get_logger()


async def name_commands(chat: Chat, words: Catalogue, operators: Sequence[int] = ()) -> None:
    """Set the menu of commands for readers of each language and for everybody else, then the larger one of each
    operator; tried until it works. An operator whom Telegram does not know (who never pressed start) goes without.
    """
    for chat_id in (None, *operators):
        for language in (None, *LANGUAGES):
            await _name_commands(chat, words[language or DEFAULT_LANGUAGE], language, chat_id)


async def _name_commands(chat: Chat, speaker: Words, language: str | None, chat_id: int | None) -> None:
    commands = commands_for(is_operator=chat_id is not None)
    menu = [(one.name_in(speaker.language), speaker(f"command.{one.name}")) for one in commands]
    failures = 0
    while True:
        try:
            await chat.name_commands(menu, language, chat_id=chat_id)
        except CallFailedError as e:
            failures += 1
            logger.info("commands.delayed", reason=str(e.fault.kind), chat_id=chat_id, attempt=failures)
            if chat_id is not None and judge(e.fault).verdict in (Verdict.UNREACHABLE, Verdict.DEAD):
                return
            await asyncio.sleep(e.fault.retry_after_s or attempt.backoff_s(failures + 2))
        else:
            return


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
