"""What a picture shows, asked of the scene: no browser."""

from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import ExitReason, Interval, Mode, Side
from services.charts.domain import canvas
from services.charts.domain.canvas import PRICE, Frame
from services.charts.domain.composition import compose
from services.charts.domain.instrument import Instrument, infer
from services.charts.domain.request import MAX_CANDLES, BrokenSeriesError, NothingToDrawError, Outcome
from services.charts.domain.scale import Scale, fit, round_values
from services.charts.domain.scene import Role, Scene, Tag, Text
from services.charts.domain.spreading import spread
from services.charts.domain.time_axis import local, pauses, time_ticks, zone_name
from services.charts.domain.words import words_for
from tests.charts.builders import GOLD, JAKARTA, START_S, levels, picture, real_gold, series, wave
from tests.shared import shared_path


def words(text: Text) -> str:
    return "".join(span.text for span in text.spans)


def all_words(scene: Scene) -> str:
    return " | ".join(words(text) for text in scene.texts)


def tag(scene: Scene, name: str) -> Tag:
    return next(each for each in scene.tags if each.name == name)


# --- the whole --------------------------------------------------------------------------------------------------------


def test_a_buy_says_all_a_subscriber_needs():
    shown = series(wave(220))
    entry = shown.close[-1]

    scene = compose(picture(shown, levels=levels(entry, risk=2.0, multiples=(1.9,))))

    assert "XAUUSD  M1 · 5 Jan 13:40 WIB" in all_words(scene)
    assert f"O {shown.open[-1]:.2f}  H {shown.high[-1]:.2f}  L {shown.low[-1]:.2f}  C {entry:.2f}" in all_words(scene)
    assert "Skor 7  ·  Kuat  ·  R:R 1:1.9" in all_words(scene)
    assert f"EMA 5 10 20 50   TRF   Vol {shown.volume[-1]}" in all_words(scene)
    assert scene.badge.word == "BUY"
    assert scene.badge.points_up is True
    assert [(each.name, each.value) for each in scene.tags[:3]] == [
        ("SL", f"{entry - 2:.2f}"),
        ("BUY", f"{entry:.2f}"),
        ("TP", f"{entry + 3.8:.2f}"),
    ]
    assert [words(note) for note in scene.notes] == ["−20 pips", "+38 pips  1.9R"]
    assert scene.markers[0].index == 119
    assert scene.markers[0].price < shown.low[-1]


def test_a_sell_mirrors_it():
    shown = series(wave(220, sign=-1))
    entry = shown.close[-1]

    scene = compose(picture(shown, language="en", levels=levels(entry, Side.SELL, multiples=(1.0, 1.5, 2.5))))

    assert scene.badge.word == "SELL"
    assert scene.badge.points_up is False
    assert [each.name for each in scene.tags[:5]] == ["SL", "SELL", "TP1", "TP2", "TP3"]
    assert tag(scene, "SL").y_px < tag(scene, "SELL").y_px < tag(scene, "TP1").y_px < tag(scene, "TP3").y_px
    assert words(scene.notes[0]) == "−20 pips"
    assert "Score 7  ·  Strong" in all_words(scene)
    assert scene.markers[0].price > shown.high[-1]
    assert [(zone.role, zone.depth) for zone in scene.zones] == [
        (Role.DOWN, 0),
        (Role.UP, 0),
        (Role.UP, 1),
        (Role.UP, 2),
    ]
    assert scene.zones[0].high == levels(entry, Side.SELL).stop


def test_without_levels_it_is_a_chart():
    scene = compose(picture(levels=None))

    assert scene.badge is None
    assert scene.zones == scene.notes == scene.markers == ()
    assert [(each.name, each.role) for each in scene.tags[:1]] == [("", Role.LAST)]
    assert "R:R" not in all_words(scene)


def test_a_manual_signal_has_no_score_but_says_so():
    shown = series(wave(220))
    manual = msgspec.structs.replace(levels(shown.close[-1]), mode=Mode.MANUAL, score=None, strength=0.1, rr=1.555)

    scene = compose(picture(shown, levels=manual))

    assert "Manual  ·  Lemah  ·  R:R 1:1.5" in all_words(scene)


