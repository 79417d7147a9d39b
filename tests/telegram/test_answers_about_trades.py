"""What a person is told of its position, its past trades, their reasons and their charts."""

from datetime import UTC, datetime

import pytest

from chassis.errors import AskFailedError
from contracts.asks import (
    GetHistory,
    GetWhy,
    RequestChart,
    RequestSignal,
    SignalRequested,
    Why,
)
from contracts.messages import FeedState
from services.telegram.domain import answers
from services.telegram.domain.presses import Press, Verb, unpack
from tests.telegram.builders import (
    INDONESIAN,
    MARKET_MS,
    NOW,
    POSITION,
    history,
    open_position,
    status,
)
from tests.telegram.phone import pressables, words


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


async def test_why_of_nonsense_is_answered_like_silence(phone):
    phone.room.errors[GetWhy] = AskFailedError("not_found", "no such position")
    assert "Belum ada sinyal untuk dijelaskan" in words(await phone.types("/why <b>nonsense</b>"))


@pytest.mark.parametrize("argument", ["9" * 40, "-1", "²", "1e3", ""])
async def test_a_forged_page_is_the_first(phone, argument):
    assert await phone.presses(f"page:{argument}") is not None
    assert phone.room.asked[-1] == GetHistory(subscriber_id=77, page=0, page_size=5)
