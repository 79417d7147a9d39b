"""Messages as people read them."""

import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from contracts.messages import ExitReason, FeedNotice, FeedState, Mode, PauseNotice, ReducedNotice, Side, StopNotice
from services.telegram.domain import notices, numbers, times
from services.telegram.domain.presses import MOST_BYTES, Press, TooLongError, Verb, unpack
from services.telegram.domain.rendering import CAPTION_LIMIT, Block, Rendered, fit, visible_length
from services.telegram.domain.words import Html
from tests.telegram.builders import ENGLISH, INDONESIAN, MARKET_MS, POSITION, outcome_notice, signal_notice

JAKARTA = "Asia/Jakarta"


def plain(shown):
    return re.sub(r"<[^>]*>", "", shown.html if isinstance(shown, Rendered) else shown)


def assert_well_formed(html):
    """Fail unless every tag is one Telegram knows and is closed in order."""
    stack = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag in {"b", "i", "code", "blockquote"}
            stack.append(tag)

        def handle_endtag(self, tag):
            assert stack.pop() == tag

    Reader().feed(html)
    assert stack == []


def test_a_signal_reads_like_this():
    assert plain(notices.signal(signal_notice(), INDONESIAN, JAKARTA, CAPTION_LIMIT)) == (
        "🟢 BUY XAUUSD · Otomatis · M1\n"
        "\n"
        "Entry: 4025.50\n"
        "TP1: 4033.91  +84,1 pip\n"
        "SL: 4021.40  −41,0 pip\n"
        "\n"
        "R:R 1:2,05 · Lot 0,01 · Risiko 4,10 USD\n"
        "Kekuatan ▰▰▰▱▱ kuat\n"
        "• Harga di atas EMA50\n"
        "• MACD memotong ke atas\n"
        "• Twin Range Filter naik\n"
        "• RSI pulih setelah koreksi turun\n"
        "• Bias pasar naik\n"
        f"⏱ 5 Jan 2026 14:32 WIB · #{signal_notice().short_id}"
    )


def test_a_sell_mirrors_the_distances():
    notice = signal_notice(side=Side.SELL, stop=4029.6, targets=(4020.5, 4010.0), mode=Mode.MANUAL)

    text = plain(notices.signal(notice, ENGLISH, "Europe/London", CAPTION_LIMIT))

    assert "🔴 SELL XAUUSD · Manual" in text
    assert "TP1: 4020.50  +50.0 pips\nTP2: 4010.00  +155.0 pips\nSL: 4029.60  −41.0 pips" in text
    assert "5 Jan 2026 07:32 GMT" in text


def test_a_signal_offers_chart_status_and_why():
    shown = notices.signal(signal_notice(), ENGLISH, JAKARTA, CAPTION_LIMIT)

    assert [[unpack(one.data) for one in row] for row in shown.buttons] == [
        [Press(Verb.CHART, POSITION), Press(Verb.STATUS), Press(Verb.WHY, POSITION)]
    ]


def test_an_outcome_reads_like_this():
    assert plain(notices.outcome(outcome_notice(), INDONESIAN, JAKARTA, CAPTION_LIMIT)) == (
        "✅ Target tercapai · BUY XAUUSD\n"
        "P/L +8,44 USD · +2,06R\n"
        "\n"
        "Entry 4025.50 → Exit 4033.94\n"
        "Slippage 0,3 pip\n"
        "Durasi 12 mnt 34 dtk\n"
        "Hari ini: 3 transaksi · +1.234,50 USD\n"
        "\n"
        f"⏱ 5 Jan 2026 14:44 WIB · #{outcome_notice().short_id}"
    )


