"""What is done now and then: it is tried until it works and harms nobody."""

import asyncio

import pytest

from chassis.errors import TransientError
from services.telegram.domain.commands import COMMANDS
from services.telegram.handlers import chores
from tests.telegram.builders import WORDS
from tests.telegram.fake_chat import CUT_BEFORE, FakeChat, Trouble, said
from tests.telegram.gateway import until


async def test_the_menu_speaks_each_language():
    chat = FakeChat()

    await chores.name_commands(chat, WORDS)

    assert ("berhenti", "matikan sinyal otomatis") in chat.menus["id"]
    assert ("stopmonitor", "turn automatic signals off") in chat.menus["en"]
    assert chat.menus[None] == chat.menus["id"]


async def test_an_operator_has_a_larger_menu_and_one_who_never_came_stops_nothing():
    chat = FakeChat(people={2})

    await chores.name_commands(chat, WORDS, operators=(1, 2))

    assert ("dlq", "pesan mati") in chat.menus["id", 2]
    assert ("dlq", "dead letters") in chat.menus["en", 2]
    assert "dlq" not in dict(chat.menus["id"])
    assert ("id", 1) not in chat.menus


@pytest.mark.parametrize("fault", [CUT_BEFORE, said(429, "Too Many Requests: retry after 1", 0.01)])
async def test_the_menu_is_tried_until_it_stands(monkeypatch, fault):
    monkeypatch.setattr(chores.attempt, "backoff_s", lambda _: 0.01)
    chat = FakeChat(troubles=[Trouble(fault, count=2)])

    await chores.name_commands(chat, WORDS)

    assert len(chat.menus) == 3


def test_every_word_means_one_command_and_telegram_takes_it():
    words = [word for command in COMMANDS for word in command.spellings]
    assert len(set(words)) == len(words)
    assert all(word.isascii() and word.islower() and len(word) <= 32 for word in words)


async def test_old_rows_are_deleted_even_after_the_database_was_away(monkeypatch):
    monkeypatch.setattr(chores, "PRUNE_EVERY_S", 0.01)
    asked = []

    class Deliveries:
        async def prune(self, keep_days):
            asked.append(keep_days)
            if len(asked) == 1:
                raise TransientError("away")
            return 3

    class Forgotten:
        async def prune(self, days):
            asked.append(days)

    pruning = asyncio.ensure_future(chores.prune(Deliveries(), Forgotten(), 30))
    await until(lambda: len(asked) >= 3)
    pruning.cancel()

    assert asked[:3] == [30, 30, 3]
