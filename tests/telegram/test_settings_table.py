"""Notifications: what a person is told of and how loud, on one page, in both languages."""

import pytest

from contracts import catalogue
from contracts.asks import ChangeSetting, GetSettings
from services.telegram.domain.presses import unpack
from services.telegram.domain.settings_menu import ITEMS, TABLE, read_typed
from services.telegram.domain.settings_table import table
from tests.telegram.builders import ENGLISH, INDONESIAN
from tests.telegram.phone import english, words
from tests.telegram.positions_room import PositionsRoom

MOST_LETTERS = 9
"""A quarter of a phone's width takes so many letters; Telegram cuts what is longer."""


def rows(message):
    return [[one.text for one in row] for row in message.content.buttons]


async def test_all_kinds_stand_on_one_page_with_what_was_chosen(phone):
    english(phone)
    await phone.types("/settings notify result off")
    await phone.types("/settings notify stops silent")

    opened = await phone.presses("set:notify")

    assert rows(opened) == [
        ["Signals", "✔ 🔔", "🔕", "🚫"],
        ["Result", "🔔", "🔕", "✔ 🚫"],
        ["Targets", "✔ 🔔", "🔕", "🚫"],
        ["Stops", "🔔", "✔ 🔕", "🚫"],
        ["Daily", "✔ 🔔", "🔕", "🚫"],
        ["Dashboard", "on", "✔ off"],
        ["‹ Back"],
    ]
    assert "Trade result: 🚫 off" in words(opened)
    assert opened.content.edit_message_id == 55


async def test_a_press_chooses_and_shows_the_table_as_it_then_stands(phone):
    english(phone)
    chosen = await phone.presses("set:notify_stop=silent")

    assert phone.room.asked[-1] == ChangeSetting(subscriber_id=77, name="notify_stop", value="silent")
    assert rows(chosen)[3] == ["Stops", "🔔", "✔ 🔕", "🚫"]
    assert (await phone.presses("set:dashboard=on")).content.buttons[5][1].text == "✔ on"


async def test_the_first_page_counts_them_and_opens_the_table(phone):
    await phone.types("/pengaturan notifikasi hasil mati")
    await phone.types("/pengaturan notifikasi stop senyap")

    first = await phone.types("/pengaturan")

    assert "Notifikasi: 🔔 3 · 🔕 1 · 🚫 1" in words(first)
    (opening,) = [one for row in first.content.buttons for one in row if one.text == "🔔 Notifikasi"]
    assert opening.data == "set:notify"


@pytest.mark.parametrize("typed", ["notify", "Notifikasi", "notify everything off", "notify  "])
async def test_the_table_answers_to_its_word_and_to_what_it_does_not_know(phone, typed):
    assert read_typed(typed).item is None
    assert rows(await phone.types(f"/settings {typed}"))[0] == ["Sinyal", "✔ 🔔", "🔕", "🚫"]
    assert phone.room.preferences == {}


async def test_signals_off_leads_to_what_says_why_and_offers_to_end_them(phone):
    english(phone)
    opened = await phone.presses("set:notify")
    off = unpack(opened.content.buttons[0][3].data)

    told = await phone.presses(f"{off.verb}:{off.argument}")

    assert phone.room.asked[-1] == GetSettings(subscriber_id=77)
    assert "signals alone cannot be off: /stopmonitor" in words(told)
    assert [one.data for row in told.content.buttons for one in row if one.data.startswith("auto:")] == [
        "auto:on:settings"
    ]


async def test_a_forged_press_for_signals_off_is_refused_with_the_way(phone):
    refused = await phone.presses("set:notify_signal=off")

    assert "tidak bisa dipakai" in words(refused)
    assert "/berhenti" in words(refused)
    assert phone.room.preferences == {}


async def test_a_page_of_the_table_leads_back_to_it_and_others_to_the_first(phone):
    assert (await phone.presses("set:notify_exit")).content.buttons[-1][0].data == "set:notify"
    assert (await phone.presses("set:lots")).content.buttons[-1][0].data == "set"


async def test_what_an_older_release_of_positions_does_not_tell_is_as_it_always_was(phone):
    """Its answer has none of these fields: they have a default."""
    chosen = await PositionsRoom.settings(phone.room, GetSettings(subscriber_id=77))
    new = {item.name for item in TABLE}
    from contracts import codec

    older = {key: value for key, value in codec.decode(codec.encode(chosen), dict).items() if key not in new}
    shown = table(codec.decode(codec.encode(older), type(chosen)), ENGLISH)

    assert [row[1].text for row in shown.buttons[:5]] == ["✔ 🔔"] * 5


@pytest.mark.parametrize("words_", [INDONESIAN, ENGLISH])
async def test_no_button_is_wider_than_a_phone_shows(phone, words_):
    chosen = await phone.room.settings(GetSettings(subscriber_id=77))
    for row in table(chosen, words_).buttons[:-1]:
        assert max(len(one.text) for one in row) <= MOST_LETTERS


async def test_every_setting_of_the_table_is_a_setting(phone):
    assert set(TABLE) <= set(ITEMS)
    for item in TABLE:
        answer = await phone.presses(f"set:{item.name}")
        assert phone.bus.said(catalogue.SEND)[-1] == answer


async def test_help_shows_the_way_there(phone):
    assert "/pengaturan → Notifikasi" in words(await phone.types("/help"))