def test_a_reached_target_reads_like_this():
    notice = ReducedNotice(
        position_id=POSITION, short_id="BMZH97", symbol="XAUUSD", side=Side.BUY, number=1, targets=3,
        share=Decimal("0.40"), entry=4025.5, exit=4027.52, stop=4025.5, slippage_pips=0.2, digits=2,
        pnl=Decimal("0.81"), r=0.404, market_ms=MARKET_MS,
    )  # fmt: skip

    shown = notices.reduced(notice, INDONESIAN, JAKARTA)

    assert_well_formed(shown.html)
    assert plain(shown) == (
        "✅ TP1 dari 3: 40% ditutup · BUY XAUUSD\n"
        "P/L +0,81 USD · +0,40R\n"
        "\n"
        "Entry 4025.50 → Exit 4027.52\n"
        "Stop sisa posisi: 4025.50\n"
        "\n"
        "⏱ 5 Jan 2026 14:32 WIB · #BMZH97"
    )
    assert "Detected late" in notices.reduced(structs.replace(notice, detected_late=True), ENGLISH, JAKARTA).html


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        (ExitReason.BREAK_EVEN, "Stop at break-even"),
        (ExitReason.TRAILING, "Trailing stop moved"),
        (ExitReason.STOP, "Stop tightened"),
    ],
)
def test_a_moved_stop_reads_like_this(reason, title):
    notice = StopNotice(
        position_id=POSITION, short_id="BMZH97", symbol="XAUUSD", side=Side.SELL, reason=reason, entry=4025.5,
        stop=4024.1, digits=2, pnl=Decimal("1.40"), r=0.7, market_ms=MARKET_MS,
    )  # fmt: skip

    shown = notices.stop_moved(notice, ENGLISH, JAKARTA)

    assert_well_formed(shown.html)
    assert plain(shown) == (
        f"🛡 {title} · SELL XAUUSD\nSL 4024.10 · if hit: P/L +1.40 USD · +0.70R\n⏱ 5 Jan 2026 14:32 WIB · #BMZH97"
    )


@pytest.mark.parametrize(("is_paused", "told"), [(True, "signals pause"), (False, "signals go on")])
def test_operators_are_told_of_a_pause_and_of_its_end(is_paused, told):
    notice = PauseNotice(symbol="XAUUSD", is_paused=is_paused, slippage_pips=81.0, since_ms=MARKET_MS)

    text = plain(notices.pause(notice, ENGLISH, JAKARTA))

    assert told in text
    assert "Slippage 81.0 pips\nSince 5 Jan 2026 14:32 WIB" in text


@pytest.mark.parametrize(("pnl", "sign"), [("0.01", "✅"), ("-0.01", "❌"), ("0.00", "⚪")])
def test_a_result_of_zero_is_neither_win_nor_loss(pnl, sign):
    shown = notices.outcome(outcome_notice(pnl=Decimal(pnl)), ENGLISH, JAKARTA, CAPTION_LIMIT)
    assert shown.html.startswith(sign)


def test_an_exit_found_late_says_so():
    late = notices.outcome(outcome_notice(detected_late=True), ENGLISH, JAKARTA, CAPTION_LIMIT)
    assert "Detected late" in late.html


@pytest.mark.parametrize("words", [INDONESIAN, ENGLISH], ids=["id", "en"])
@pytest.mark.parametrize("reason", list(ExitReason))
def test_every_exit_reason_has_words(words, reason):
    assert (
        words(f"exit.{reason.value}")
        in notices.outcome(outcome_notice(reason=reason), words, JAKARTA, CAPTION_LIMIT).html
    )


@pytest.mark.parametrize("state", list(FeedState))
def test_every_feed_state_is_told(state):
    notice = FeedNotice(symbol="XAUUSD", state=state, reason="no_tick_for_30_s", since_ms=MARKET_MS)

    text = plain(notices.feed(notice, INDONESIAN, JAKARTA))

    assert "XAUUSD" in text
    assert "5 Jan 2026 14:32 WIB" in text
    assert "no tick for 30 s" in text


@pytest.mark.parametrize(
    ("strength", "word"),
    [(0.75, "very strong"), (0.74, "strong"), (0.5, "strong"), (0.3, "medium"), (0.29, "weak"), (0.0, "weak")],
)
def test_strength_has_a_word(strength, word):
    assert notices.strength_words(strength, ENGLISH).endswith(f" {word}")


