"""A short flood wait is held, a long one is refused, and no chat pays for another."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from sandbox.telegram_api.chats import Chat
from sandbox.telegram_api.errors import ApiError
from sandbox.telegram_api.limits import Limits
from sandbox.telegram_api.settings import LimitSettings, ServerSettings

RANI = Chat(1, "private", "Rani")
BUDI = Chat(2, "private", "Budi")
DESK = Chat(-5, "group", "Desk")


def waits(limits, chat, count, now=100.0):
    return [round(limits.reserve(chat, now), 3) for _ in range(count)]


def test_a_private_chat_takes_three_at_once_then_one_a_second():
    assert waits(Limits(LimitSettings()), RANI, 6) == [0, 0, 0, 1, 2, 3]


def test_beyond_eight_seconds_a_call_is_refused_and_takes_nothing():
    limits = Limits(LimitSettings())
    waits(limits, RANI, 11)

    refusals = []
    for _ in range(3):
        with pytest.raises(ApiError) as refused:
            limits.reserve(RANI, 100.0)
        refusals.append(refused.value.body())

    assert (
        refusals
        == [
            {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 9",
                "parameters": {"retry_after": 9},
            }
        ]
        * 3
    )
    assert limits.reserve(RANI, 109.0) == 0


def test_a_group_takes_twenty_in_any_minute():
    limits = Limits(LimitSettings(all_count=1000))
    waits(limits, DESK, 20)

    with pytest.raises(ApiError, match="retry after 60"):
        limits.reserve(DESK, 100.0)
    assert waits(limits, DESK, 2, now=155.0) == [5, 5]


def test_all_chats_together_take_thirty_a_second():
    limits = Limits(LimitSettings())

    got = [limits.reserve(Chat(number, "private", "x"), 100.0) for number in range(1, 92)]

    assert got == [0] * 30 + [1] * 30 + [2] * 30 + [3]


def test_one_chats_wait_is_not_anothers():
    limits = Limits(LimitSettings())
    waits(limits, RANI, 8)

    assert limits.reserve(BUDI, 100.0) == 0


def test_a_pause_gives_the_burst_back_but_no_more():
    limits = Limits(LimitSettings())
    waits(limits, RANI, 3)

    assert waits(limits, RANI, 4, now=1000.0) == [0, 0, 0, 1]


class TestOverHttp:
    @pytest.fixture
    def settings(self):
        quick = LimitSettings(private_interval_s=0.1, private_burst=1, longest_hold_s=0.25, webhook_interval_s=0)
        return ServerSettings(limits=quick)

    @pytest.fixture(autouse=True)
    def _calls_come_at_one_moment(self, monkeypatch):
        """How long a call is held is real; when it came is not, so that a slow machine changes no answer."""
        moment = SimpleNamespace(time=time.time, monotonic=lambda: 100.0)
        monkeypatch.setattr("sandbox.telegram_api.bot_endpoint.time", moment)

    async def test_a_held_call_is_only_slow_then_429_carries_the_header(self, bot):
        chat, began = await bot.person(), time.monotonic()

        answers = await asyncio.gather(*(bot.call("sendMessage", chat_id=chat, text=str(n)) for n in range(5)))

        sent = [one for one in answers if one.status == 200]
        assert (len(sent), time.monotonic() - began > 0.19) == (3, True)
        refused = next(one for one in answers if one.status == 429)
        assert refused.headers["Retry-After"] == "1"
        assert sum(entry.held_s > 0 for entry in bot.server.journal.entries()) == 2

    async def test_edits_count_and_answers_and_actions_do_not(self, bot):
        chat = await bot.person()
        sent = (await bot.call("sendMessage", chat_id=chat, text="a")).result
        for _ in range(8):
            assert (await bot.call("sendChatAction", chat_id=chat, action="typing")).result

        edits = [
            bot.call("editMessageText", chat_id=chat, message_id=sent["message_id"], text=str(n)) for n in range(4)
        ]

        assert sorted(one.status for one in await asyncio.gather(*edits)) == [200, 200, 429, 429]