def test_a_result_shows_entry_exit_and_what_it_brought():
    shown = series(wave(220))
    held = levels(shown.close[60], risk=2.0)
    won = Outcome(ExitReason.TARGET, shown.open_time_s[60] + 5, shown.open_time_s[90] + 59, held.targets[0], 1.9)

    scene = compose(picture(shown, levels=held, outcome=won))

    assert (scene.badge.word, scene.badge.role, scene.badge.points_up) == ("TP KENA", Role.UP, None)
    assert "+38 pips  ·  +1.9R" in all_words(scene)
    assert [marker.index for marker in scene.markers] == [60, 90]
    assert scene.markers[1].price == held.targets[0]
    assert {zone.from_index for zone in scene.zones} == {60}


@pytest.mark.parametrize(
    ("r", "role", "text"), [(-1.0, Role.DOWN, "−1.0R"), (0.0, Role.MUTED, "+0.0R"), (2.0, Role.UP, "+2.0R")]
)
def test_a_result_without_its_levels_still_tells_its_r(r, role, text):
    ended = Outcome(ExitReason.STOP, START_S, START_S, 4000.0, r)

    scene = compose(picture(levels=None, outcome=ended))

    assert scene.badge.role is role
    assert words(scene.texts[-3]).endswith(text)
    assert scene.markers == ()


def test_curves_that_are_missing_are_left_out():
    bare = msgspec.structs.replace(series(wave(30)), indicators={})

    scene = compose(picture(bare))

    assert scene.price.curves == ()
    assert scene.band is None
    assert "Vol" in words(scene.texts[2])
    assert "EMA" not in words(scene.texts[2])
    assert scene.rsi.curves[0].values == [None] * 30
    assert not any(each.is_small for each in scene.tags)


def test_undefined_values_stay_gaps():
    scene = compose(picture(series(wave(20))))

    assert list(scene.rsi.curves[0].values[:14]) == [None] * 14
    assert scene.rsi.curves[0].values[14] is not None


def test_the_last_price_has_its_own_tag_only_where_the_entry_does_not_say_it():
    shown = series(wave(220))

    same = compose(picture(shown, levels=levels(shown.close[-1])))
    other = compose(picture(shown, levels=levels(shown.close[-1] + 0.5)))

    assert not any(each.role is Role.LAST for each in same.tags)
    assert tag(other, "").value == f"{shown.close[-1]:.2f}"


def test_a_picture_is_refused_where_there_is_nothing_or_nonsense():
    good = series(wave(30))
    empty = series(wave(30)[:1])
    for name in ("open_time_s", "open", "high", "low", "close", "volume"):
        empty = msgspec.structs.replace(empty, **{name: []})
    backwards = msgspec.structs.replace(good, open_time_s=good.open_time_s[::-1])

    with pytest.raises(NothingToDrawError, match="XAUUSD M1"):
        compose(picture(msgspec.structs.replace(empty, indicators={}), levels=None))
    with pytest.raises(BrokenSeriesError, match="29"):
        compose(picture(msgspec.structs.replace(good, high=good.high[1:])))
    with pytest.raises(BrokenSeriesError, match="order of time"):
        compose(picture(backwards))
    with pytest.raises(BrokenSeriesError, match=str(MAX_CANDLES)):
        compose(picture(series(wave(MAX_CANDLES + 1), shown=MAX_CANDLES + 1)))


@pytest.mark.parametrize("count", [1, 2, 39, 120, MAX_CANDLES])
def test_any_number_of_candles_fits_and_ends_before_the_notes(count):
    scene = compose(picture(series(wave(count), shown=count)))
    per_index = (canvas.PLOT_RIGHT_PX - canvas.PLOT_LEFT_PX) / (scene.x_high - scene.x_low)

    assert scene.x_low <= -0.5
    assert (scene.x_high - (count - 0.5)) * per_index == pytest.approx(canvas.FUTURE_PX)


def test_a_market_that_never_moved_is_drawn():
    flat = [replace(bar, open=4000.0, high=4000.0, low=4000.0, close=4000.0, volume=0) for bar in wave(60)]

    scene = compose(picture(series(flat), levels=None))

    assert scene.price.scale.low < 4000 < scene.price.scale.high
    assert scene.volume_high > 0
    assert len(scene.price.ticks) > 1


