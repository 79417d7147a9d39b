"""/export and /deleteme: a person takes his data along, and goes without a trace."""

from datetime import timedelta

from chassis.errors import AskFailedError
from contracts.asks import EraseSubscriber
from services.telegram.domain.presses import Press, Verb
from tests.telegram.builders import NOW
from tests.telegram.phone import english, pressables, words


async def test_erasing_is_asked_for_twice(phone):
    answer = await phone.types("/deleteme")

    assert "Hapus semua data Anda?" in words(answer)
    assert "tanpa apa pun yang menunjuk kepada Anda" in words(answer)
    assert pressables(answer) == [Press(Verb.ERASE, "yes"), Press(Verb.ERASE, "no")]
    assert 77 in phone.room.people


async def test_who_confirms_is_erased_in_both_rooms_before_he_is_told(phone):
    english(phone)
    answer = await phone.presses("erase:yes")

    assert phone.room.asked[-1] == EraseSubscriber(subscriber_id=77, asked_at=NOW + timedelta(seconds=1))
    assert (phone.room.people, phone.room.forgotten.people) == ({}, {77: NOW})
    assert "All your data has been erased" in words(answer)
    assert (answer.at >= NOW, answer.content.edit_message_id) == (True, 55)


async def test_a_confirmation_that_comes_again_is_answered_again(phone):
    await phone.presses("erase:yes")
    phone.room.forgotten.people.clear()  # the process died between the two rooms

    assert "telah dihapus" in words(await phone.presses("erase:yes"))
    assert phone.room.forgotten.people == {77: NOW}


async def test_who_changes_his_mind_stays(phone):
    assert "Tidak ada yang dihapus" in words(await phone.presses("erase:no"))
    assert 77 in phone.room.people


async def test_an_old_confirmation_erases_nobody(phone):
    phone.clock.advance(16 * 60)

    assert "terlalu lama" in words(await phone.presses("erase:yes"))
    assert 77 in phone.room.people


async def test_a_late_repeat_forgets_nobody_who_has_come_back(phone):
    phone.room.errors[EraseSubscriber] = AskFailedError("registered_since", "he has come since")

    assert "terlalu lama" in words(await phone.presses("erase:yes"))
    assert phone.room.forgotten.people == {}


async def test_erasing_that_does_not_work_now_says_so_and_forgets_nobody(phone):
    phone.room.errors[EraseSubscriber] = AskFailedError("unavailable", "database away")

    await phone.presses("erase:yes")

    assert phone.room.forgotten.people == {}


async def test_a_person_is_handed_his_data_as_two_files(phone):
    english(phone)
    everything, table = await phone.types("/export", answers=2)

    assert (everything.content.key, everything.content.filename) == ("a1", "sinyal.json")
    assert (table.content.key, table.content.filename) == ("b2", "sinyal-trades.csv")
    assert table.content.html == "Your closed trades: 12."
    assert everything.id != table.id
