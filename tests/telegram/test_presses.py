"""What people press: the button is answered at once, and its message shows what changed."""

from contracts.asks import (
    SetAuto,
    SetLanguage,
)
from services.telegram.domain.presses import Press, Verb
from tests.telegram.phone import pressables, words


async def test_the_language_changes_where_it_was_pressed(phone):
    answer = await phone.presses("lang:en:settings")

    assert phone.room.asked[-2] == SetLanguage(subscriber_id=77, language="en")
    assert answer.content.edit_message_id == 55
    assert "Language: English" in words(answer)
    welcome = await phone.presses("lang:id:start")
    assert "Selamat datang, Budi" in words(welcome)


async def test_a_language_we_do_not_speak_changes_nothing(phone):
    assert await phone.presses("lang:xx:settings") is None
    assert phone.room.people[77].language == "id"


async def test_automatic_signals_switch_by_button(phone):
    answer = await phone.presses("auto:on:settings")

    assert phone.room.asked[-2] == SetAuto(subscriber_id=77, auto=True)
    assert "Sinyal otomatis: aktif" in words(answer)
    assert Press(Verb.AUTO, "off:settings") in pressables(answer)


async def test_every_press_is_answered_at_once(phone):
    await phone.presses("status")
    assert phone.chat.answered == [("press-1", "")]


async def test_a_button_of_an_older_version_says_so(phone):
    assert await phone.presses("ancient:1") is None
    assert phone.chat.answered == [("press-1", "Tombol ini sudah tidak berlaku.")]


async def test_a_press_that_is_answered_too_late_still_gets_its_answer(phone):
    phone.chat.presses.clear()
    answer = None

    async def forget(press_id, text=""):
        from services.telegram.ports import CallFailedError
        from tests.telegram.fake_chat import said

        raise CallFailedError(said(400, "Bad Request: query is too old"))

    phone.chat.answer_press = forget
    answer = await phone.presses("status")
    assert "Tidak ada posisi" in words(answer)
