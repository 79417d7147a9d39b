"""/settings: every setting by button and by word, in both languages, with a clear answer to what cannot be."""

import pytest

from contracts import catalogue
from contracts.asks import ChangeSetting, GetSettings
from services.positions.domain.preferences import _CHANGES, changed
from services.telegram.domain.presses import MOST_BYTES, Press, Verb
from services.telegram.domain.settings_menu import DEFAULT, ITEMS, TABLE, TABLE_NAME, page, read_press, read_typed
from tests.telegram.builders import ENGLISH, INDONESIAN
from tests.telegram.phone import english, pressables, words
from tests.telegram.positions_room import DEFAULTS


def labels(message):
    return [one.text for row in message.content.buttons for one in row]


def test_the_menu_has_every_setting_that_positions_has():
    assert {item.name for item in ITEMS} == set(_CHANGES)


@pytest.mark.parametrize(("name", "offer"), [(item.name, offer) for item in ITEMS for offer in item.offers])
def test_positions_takes_every_value_that_a_button_offers(name, offer):
    changed(DEFAULTS, name, offer, DEFAULTS)
    assert len(Press(Verb.SETTINGS, f"{name}={offer}").pack().encode()) <= MOST_BYTES
    assert read_press(f"{name}={offer}").value == offer


async def test_the_first_page_shows_all_that_was_chosen_and_opens_each(phone):
    await phone.types("/settings saldo 1500,50")

    answer = await phone.types("/settings")

    assert "Saldo: 1.500,50 USD" in words(answer)
    assert "Batas rugi harian: 3%" in words(answer)
    assert "Trailing stop: menurut strategi" in words(answer)
    assert "Jam tenang: mati" in words(answer)
    opened = [press.argument for press in pressables(answer) if press.verb is Verb.SETTINGS]
    assert opened == [TABLE_NAME, *(item.name for item in ITEMS if item not in TABLE)]


async def test_a_page_marks_what_stands_and_a_press_changes_it_in_the_same_message(phone):
    opened = await phone.presses("set:lots")
    assert labels(opened)[:3] == ["✔ 0,01", "0,02", "0,05"]
    assert opened.content.edit_message_id == 55
    assert phone.room.asked[-1] == GetSettings(subscriber_id=77)

    chosen = await phone.presses("set:lots=0.05")

    assert phone.room.asked[-1] == ChangeSetting(subscriber_id=77, name="lots", value="0.05")
    assert "Sekarang: 0,05" in words(chosen)
    assert labels(chosen)[:3] == ["0,01", "0,02", "✔ 0,05"]
    assert (await phone.presses("set")).content.edit_message_id == 55


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("lots 0.05", "lots", "0.05"),
        ("LOT 0,05", "lots", "0,05"),
        ("zona Asia/Makassar", "time_zone", "Asia/Makassar"),
        ("quiet  23:00-06:30 ", "quiet_hours", "23:00-06:30"),
        ("tenang mati", "quiet_hours", "off"),
        ("trailing Nyala", "trailing", "on"),
        ("impas bawaan", "break_even", DEFAULT),
        ("target tiga", "targets", "three"),
        ("time_limit_min 45", "time_limit_min", "45"),
        ("notify result silent", "notify_exit", "silent"),
        ("Notifikasi  Hasil SENYAP", "notify_exit", "silent"),
        ("notifikasi stop mati", "notify_stop", "off"),
        ("notify_summary off", "notify_summary", "off"),
        ("notify targets", "notify_target", None),
        ("dashboard nyala", "dashboard", "on"),
        ("risk", "risk_percent", None),
    ],
)
def test_a_setting_can_be_typed_in_either_language(typed, name, value):
    wish = read_typed(typed)
    assert (wish.item.name, wish.value) == (name, value)


@pytest.mark.parametrize("typed", ["/settings loss 5", "/pengaturan rugi 5"])
async def test_what_is_typed_changes_and_shows_the_page(phone, typed):
    answer = await phone.types(typed)

    assert phone.room.asked[-1] == ChangeSetting(subscriber_id=77, name="daily_loss_percent", value="5")
    assert "Sekarang: 5%" in words(answer)
    assert answer.content.edit_message_id is None


@pytest.mark.parametrize(
    ("typed", "takes"),
    [
        ("lots 5", "0.01 to 1.00 lots"),
        ("lots many", "0.01 to 1.00 lots"),
        ("balance -1", "at least 1"),
        ("risk 50", "0.01 to 10"),
        ("loss 101", "0 to 100"),
        ("quiet 25:00-06:00", "Like 22:00-06:00"),
        ("zone Mars/Olympus", "Asia/Jakarta"),
        ("targets two", "One target, or three"),
        ("breakeven maybe", "on or off"),
        ("trailing 1", "on or off"),
        ("tightening x", "on or off"),
        ("limit 1.5", "Whole minutes"),
        ("notify signals off", "/stopmonitor ends automatic signals"),
        ("notify result loud", "sound, 🔕 silent or 🚫 off"),
        ("dashboard silent", "only /dashboard opens one"),
        ("lots <b>&", "0.01 to 1.00 lots"),
    ],
)
async def test_a_value_that_cannot_be_is_refused_with_what_can(phone, typed, takes):
    english(phone)
    answer = await phone.types(f"/settings {typed}")

    assert "is not possible here. Nothing was changed." in words(answer)
    assert takes in words(answer)
    assert phone.room.preferences == {}


async def test_a_forged_button_is_refused_like_a_typed_value(phone):
    assert "tidak bisa dipakai" in words(await phone.presses("set:lots=99"))
    assert "Pengaturan" in words(await phone.presses("set:nonsense=1"))


async def test_a_setting_that_is_none_is_answered_with_those_there_are(phone):
    assert "Tidak ada pengaturan “leverage”. Yang ada: lot, saldo, risiko" in words(
        await phone.types("/settings leverage 500")
    )


async def test_a_new_zone_counts_at_once(phone):
    await phone.presses("set:time_zone=Asia/Makassar")
    assert phone.bus.said(catalogue.SEND)[-1].time_zone == "Asia/Makassar"


@pytest.mark.parametrize("words_", [INDONESIAN, ENGLISH])
@pytest.mark.parametrize("item", ITEMS)
async def test_every_page_speaks_both_languages(phone, item, words_):
    chosen = await phone.room.settings(GetSettings(subscriber_id=77))
    shown = page(item, chosen, words_)

    assert item.word_in(words_.language) in shown.html
    assert [one.text for row in shown.buttons for one in row][-1] == words_("button.back")
    assert sum(one.text.startswith("✔ ") for row in shown.buttons for one in row) == 1
