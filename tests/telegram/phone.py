"""A person with a phone in front of the gateway's conversation: types, presses, reads."""

import json
import re
from contextlib import asynccontextmanager

from chassis.clock import ManualClock
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from services.telegram.adapters.aiogram_chat import open_bot
from services.telegram.adapters.aiogram_dialogue import AiogramDialogue
from services.telegram.domain.presses import unpack
from services.telegram.handlers.conversation import Conversation
from services.telegram.handlers.desk import Desk
from tests.telegram.builders import (
    NOW,
    WORDS,
    subscriber,
)
from tests.telegram.fake_chat import FakeChat
from tests.telegram.memory_dashboards import MemoryDashboards
from tests.telegram.positions_room import PositionsRoom

TOKEN = "1000000001:SANDBOX-sandbox-SANDBOX-sandbox-001"


class Phone:
    """A person with a phone: types, presses, reads."""

    def __init__(self, room, bus, chat, dialogue, clock):
        self.room, self.bus, self.chat, self.dialogue, self.clock = room, bus, chat, dialogue, clock
        self.language_code = "id"
        self._updates = 0

    async def types(self, text, *, chat_type="private", at=NOW, answers=1):
        entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
        message = {
            "message_id": 10,
            "date": int(at.timestamp()),
            "chat": {"id": 77, "type": chat_type, "first_name": "Budi"},
            "from": self._person(),
            "text": text,
            "entities": [entity] if text.startswith("/") else [],
        }
        return await self._feed({"message": message}, answers)

    async def presses(self, data, message_id=55, answers=1):
        message = {
            "message_id": message_id,
            "date": int(NOW.timestamp()),
            "chat": {"id": 77, "type": "private", "first_name": "Budi"},
            "text": "x",
        }
        press = {"id": "press-1", "from": self._person(), "message": message, "chat_instance": "1", "data": data}
        self.chat.presses.add("press-1")
        return await self._feed({"callback_query": press}, answers)

    async def _feed(self, body, answers=1):
        """Hand an update in; returns the answer or None, or a list where more than one is expected."""
        before = len(self.bus.said(catalogue.SEND))
        self._updates += 1
        await self.dialogue.feed(json.dumps({"update_id": self._updates, **body}).encode(), "")
        said = self.bus.said(catalogue.SEND)[before:]
        assert len(said) <= answers
        if answers > 1:
            return said
        return said[0] if said else None

    def _person(self):
        return {"id": 77, "is_bot": False, "first_name": "Budi <b>", "language_code": self.language_code}


@asynccontextmanager
async def a_phone(operators=()):
    """Open a phone in front of a conversation; 77 is its owner."""
    clock = ManualClock(NOW)
    bus, chat = MemoryBus(clock), FakeChat(people={77})
    room = PositionsRoom([subscriber()])
    desk = Desk(bus, MemoryDashboards(), room.forgotten, WORDS, clock, "XAUUSD", operators)
    async with (
        open_bot(TOKEN, "http://127.0.0.1:1", timeout_s=1, connections=1) as bot,
        room.answering(bus),
    ):
        yield Phone(room, bus, chat, AiogramDialogue(bot, Conversation(desk, chat)), clock)


def english(phone):
    phone.room.people[77] = subscriber(language="en")


def words(message):
    return re.sub(r"<[^>]*>", "", message.content.html)


def pressables(message):
    return [unpack(one.data) for row in message.content.buttons for one in row]
