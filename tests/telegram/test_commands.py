"""What people type, and what they read: every command in both languages, through aiogram's Dispatcher."""

import pytest

from chassis.errors import AskFailedError
from contracts.asks import (
    GetSystemStatistics,
    RegisterSubscriber,
)
from contracts.messages import SendClass
from services.telegram.domain.presses import Verb
from tests.telegram.phone import a_phone, english, pressables, words


async def test_a_stranger_who_starts_is_registered_and_greeted(phone):
    phone.room.people.clear()
    answer = await phone.types("/start")

    (question,) = phone.room.asked
    assert question == RegisterSubscriber(subscriber_id=77, chat_id=77, name="Budi <b>", language="id")
    assert "Selamat datang, Budi &lt;b&gt;!" in answer.content.html
    assert (answer.kind, answer.chat_id, answer.language) == (SendClass.REPLY, 77, "id")
    assert {press.verb for press in pressables(answer)} == {Verb.AUTO, Verb.LANGUAGE}


async def test_a_new_person_with_an_english_phone_is_greeted_in_english(phone):
    phone.room.people.clear()
    phone.language_code = "en-GB"
    assert "Welcome, Budi" in words(await phone.types("/start"))


async def test_a_known_person_is_welcomed_back(phone):
    assert "Selamat datang kembali" in words(await phone.types("/start"))


async def test_where_registration_is_closed_a_stranger_learns_the_id_to_be_let_in(phone):
    phone.room.people.clear()
    phone.room.is_open = False
    assert "77" in words(await phone.types("/start"))


@pytest.mark.parametrize(
    ("typed", "reads"),
    [
        ("/help", "/berhenti — matikan sinyal otomatis"),
        ("/bantuan", "/sinyal — minta sinyal sekarang"),
        ("/settings", "Bahasa: Bahasa Indonesia"),
        ("/pengaturan", "Zona waktu: Asia/Jakarta"),
        ("/monitor", "Sinyal otomatis aktif"),
        ("/stopmonitor", "Sinyal otomatis mati"),
        ("/berhenti", "Sinyal otomatis mati"),
        ("/signal", "Baru saja ada sinyal"),
        ("/getsignal", "Baru saja ada sinyal"),
        ("/sinyal", "Baru saja ada sinyal"),
        ("/status", "Tidak ada posisi XAUUSD"),
        ("/posisi", "Harga 4022.70 / 4022.90 · 14:44:15 WIB"),
        ("/history", "Transaksi 12 · menang 7 · kalah 4 · +1.034,20 USD"),
        ("/riwayat", "SL · −1,01R · 5 Jan 14:33 · #"),
        ("/performance", "Performa Anda · semua waktu"),
        ("/performa 30", "Transaksi 12 · menang 7 · kalah 4\nRasio menang 63,6"),
        ("/analytics 30", "Rekam jejak strategi · 30 hari terakhir"),
        ("/analitik", "Setiap sinyal otomatis dihitung sekali"),
        ("/performa semua", "Tulis jumlah hari"),
        ("/analytics 0", "Tulis jumlah hari"),
        ("/stats", "Saya tidak mengerti"),
        ("/why", "Twin Range Filter naik"),
        ("/kenapa", "Alasan sinyal"),
        ("/STATUS", "Tidak ada posisi"),
        ("halo", "Saya tidak mengerti"),
        ("/nonsense", "Saya tidak mengerti"),
    ],
)
async def test_every_command_answers_in_indonesian(phone, typed, reads):
    assert reads in words(await phone.types(typed))


@pytest.mark.parametrize(
    ("typed", "reads"),
    [
        ("/start", "Welcome back"),
        ("/help", "/stopmonitor — turn automatic signals off"),
        ("/settings", "Language: English"),
        ("/monitor", "Automatic signals are on"),
        ("/stopmonitor", "Automatic signals are off"),
        ("/signal", "There was a signal just now"),
        ("/status", "No open XAUUSD position"),
        ("/history", "Trades 12 · won 7 · lost 4 · +1,034.20 USD"),
        ("/performance", "Your performance · all time"),
        ("/performance 7", "Trades 12 · won 7 · lost 4\nWin rate 63.6"),
        ("/analytics", "The strategies' record · all time"),
        ("/performance -3", "Give a number of days"),
        ("/why", "Twin Range Filter points up"),
        ("hello", "I did not understand"),
    ],
)
async def test_every_command_answers_in_english(phone, typed, reads):
    english(phone)
    assert reads in words(await phone.types(typed))


async def test_a_stranger_is_asked_to_start_but_may_read_the_help(phone):
    phone.room.people.clear()
    assert "Kirim /start" in words(await phone.types("/status"))
    assert "/posisi" in words(await phone.types("/help"))
    assert "tidak mengerti" in words(await phone.types("halo"))


async def test_monitor_switches_automatic_signals(phone):
    await phone.types("/monitor")
    assert phone.room.people[77].auto
    await phone.types("/berhenti")
    assert not phone.room.people[77].auto


async def test_when_registering_fails_the_person_is_told(phone):
    phone.room.errors[RegisterSubscriber] = AskFailedError("internal", "bug")
    assert "gangguan singkat" in words(await phone.types("/start"))


async def test_only_operators_hear_of_the_whole_system():
    async with a_phone(operators=(77,)) as phone:
        answer = words(await phone.types("/stats 7"))

        assert "Seluruh sistem · 7 hari terakhir\nPelanggan aktif 1.200\nPosisi berjalan 310" in answer
        assert phone.room.asked[-1] == GetSystemStatistics(subscriber_id=77, days=7)
        assert "/stats — angka seluruh sistem" in words(await phone.types("/help"))


async def test_others_hear_nothing_of_it(phone):
    assert "/stat" not in words(await phone.types("/help"))
    phone.room.people.clear()
    assert "tidak mengerti" in words(await phone.types("/stats"))
