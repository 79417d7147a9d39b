"""What people type and press, and what they read: every command in both languages, through aiogram's Dispatcher."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from chassis.clock import ManualClock
from chassis.errors import AskFailedError, RejectedError
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from contracts.asks import (
    DeactivateSubscriber,
    EraseSubscriber,
    GetHistory,
    GetStatus,
    GetSystemStatistics,
    GetWhy,
    RegisterSubscriber,
    RequestChart,
    RequestSignal,
    SetAuto,
    SetLanguage,
    SignalRequested,
    Why,
)
from contracts.messages import FeedState, SendClass
from services.telegram.domain import answers
from services.telegram.domain.presses import Press, Verb, unpack
from services.telegram.handlers.conversation import Conversation
from services.telegram.handlers.desk import Desk
from tests.telegram.builders import (
    INDONESIAN,
    MARKET_MS,
    NOW,
    POSITION,
    WORDS,
    history,
    open_position,
    status,
    subscriber,
)
from tests.telegram.fake_chat import FakeChat
from tests.telegram.positions_room import PositionsRoom

TOKEN = "1000000001:SANDBOX-sandbox-SANDBOX-sandbox-001"


class Phone:
    """A person with a phone: types, presses, reads."""

    def __init__(self, room, bus, chat, dialogue, clock):
        self.room, self.bus, self.chat, self.dialogue, self.clock = room, bus, chat, dialogue, clock
        self.language_code = "id"
        self._updates = 0

    async def types(self, text, *, chat_type="private", at=NOW):
        return await self._feed({"message": self.message(text, chat_type=chat_type, at=at)})

    def message(self, text, *, chat_type="private", at=NOW):
        entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
        return {
            "message_id": 10,
            "date": int(at.timestamp()),
            "chat": {"id": 77, "type": chat_type, "first_name": "Budi"},
            "from": self._person(),
            "text": text,
            "entities": [entity] if text.startswith("/") else [],
        }

    async def feed_many(self, body):
        """Hand an update in that has any number of answers."""
        self._updates += 1
        await self.dialogue.feed(json.dumps({"update_id": self._updates, **body}).encode(), "")

    async def presses(self, data, message_id=55):
        message = {
            "message_id": message_id,
            "date": int(NOW.timestamp()),
            "chat": {"id": 77, "type": "private", "first_name": "Budi"},
            "text": "x",
        }
        press = {"id": "press-1", "from": self._person(), "message": message, "chat_instance": "1", "data": data}
        self.chat.presses.add("press-1")
        return await self._feed({"callback_query": press})

    async def _feed(self, body):
        """Hand an update in; returns the answer, or None."""
        before = len(self.bus.said(catalogue.SEND))
        self._updates += 1
        await self.dialogue.feed(json.dumps({"update_id": self._updates, **body}).encode(), "")
        said = self.bus.said(catalogue.SEND)[before:]
        assert len(said) <= 1
        return said[0] if said else None

    def _person(self):
        return {"id": 77, "is_bot": False, "first_name": "Budi <b>", "language_code": self.language_code}


@pytest.fixture
async def phone():
    from services.telegram.adapters.aiogram_chat import open_bot
    from services.telegram.adapters.aiogram_dialogue import AiogramDialogue

    clock = ManualClock(NOW)
    bus, chat = MemoryBus(clock), FakeChat(people={77})
    room = PositionsRoom([subscriber()])
    desk = Desk(bus, WORDS, clock, "XAUUSD", room.forgotten)
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
        ("/performa 30", "Transaksi 12 · menang 7 · kalah 4 · rasio menang 63,6 %"),
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
        ("/performance 7", "Trades 12 · won 7 · lost 4 · win rate 63.6 %"),
        ("/analytics", "The strategies' record · all time"),
        ("/performance -3", "Give a number of days"),
        ("/why", "Twin Range Filter points up"),
        ("hello", "I did not understand"),
    ],
)
async def test_every_command_answers_in_english(phone, typed, reads):
    english(phone)
    assert reads in words(await phone.types(typed))


async def test_only_operators_hear_of_the_whole_system(phone):
    assert "/stat" not in words(await phone.types("/help"))
    phone.room.people[77] = subscriber(is_operator=True)

    answer = words(await phone.types("/stats 7"))

    assert "Seluruh sistem · 7 hari terakhir\nPelanggan aktif 1200 · posisi berjalan 310" in answer
    assert phone.room.asked[-1] == GetSystemStatistics(subscriber_id=77, days=7)
    assert "/stats — angka seluruh sistem" in words(await phone.types("/help"))


async def test_a_stranger_who_types_an_operators_word_is_told_nothing(phone):
    phone.room.people.clear()
    assert "tidak mengerti" in words(await phone.types("/stats"))


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


async def test_a_signal_that_is_found_is_the_answer_itself(phone):
    phone.room.signal = SignalRequested(position_id=POSITION)
    assert await phone.types("/signal") is None


async def test_an_old_request_for_a_signal_is_refused_not_obeyed_late(phone):
    answer = await phone.types("/signal", at=datetime(2026, 1, 5, 11, tzinfo=UTC))

    assert "kedaluwarsa" in words(answer)
    assert all(type(question).__name__ == "GetSubscriber" for question in phone.room.asked)


async def test_status_shows_the_position_with_its_result_and_buttons(phone):
    phone.room.status = status(position=open_position())

    answer = await phone.types("/status")

    assert words(answer) == (
        "🔴 SELL XAUUSD · Manual · terbuka\n\nEntry: 4025.50\nTP1: 4017.10\nSL: 4029.60\n\n"
        "P/L +2,60 USD · +0,63R · Lot 0,01\nDibuka 14:32 WIB · 12 mnt 5 dtk lalu\n"
        f"Harga 4022.70 / 4022.90 · 14:44:15 WIB\n#{open_position().short_id}"
    )
    assert [press.verb for press in pressables(answer)] == [Verb.CHART, Verb.STATUS, Verb.WHY]


@pytest.mark.parametrize("state", [FeedState.STALE, FeedState.RECONNECTING, FeedState.BACKFILLING])
async def test_a_stale_price_is_never_shown_as_the_price(phone, state):
    phone.room.status = status(
        position=open_position(pnl=None, r=None, price=None), feed=state, feed_since_ms=MARKET_MS
    )

    text = words(await phone.types("/status"))

    assert "Harga tidak diketahui sejak 14:32 WIB" in text
    assert "4022.70" not in text
    assert "P/L" not in text


async def test_a_closed_market_says_so(phone):
    phone.room.status = status(feed=FeedState.CLOSED, bid=None, ask=None, market_ms=None)
    assert "Pasar tutup" in words(await phone.types("/status"))


async def test_a_position_on_its_way_says_so_even_without_a_market_time(phone):
    phone.room.status = status(position=open_position(is_open=False), market_ms=None)
    text = words(await phone.types("/status"))
    assert "sedang dikirim" in text
    assert "Dibuka 14:32 WIB\n" in text


async def test_pages_of_the_history_turn_in_the_same_message(phone):
    first = await phone.types("/history")
    assert pressables(first) == [Press(Verb.HISTORY, "0"), Press(Verb.HISTORY, "1")]

    second = await phone.presses("page:1")

    assert second.content.edit_message_id == 55
    assert pressables(second) == [Press(Verb.HISTORY, "0"), Press(Verb.HISTORY, "1"), Press(Verb.HISTORY, "2")]
    assert phone.room.asked[-1] == GetHistory(subscriber_id=77, page=1, page_size=5)


@pytest.mark.parametrize(
    ("page", "pages", "offered"), [(0, 1, []), (0, 2, ["0", "1"]), (1, 2, ["0", "1"]), (1, 3, ["0", "1", "2"])]
)
def test_only_pages_that_exist_are_offered(page, pages, offered):
    shown = answers.history(history(page=page, pages=pages), INDONESIAN, "Asia/Jakarta")
    assert [unpack(one.data).argument for row in shown.buttons for one in row] == offered


def test_a_person_without_trades_is_told_so():
    empty = history(pages=0, trades=(), total=0, wins=0, losses=0)
    assert "Belum ada transaksi" in answers.history(empty, INDONESIAN, "Asia/Jakarta").html


async def test_the_language_changes_where_it_was_pressed(phone):
    answer = await phone.presses("lang:en:settings")

    assert phone.room.asked[-1] == SetLanguage(subscriber_id=77, language="en")
    assert answer.content.edit_message_id == 55
    assert "Language: English" in words(answer)
    welcome = await phone.presses("lang:id:start")
    assert "Selamat datang, Budi" in words(welcome)


async def test_a_language_we_do_not_speak_changes_nothing(phone):
    assert await phone.presses("lang:xx:settings") is None
    assert phone.room.people[77].language == "id"


async def test_automatic_signals_switch_by_button(phone):
    answer = await phone.presses("auto:on:settings")

    assert phone.room.asked[-1] == SetAuto(subscriber_id=77, auto=True)
    assert "Sinyal otomatis: aktif" in words(answer)
    assert Press(Verb.AUTO, "off:settings") in pressables(answer)


async def test_every_press_is_answered_at_once(phone):
    await phone.presses("status")
    assert phone.chat.answered == [("press-1", "")]


async def test_why_of_a_button_asks_for_that_position(phone):
    phone.room.why = Why(reasons=("reason.trf_with.sell",), refusals=(), signal_at=NOW)

    answer = await phone.presses(f"why:{POSITION}")

    assert phone.room.asked[-1] == GetWhy(subscriber_id=77, position_id=POSITION)
    assert "Twin Range Filter turun" in words(answer)
    assert "Sinyal pada 5 Jan 2026 19:00 WIB" in words(answer)


async def test_why_tells_refusals_and_silence(phone):
    phone.room.why = Why(reasons=(), refusals=("why.position_open",), signal_at=None)
    assert "Masih ada posisi" in words(await phone.types("/why"))
    phone.room.why = Why(reasons=(), refusals=(), signal_at=None)
    assert "Belum ada sinyal untuk dijelaskan" in words(await phone.types("/why"))


async def test_chart_of_a_button_sends_words_that_its_picture_joins(phone):
    answer = await phone.presses(f"chart:{POSITION}")

    assert phone.room.asked[-1] == RequestChart(subscriber_id=77, symbol="XAUUSD", position_id=POSITION)
    assert answer.chart_key == "abcdef"


async def test_a_chart_of_somebody_elses_position_is_not_available(phone):
    phone.room.errors[RequestChart] = AskFailedError("not_found", "no such position")
    assert "Grafik tidak tersedia" in words(await phone.presses(f"chart:{POSITION}"))


async def test_without_any_price_there_is_no_signal_and_the_person_is_told_why(phone):
    phone.room.errors[RequestSignal] = AskFailedError("no_price", "no price yet")
    assert "Belum ada harga" in words(await phone.types("/signal"))


async def test_when_the_evaluation_fails_the_person_is_told(phone):
    phone.room.errors[RequestSignal] = AskFailedError("signals_unavailable", "nobody answered")
    assert "gangguan singkat" in words(await phone.types("/signal"))


async def test_when_registering_fails_the_person_is_told(phone):
    phone.room.errors[RegisterSubscriber] = AskFailedError("internal", "bug")
    assert "gangguan singkat" in words(await phone.types("/start"))


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


async def test_why_of_nonsense_is_answered_like_silence(phone):
    phone.room.errors[GetWhy] = AskFailedError("not_found", "no such position")
    assert "Belum ada sinyal untuk dijelaskan" in words(await phone.types("/why <b>nonsense</b>"))


@pytest.mark.parametrize("argument", ["9" * 40, "-1", "²", "1e3", ""])
async def test_a_forged_page_is_the_first(phone, argument):
    assert await phone.presses(f"page:{argument}") is not None
    assert phone.room.asked[-1] == GetHistory(subscriber_id=77, page=0, page_size=5)


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
    await phone.feed_many({"message": phone.message("/export")})

    everything, table = phone.bus.said(catalogue.SEND)
    assert (everything.content.key, everything.content.filename) == ("a1", "sinyal.json")
    assert (table.content.key, table.content.filename) == ("b2", "sinyal-trades.csv")
    assert table.content.html == "Your closed trades: 12."
    assert everything.id != table.id
