"""What an update becomes, whatever it holds: groups, repeats, nonsense, people who block us."""

from datetime import timedelta

import pytest

from chassis.errors import AskFailedError, RejectedError
from contracts.asks import (
    DeactivateSubscriber,
    GetStatus,
)
from tests.telegram.builders import (
    NOW,
)
from tests.telegram.phone import words


async def test_when_nobody_behind_answers_the_person_is_told(phone):
    phone.room.errors[GetStatus] = AskFailedError("internal", "bug")
    assert "gangguan singkat" in words(await phone.types("/status"))


async def test_when_the_positions_room_is_away_the_person_is_told(phone):
    phone.bus._answerers.clear()
    assert "gangguan singkat" in words(await phone.types("/monitor"))


async def test_groups_are_not_spoken_to(phone):
    assert await phone.types("/status", chat_type="group") is None


async def test_a_repeated_update_is_the_same_answer(phone):
    first = await phone.types("/status")
    phone._updates = 0
    assert await phone.types("/status") is None
    assert first.id == "m:reply:1"


async def test_an_update_that_is_none_is_refused_for_good(phone):
    with pytest.raises(RejectedError, match="not an update"):
        await phone.dialogue.feed(b'{"update_id": 1, "message": {"chat": 7}}', "")


def a_change(phone, status, **more):
    member = {"user": {"id": 1, "is_bot": True, "first_name": "b"}, "status": "member"}
    return {
        "chat": {"id": 77, "type": "private", "first_name": "B"},
        "from": phone._person(),
        "date": int(NOW.timestamp()),
        "old_chat_member": member,
        "new_chat_member": {**member, "status": status, **more},
    }


async def test_a_person_who_blocks_us_is_told_to_the_positions_room_and_answered_nothing(phone):
    assert await phone._feed({"my_chat_member": a_change(phone, "kicked", until_date=0)}) is None

    assert phone.room.asked == [
        DeactivateSubscriber(subscriber_id=77, reason="blocked", seen_at=NOW + timedelta(seconds=1))
    ]


async def test_a_stranger_who_blocks_us_and_a_person_who_comes_back_change_nothing(phone):
    assert await phone._feed({"my_chat_member": a_change(phone, "member")}) is None
    assert phone.room.asked == []
    phone.room.people.clear()

    assert await phone._feed({"my_chat_member": a_change(phone, "kicked", until_date=0)}) is None