def test_real_gold_can_be_drawn():

    bars = real_gold(shared_path("data/xauusd/minute"), "20140506", 1150, 300)

    scene = compose(picture(series(bars), levels=None))

    assert scene.pauses == (4,), "the daily break of the market"
    assert min(bar.low for bar in bars[-120:]) > scene.price.scale.low


# --- levels far away, near, many --------------------------------------------------------------------------------------


def test_far_levels_do_not_flatten_the_candles_and_their_tags_stand_at_the_edge():
    shown = series(wave(220))
    far = levels(shown.close[-1], risk=90.0, multiples=(2.5,))

    scene = compose(picture(shown, levels=far))
    scale = scene.price.scale
    candles_px = scale.px(min(shown.low)) - scale.px(max(shown.high))

    assert candles_px > 0.15 * (PRICE.bottom_px - PRICE.top_px)
    assert tag(scene, "TP").at_px == PRICE.top_px
    assert tag(scene, "SL").at_px == PRICE.bottom_px


@given(
    side=st.sampled_from(Side),
    risk=st.floats(0.01, 120),
    multiples=st.lists(st.floats(0.1, 5), min_size=1, max_size=4, unique=True).map(sorted),
    shift=st.floats(-30, 30),
)
def test_no_tag_and_no_note_ever_covers_another(side, risk, multiples, shift):
    shown = series(wave(140))
    wanted = levels(shown.close[-1] + shift, side, risk=risk, multiples=tuple(multiples))

    scene = compose(picture(shown, levels=wanted))

    tags = sorted(each.y_px for each in scene.tags if not each.is_small)
    notes = sorted(note.y_px for note in scene.notes)
    assert all(after - before >= canvas.TAG_HEIGHT_PX - 1e-6 for before, after in pairwise(tags))
    assert all(after - before >= canvas.NOTE_HEIGHT_PX - 1e-6 for before, after in pairwise(notes))
    assert PRICE.top_px <= tags[0] <= tags[-1] <= PRICE.bottom_px
    by_height = sorted((each for each in scene.tags if not each.is_small), key=lambda each: each.y_px)
    prices = [float(each.value) for each in by_height]
    assert prices == sorted(prices, reverse=True), "a higher price never has the lower tag"


def test_a_stop_at_the_entry_has_no_multiple():
    shown = series(wave(220))
    free = msgspec.structs.replace(levels(shown.close[-1]), stop=round(shown.close[-1], 2))

    assert [words(note) for note in compose(picture(shown, levels=free)).notes] == ["+0.0 pips", "+38 pips"]


def test_axis_labels_make_room_for_tags_and_are_never_cut():
    scene = compose(picture())
    reach_px = (canvas.TAG_HEIGHT_PX + canvas.DIGIT_HEIGHT_PX) / 2

    for tick in scene.price.ticks:
        if tick.text:
            at_px = scene.price.scale.px(tick.value)
            assert PRICE.top_px < at_px < PRICE.bottom_px
            assert all(abs(each.y_px - at_px) >= reach_px for each in scene.tags)
    assert sum(bool(tick.text) for tick in scene.price.ticks) >= 2


# --- spreading --------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-50, 550), max_size=12), st.floats(1, 60))
def test_spreading_separates_keeps_order_and_stays_inside(wanted, height):
    places = spread(wanted, height_px=height, low_px=0, high_px=500)

    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    ranked = [places[index] for index in order]
    assert all(after - before >= height - 1e-6 for before, after in pairwise(ranked))
    if ranked and len(ranked) * height <= 500:
        assert ranked[0] >= height / 2 - 1e-6
        assert ranked[-1] <= 500 - height / 2 + 1e-6


def test_labels_with_room_stay_where_they_want_to_be():
    assert spread([300, 100, 200], height_px=40, low_px=0, high_px=500) == [300, 100, 200]


def test_labels_that_meet_share_the_way():
    assert spread([100, 110], height_px=40, low_px=0, high_px=500) == [85, 125]


# --- scales -----------------------------------------------------------------------------------------------------------


@given(st.floats(0.01, 1e5), st.floats(1e-3, 1e4))
def test_round_values_are_few_round_and_inside(low, span):
    values = round_values(low, low + span, about=6)

    assert 2 <= len(values) <= 13
    assert all(low - span * 1e-6 <= value <= low + span * (1 + 1e-6) for value in values)
    steps = {round((after - before) / span, 4) for before, after in pairwise(values)}
    assert max(steps) - min(steps) < 0.01