def test_a_repeat_says_so_first():
    shown = notices.repeated(notices.signal(signal_notice(), INDONESIAN, JAKARTA, CAPTION_LIMIT), INDONESIAN)
    assert plain(shown).startswith("🔁 Ulang:")
    assert shown.buttons


@given(
    st.lists(st.text(max_size=400), max_size=12),
    st.sampled_from([INDONESIAN, ENGLISH]),
    st.text(max_size=20),
)
def test_a_signal_always_fits_and_is_always_well_formed(reasons, words, symbol):
    notice = signal_notice(reasons=tuple(reasons), symbol=symbol)

    shown = notices.signal(notice, words, JAKARTA, CAPTION_LIMIT)

    assert visible_length(shown.html) <= CAPTION_LIMIT
    assert_well_formed(shown.html)
    assert "SL: " in shown.html


def test_what_matters_least_is_left_out_whole():
    blocks = [Block(Html("a" * 6)), Block(Html("<i>b</i>" * 6), 2), Block(Html("c" * 3), 1)]

    assert fit(blocks, 17) == f"{'a' * 6}\n{'<i>b</i>' * 6}\nccc"
    assert fit(blocks, 16) == "aaaaaa\nccc"
    assert fit(blocks, 9) == "aaaaaa"
    assert fit(blocks, 3) == "aaaaaa"


@given(st.sampled_from(list(Verb)), st.text(max_size=80))
def test_a_button_carries_what_fits_and_refuses_the_rest(verb, argument):
    press = Press(verb, argument)
    try:
        packed = press.pack()
    except TooLongError:
        assert len(f"{verb}:{argument}".encode()) > MOST_BYTES
    else:
        assert len(packed.encode()) <= MOST_BYTES
        assert unpack(packed) == press


def test_a_button_whose_argument_is_too_long_is_refused():
    assert len(Press(Verb.WHY, "x" * 60).pack()) == 64
    with pytest.raises(TooLongError, match="64 bytes"):
        Press(Verb.WHY, "x" * 61).pack()


def test_a_button_of_an_older_version_is_not_understood():
    assert unpack("somethingelse:1") is None


@pytest.mark.parametrize(
    ("value", "digits", "language", "written"),
    [
        (Decimal("1234567.891"), 2, "id", "1.234.567,89"),
        (Decimal("1234567.891"), 2, "en", "1,234,567.89"),
        (Decimal("-0.004"), 2, "en", "0.00"),
        (-4.15, 2, "en", "−4.15"),
        (0.0, 1, "id", "0,0"),
    ],
)
def test_numbers_are_written_in_the_readers_language(value, digits, language, written):
    assert numbers.number(value, digits, language) == written


def test_a_price_is_written_as_the_terminal_writes_it():
    assert numbers.price(4025.5, 2) == "4025.50"


def test_a_gain_has_a_plus_and_zero_has_no_sign():
    assert numbers.money(Decimal("2"), "id", has_sign=True) == "+2,00 USD"
    assert numbers.money(Decimal("0"), "id", has_sign=True) == "0,00 USD"
    assert numbers.multiple_of_r(-1.0, "en") == "−1.00R"


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("Asia/Jakarta", "14:32 WIB"),
        ("Asia/Makassar", "15:32 WITA"),
        ("Asia/Jayapura", "16:32 WIT"),
        ("America/New_York", "02:32 EST"),
        ("Asia/Dubai", "11:32 UTC+4"),
        ("Asia/Kathmandu", "13:17 UTC+5:45"),
        ("America/Sao_Paulo", "04:32 UTC-3"),
        ("UTC", "07:32 UTC"),
        ("Mars/Olympus", "14:32 WIB"),
        ("../etc/passwd", "14:32 WIB"),
    ],
)
def test_a_time_is_told_in_the_readers_zone_with_its_label(zone, written):
    assert times.clock_time(MARKET_MS, zone) == written


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [
        (-5, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min 0 s"),
        (3_599_000, "59 min 59 s"),
        (3_600_000, "1 h 0 min"),
        (90_000_000, "1 d 1 h"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(milliseconds, written):
    assert times.span(milliseconds, ENGLISH) == written
