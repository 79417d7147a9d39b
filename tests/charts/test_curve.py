"""What the picture of an equity curve shows, asked of the scene: no browser."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import CurveSubject
from services.charts.domain import amounts, canvas
from services.charts.domain.curve import MAX_POINTS, compose_curve, split_at_zero
from services.charts.domain.request import BrokenSeriesError, NothingToDrawError
from services.charts.domain.scene import CurveScene, Role, Text
from services.telegram.domain import numbers
from tests.charts.curves import HOUR_MS, curve_picture, results, wandering

MINUTE_MS = 60_000
LETTER_PX = 17


def words(text: Text) -> str:
    return "".join(span.text for span in text.spans)


def all_words(scene: CurveScene) -> list[str]:
    return [words(text) for text in scene.texts]


# --- the whole --------------------------------------------------------------------------------------------------------


def test_a_curve_says_all_that_its_text_does():
    scene = compose_curve(curve_picture(results("3.00", "-2.00", "0.00", "-4.00", "1203.50"), days=30))

    assert all_words(scene) == [
        "Performa Anda",
        "30 hari terakhir · 5 Jan – 6 Jan 2026 14:00 WIB",
        "Transaksi",
        "5  2–2",
        "Rasio menang",
        "50,0 %",
        "Profit factor",
        "201,08",
        "Penurunan terbesar",
        "6,00 USD",
        "P/L setelah tiap transaksi, USD",
        "Di bawah P/L tertinggi",
        "WIB",
        "@SinyalBot",
    ]
    assert (scene.badge.word, scene.badge.role, scene.badge.points_up) == ("+1.200,50 USD", Role.UP, None)
    (line,) = scene.balance.lines
    assert line.x == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    assert line.y == (0.0, 3.0, 1.0, 1.0, -3.0, 1200.5)
    assert (line.role, line.has_dots) == (Role.UP, True)
    assert scene.drawdown.lines[0].y == (0.0, 0.0, -2.0, -2.0, -6.0, 0.0)
    assert [(marker.index, marker.price) for marker in scene.drawdown.markers] == [(4.0, -6.0)]
    assert [words(note) for note in scene.notes] == ["Terbaik +1.203,50", "Terburuk −4,00"]
    assert [(marker.index, marker.role, marker.points_up) for marker in scene.balance.markers] == [
        (5, Role.UP, True),
        (4, Role.DOWN, False),
    ]
    assert [(tag.value, tag.role) for tag in scene.tags] == [("+1.200,50", Role.UP)]


def test_the_record_in_english_names_what_it_is_of():
    scene = compose_curve(
        curve_picture(
            results("-2.00", "1.00"),
            language="en-GB",
            subject=CurveSubject.RECORD,
            symbol="XAUUSD",
            strategy="trend_pullback",
        )
    )

    assert all_words(scene)[:4] == [
        "The strategies' record",
        "XAUUSD · trend_pullback · all time · 5 Jan 2026 17:00 WIB",
        "Trades",
        "2  1–1",
    ]
    assert (scene.badge.word, scene.badge.role) == ("−1.00 USD", Role.DOWN)
    assert scene.balance.lines[0].role is Role.DOWN


def test_one_trade_is_a_line_without_marks():
    scene = compose_curve(curve_picture(results("3.00")))

    assert scene.balance.lines[0].y == (0.0, 3.0)
    assert (scene.notes, scene.balance.markers, scene.drawdown.markers) == ((), (), ())
    assert scene.drawdown.lines[0].role is Role.MUTED
    assert "–" in all_words(scene), "without a loss there is no profit factor"


def test_a_result_of_nothing_is_neither_won_nor_lost():
    scene = compose_curve(curve_picture(results("2.00", "-2.00")))

    assert (scene.badge.word, scene.badge.role) == ("0,00 USD", Role.MUTED)


@pytest.mark.parametrize("pnls", [results("-2.00"), results("5.00"), wandering(30), [-one for one in wandering(500)]])
def test_zero_and_every_extreme_are_inside_the_frames(pnls):
    scene = compose_curve(curve_picture(pnls))

    for strip in (scene.balance, scene.drawdown):
        low, high = strip.scale.low, strip.scale.high
        assert low < min(strip.lines[0].y)
        assert max(strip.lines[0].y) < high
        assert low < 0 < high
    assert canvas.BALANCE.top_px <= scene.tags[0].y_px <= canvas.BALANCE.bottom_px


def test_of_many_trades_the_line_has_no_dots():
    assert not compose_curve(curve_picture(wandering(41))).balance.lines[0].has_dots


# --- what cannot be drawn ---------------------------------------------------------------------------------------------


def test_no_trade_is_nothing_to_draw():
    picture = curve_picture(results("1.00"))
    with pytest.raises(NothingToDrawError):
        compose_curve(replace(picture, wish=msgspec.structs.replace(picture.wish, points=())))


def test_too_many_trades_are_refused():
    with pytest.raises(BrokenSeriesError, match="more than"):
        compose_curve(curve_picture(wandering(MAX_POINTS + 1), most=5000))


def test_trades_out_of_order_are_refused():
    picture = curve_picture(results("1.00", "2.00"))
    backwards = msgspec.structs.replace(picture.wish, points=picture.wish.points[::-1])
    with pytest.raises(BrokenSeriesError, match="order"):
        compose_curve(replace(picture, wish=backwards))


# --- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pnls",
    [
        wandering(30),
        [-one for one in wandering(30)],
        wandering(12),
        wandering(600),
        wandering(2000, drift_cents=-30),
        results("1.00", "-1.00"),
        results("-5.00", "9.00", "-1.00"),
    ],
)
def test_the_names_of_the_best_and_the_worst_cover_neither_each_other_nor_the_curve(pnls):
    scene = compose_curve(curve_picture(pnls))
    line, scale = scene.balance.lines[0], scene.balance.scale
    boxes = []
    for note in scene.notes:
        half_px = len(words(note)) * LETTER_PX / 2
        boxes.append((note.x_px - half_px, note.x_px + half_px, note.y_px - 16, note.y_px + 16))

    assert all(top > canvas.BALANCE.top_px + 22 + 16 for _, _, top, _ in boxes), "the caption is covered"
    (left, right, top, bottom), (other_left, other_right, other_top, other_bottom) = boxes
    assert right < other_left or other_right < left or bottom < other_top or other_bottom < top
    per_trade_px = (canvas.PLOT_RIGHT_PX - canvas.PLOT_LEFT_PX) / scene.x_high
    for box_left, box_right, box_top, box_bottom in boxes:
        assert box_left >= canvas.PLOT_LEFT_PX
        assert box_right <= canvas.PLOT_RIGHT_PX
        assert canvas.BALANCE.top_px <= box_top
        assert box_bottom <= canvas.BALANCE.bottom_px
        under = [
            scale.px(y)
            for x, y in zip(line.x, line.y, strict=True)
            if x and box_left < canvas.PLOT_LEFT_PX + x * per_trade_px < box_right
        ]
        assert not any(box_top < y_px < box_bottom for y_px in under)


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=30))
def test_a_line_is_cut_at_zero_into_two_that_make_it_up(values):
    x, y = tuple(map(float, range(len(values)))), tuple(map(float, values))

    (at, above), (same, below) = split_at_zero(x, y)

    assert at == same
    assert list(at) == sorted(at)
    assert all(high == 0 or low == 0 for high, low in zip(above, below, strict=True))
    whole = dict(zip(at, (high + low for high, low in zip(above, below, strict=True)), strict=True))
    assert [whole[place] for place in x] == list(y)
    assert all(one * other >= 0 for one, other in pairwise(whole.values())), "a side of the line crosses zero"


def ticks(count, step_ms, **changes):
    scene = compose_curve(curve_picture(wandering(count), step_ms=step_ms, **changes))
    return scene, [tick.text for tick in scene.place_ticks]


def test_trades_of_a_day_are_labelled_by_the_readers_clock():
    _, texts = ticks(12, 20 * MINUTE_MS)
    assert texts == ["10:00", "11:00", "12:00", "13:00"]


def test_trades_of_days_are_labelled_by_their_days_in_his_zone():
    _, texts = ticks(30, 7 * HOUR_MS)
    assert texts == ["6 Jan", "7 Jan", "9 Jan", "11 Jan", "13 Jan"]


def test_trades_of_months_are_labelled_by_their_months():
    _, texts = ticks(2000, 7 * HOUR_MS)
    assert len(texts) > 3
    assert {text.split()[0] for text in texts} <= {
        "Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des",
    }  # fmt: skip


@pytest.mark.parametrize(("count", "step_ms"), [(3, 1), (12, 20 * MINUTE_MS), (30, 7 * HOUR_MS), (2000, 7 * HOUR_MS)])
def test_labels_keep_apart_and_inside(count, step_ms):
    scene, _ = ticks(count, step_ms)
    per_trade_px = (canvas.PLOT_RIGHT_PX - canvas.PLOT_LEFT_PX) / scene.x_high
    at_px = [canvas.PLOT_LEFT_PX + tick.number * per_trade_px for tick in scene.place_ticks]
    assert all(after - before >= 150 for before, after in pairwise(at_px))
    assert all(canvas.PLOT_LEFT_PX + 55 <= px <= canvas.PLOT_RIGHT_PX - 55 for px in at_px)


def test_a_span_over_new_year_names_both_years():
    picture = curve_picture(wandering(20), step_ms=40 * 24 * HOUR_MS)
    assert any("5 Jan 2026 – 4 Feb 2028" in text for text in all_words(compose_curve(picture)))


def test_the_last_trade_stands_in_the_readers_zone():
    picture = replace(curve_picture(results("1.00")), zone=ZoneInfo("America/New_York"))
    assert "semua waktu · 4 Jan 2026 22:00 EST" in all_words(compose_curve(picture))


# --- numbers ----------------------------------------------------------------------------------------------------------


@given(
    st.decimals(-(10**9), 10**9, places=4) | st.floats(-1e9, 1e9),
    st.integers(0, 4),
    st.sampled_from(("id", "en")),
    st.booleans(),
)
def test_numbers_are_written_as_in_the_text_beside_the_picture(value, digits, language, has_sign):
    written = amounts.number(value, digits, language, has_sign=has_sign)
    assert written == numbers.number(value, digits, language, has_sign=has_sign)


def test_an_unknown_language_reads_indonesian_numbers():
    assert amounts.number(Decimal("1234.5"), 2, "fr") == "1.234,50"