def test_a_scale_leaves_the_room_it_was_asked_for():
    scale = fit(10, 20, Frame(100, 500), above_px=40, below_px=60)

    assert scale.px(20) == pytest.approx(140)
    assert scale.px(10) == pytest.approx(440)
    assert scale.value(140) == pytest.approx(20)
    assert Scale(0, 10, Frame(0, 100)).clamped_px(50) == 0


# --- time -------------------------------------------------------------------------------------------------------------


def test_times_are_round_and_in_the_readers_zone():
    times_s = [START_S + 60 * i for i in range(120)]

    jakarta = time_ticks(times_s, JAKARTA, words_for("id"), apart=20)
    delhi = time_ticks(times_s, ZoneInfo("Asia/Kolkata"), words_for("en"), apart=20)

    assert [tick.text for tick in jakarta] == ["10:00", "10:30", "11:00", "11:30"]
    assert [tick.text for tick in delhi] == ["08:30", "09:00", "09:30", "10:00"]
    assert jakarta[1].index == 30


def test_a_new_day_is_named_and_wins_over_a_time_beside_it():
    midnight_s = START_S + 14 * 3600  # 00:00 in Jakarta
    times_s = [midnight_s - 1800 + 60 * i for i in range(26)] + [midnight_s + 300 + 60 * i for i in range(60)]

    ticks = time_ticks(times_s, JAKARTA, words_for("id"), apart=28)

    assert [(tick.text, tick.is_bold) for tick in ticks] == [("6 Jan", True), ("01:00", False)]


def test_one_candle_and_month_old_candles_have_labels():
    assert [tick.text for tick in time_ticks([START_S], JAKARTA, words_for("en"), apart=20)] == ["10:00"]
    weeks = [START_S + 604_800 * i for i in range(30)]
    ticks = time_ticks(weeks, JAKARTA, words_for("en"), apart=2)
    assert all(tick.is_bold for tick in ticks)
    assert all(after.index - before.index >= 2 for before, after in pairwise(ticks))


def test_a_pause_is_a_closed_market_not_a_quiet_one():
    times_s = [START_S, START_S + 60, START_S + 60 + 300, START_S + 60 + 300 + 3900]

    assert pauses(times_s, 60) == (3,)
    assert pauses([START_S, START_S + 3600 * 3], 3600) == ()
    assert pauses([START_S, START_S + 3600 * 50], 3600) == (1,)


@pytest.mark.parametrize(
    ("zone", "name"),
    [("Asia/Jakarta", "WIB"), ("UTC", "UTC"), ("Asia/Dubai", "UTC+4"), ("Asia/Kathmandu", "UTC+5:45")],
)
def test_zones_have_names(zone, name):
    assert zone_name(local(START_S, ZoneInfo(zone))) == name


def test_west_of_greenwich_counts_down():
    assert zone_name(local(START_S, ZoneInfo("America/Sao_Paulo"))) == "UTC-3"


# --- words ------------------------------------------------------------------------------------------------------------


def test_words_follow_the_language_and_unknown_ones_read_indonesian():
    assert words_for("en-GB").score == "Score"
    assert words_for("id").months[4] == "Mei"
    assert words_for("fr") is words_for("id")
    assert [words_for("en").grade(x) for x in (0.75, 0.5, 0.3, 0.29)] == ["Very strong", "Strong", "Medium", "Weak"]
    assert words_for("id").mode(Mode.AUTO) == "Otomatis"
    for language in ("en", "id"):
        assert set(words_for(language).outcomes) == set(ExitReason)
        assert len(words_for(language).months) == 12


def test_prices_and_distances():
    assert GOLD.price(4012.3) == "4012.30"
    assert GOLD.distance(-0.95, 4000) == "−9.5 pips"
    assert Instrument(2).distance(40, 4000) == "+1.00%"
    assert infer([1.0, 2.5]).digits == 2
    assert infer([1.09504]).digits == 5


def test_intervals_decide_when_the_candle_closed():
    hourly = series(wave(60, step_s=3600), interval=Interval.H1)

    assert "H1 · 7 Jan 22:00 WIB" in all_words(compose(picture(hourly)))
