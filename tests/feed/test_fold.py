"""Quotes into candles."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import Interval
from services.feed.domain.fold import Fold, LateQuoteError
from services.feed.domain.quotes import MID_DECIMALS, Bar, Candle, Quote, Ticks, half
from tests.feed.builders import NOON_MS, a_bar, a_quote

NOON_S = NOON_MS // 1000


def fold_all(quotes: list[Quote]) -> list[Candle]:
    fold = Fold()
    return [candle for quote in quotes for candle in fold.add(quote)] + fold.finish()


def by_grouping(quotes: list[Quote], interval: Interval) -> list[tuple[int, float, float, float, float, int]]:
    """What a person would do: group all quotes by interval, then look."""
    candles = []
    for start, group in groupby(quotes, key=lambda quote: quote.epoch_ms // (interval.seconds * 1000)):
        mids = [quote.mid for quote in group]
        candles.append((start * interval.seconds, mids[0], max(mids), min(mids), mids[-1], len(mids)))
    return candles


steps = st.lists(
    st.tuples(st.one_of(st.integers(0, 90_000), st.integers(0, 8_000_000)), st.integers(3_900_000, 4_100_000)),
    min_size=1,
    max_size=120,
)


@given(steps=steps, start_ms=st.integers(1_700_000_000_000, 1_700_010_000_000))
def test_every_interval_equals_naive_grouping_of_all_quotes(steps, start_ms) -> None:
    moment, quotes = start_ms, []
    for pause_ms, price in steps:
        moment += pause_ms
        quotes.append(Quote(moment, price / 1000, (price + 300) / 1000))

    candles = fold_all(quotes)

    for interval in Interval:
        folded = [(c.open_s, c.open, c.high, c.low, c.close, c.volume) for c in candles if c.interval is interval]
        assert folded == by_grouping(quotes, interval)


@given(steps=steps)
def test_candles_of_an_interval_leave_with_increasing_open_times_and_after_their_minutes(steps) -> None:
    moment, quotes = NOON_MS, []
    for pause_ms, price in steps:
        moment += pause_ms
        quotes.append(Quote(moment, price / 1000, price / 1000))

    candles = fold_all(quotes)

    for interval in Interval:
        opens = [candle.open_s for candle in candles if candle.interval is interval]
        assert opens == sorted(set(opens))
        assert all(open_s % interval.seconds == 0 for open_s in opens)
    last_minute_end = 0
    for candle in candles:
        if candle.interval is Interval.M1:
            last_minute_end = candle.end_ms
        else:
            assert last_minute_end > candle.open_s * 1000


@given(steps=steps, cut=st.integers(0, 119))
def test_bars_of_history_roll_up_like_the_quotes_they_were_made_of(steps, cut) -> None:
    moment, quotes = NOON_MS, []
    for pause_ms, price in steps:
        moment += pause_ms
        quotes.append(Quote(moment, price / 1000, price / 1000))
    expected = fold_all(quotes)
    seam_ms = quotes[min(cut, len(quotes) - 1)].epoch_ms // 60_000 * 60_000

    fold = Fold()
    candles = []
    for minute in (c for c in expected if c.interval is Interval.M1 and c.open_s * 1000 < seam_ms):
        bar = Bar(minute.open_s, minute.open, minute.high, minute.low, minute.close)
        candles += fold.add_bar(bar, minute.volume)
    candles += [c for quote in quotes if quote.epoch_ms >= seam_ms for c in fold.add(quote)]
    candles += fold.finish()

    def shape(c):
        return (c.interval, c.open_s, c.open, c.high, c.low, c.close, c.volume)

    assert [shape(c) for c in candles] == [shape(c) for c in expected]


def by_hand(quotes: list[Quote], interval: Interval) -> Candle:
    """The candle that the last quote lies in, as far as there are quotes."""
    start_ms = quotes[-1].epoch_ms // (interval.seconds * 1000) * interval.seconds * 1000
    own = [quote for quote in quotes if quote.epoch_ms >= start_ms]
    mids = [quote.mid for quote in own]
    return Candle(interval, start_ms // 1000, mids[0], max(mids), min(mids), mids[-1], len(own), own[-1])


@given(steps=steps)
def test_forming_candles_are_those_of_the_quotes_so_far(steps) -> None:
    fold, moment, quotes = Fold(), NOON_MS, []
    for pause_ms, price in steps:
        moment += pause_ms
        quotes.append(Quote(moment, price / 1000, (price + 300) / 1000))

        fold.add(quotes[-1])

        assert fold.forming() == [by_hand(quotes, interval) for interval in Interval]


def in_columns(quotes: list[Quote]) -> Ticks:
    columns = [q.epoch_ms for q in quotes], [q.bid for q in quotes], [q.ask for q in quotes]
    return Ticks(*columns, is_backfilled=any(q.is_backfilled for q in quotes))


@st.composite
def batches(draw) -> list[list[Quote]]:
    """Quotes in time order, cut anywhere; each batch is live or of history."""
    moment, found, left = NOON_MS, [], draw(steps)
    while left:
        size, spread, is_backfilled = draw(st.tuples(st.integers(0, 40), st.integers(0, 900), st.booleans()))
        own, left = left[:size], left[max(1, size) :]
        found.append([])
        for pause_ms, price in own:
            moment += pause_ms
            found[-1].append(Quote(moment, price / 1000, (price + spread) / 1000, is_backfilled))
    return found


@given(batches=batches())
def test_batches_of_any_size_fold_like_quotes_one_by_one(batches) -> None:
    one_by_one, at_once = Fold(), Fold()

    for batch in batches:
        expected = [candle for quote in batch for candle in one_by_one.add(quote)]
        assert at_once.add_all(in_columns(batch)) == expected
        assert at_once.forming() == one_by_one.forming()
        assert at_once.next_end_ms == one_by_one.next_end_ms

    assert at_once.finish() == one_by_one.finish()


def test_a_batch_and_single_quotes_make_one_minute() -> None:
    fold = Fold()
    fold.add(a_quote(0, 4000))
    fold.add_all(in_columns([a_quote(1, 4003), a_quote(2, 3998)]))
    fold.add(a_quote(3, 4001))

    minute = fold.finish()[0]

    assert (minute.open, minute.high, minute.low, minute.close, minute.volume) == (4000, 4003, 3998, 4001, 4)
    assert minute.last == a_quote(3, 4001)


def test_a_batch_that_begins_late_is_refused_whole() -> None:
    fold = Fold()
    fold.add(a_quote(60))

    with pytest.raises(LateQuoteError):
        fold.add_all(in_columns([a_quote(59, 9999), a_quote(61, 9999)]))

    minute = fold.finish()[0]
    assert (minute.high, minute.volume) == (4000, 1)


@pytest.mark.parametrize(
    "columns",
    [
        ([NOON_MS + 1, NOON_MS], [1.0, 1.0], [1.0, 1.0]),
        ([NOON_MS], [1.0, 1.0], [1.0]),
        ([NOON_MS], [1.0], []),
    ],
)
def test_columns_that_go_backwards_or_differ_in_length_are_no_ticks(columns) -> None:
    with pytest.raises(ValueError, match="tick"):
        Ticks(*columns)


def test_ticks_of_one_moment_keep_their_order() -> None:
    ticks = Ticks([NOON_MS, NOON_MS], [1.0, 2.0], [1.5, 2.5], is_backfilled=True)

    assert [ticks[place] for place in range(len(ticks))] == [
        Quote(NOON_MS, 1.0, 1.5, is_backfilled=True),
        Quote(NOON_MS, 2.0, 2.5, is_backfilled=True),
    ]


def test_revised_minutes_build_anew_only_what_is_forming() -> None:
    fold = Fold()
    fold.restore(Candle(Interval.M1, NOON_S + 240, 1, 9, 1, 5, 4))
    fold.add(a_quote(300, 4))

    fold.revise([Candle(Interval.M1, NOON_S + 60, 2, 8, 2, 7, 3), Candle(Interval.M1, NOON_S + 240, 1, 6, 1, 5, 4)])

    quarter = next(c for c in fold.finish() if c.interval is Interval.M15)
    assert (quarter.open, quarter.high, quarter.low, quarter.close, quarter.volume) == (2, 8, 1, 4, 8)


def test_a_candle_whose_beginning_is_missing_does_not_close_by_the_clock_either() -> None:
    fold = Fold(complete_from_ms=NOON_MS + 60_000)
    fold.add(a_quote(60))

    assert [c.interval for c in fold.forming()] == [Interval.M1]
    assert [c.interval for c in fold.finish()] == [Interval.M1]


def test_a_candle_closes_with_the_first_quote_at_its_end() -> None:
    fold = Fold()
    fold.add(a_quote(10, 4000))
    fold.add(a_quote(59.999, 4002))

    closed = fold.add(a_quote(60, 4001))

    assert closed == [Candle(Interval.M1, NOON_S, 4000, 4002, 4000, 4002, 2, a_quote(59.999, 4002))]


def test_a_candle_closes_by_the_clock_when_its_grace_is_over() -> None:
    fold = Fold()
    fold.add(a_quote(10))

    assert fold.advance(NOON_MS + 61_999) == []
    assert [c.interval for c in fold.advance(NOON_MS + 62_000)] == [Interval.M1]
    assert fold.advance(NOON_MS + 63_000) == []


def test_the_minute_that_completes_an_hour_closes_all_intervals_shortest_first() -> None:
    fold = Fold()
    fold.add(a_quote(3590))

    closed = fold.add(a_quote(3600))

    assert [candle.interval for candle in closed] == [Interval.M1, Interval.M5, Interval.M15, Interval.H1]


def test_a_minute_without_quotes_has_no_candle() -> None:
    candles = fold_all([a_quote(0), a_quote(240)])

    assert [c.open_s - NOON_S for c in candles if c.interval is Interval.M1] == [0, 240]


def test_a_five_minute_candle_whose_last_minutes_were_empty_closes_by_the_clock() -> None:
    fold = Fold()
    fold.add(a_quote(0))
    fold.advance(NOON_MS + 70_000)

    assert fold.next_end_ms == NOON_MS + 300_000
    assert [c.interval for c in fold.advance(NOON_MS + 302_000)] == [Interval.M5]


@pytest.mark.parametrize("late_s", [59.0, -100.0])
def test_a_late_quote_is_refused_and_changes_nothing(late_s) -> None:
    fold = Fold()
    fold.add(a_quote(0))
    fold.add(a_quote(60))

    with pytest.raises(LateQuoteError):
        fold.add(a_quote(late_s, 9999))

    minute = fold.finish()[0]
    assert (minute.high, minute.volume) == (4000, 1)


def test_a_quote_of_an_empty_minute_that_was_overtaken_is_refused() -> None:
    fold = Fold()
    fold.add(a_quote(120))

    with pytest.raises(LateQuoteError):
        fold.add(a_quote(119))


def test_a_late_bar_is_refused() -> None:
    fold = Fold()
    fold.add_bar(a_bar(5))

    with pytest.raises(LateQuoteError):
        fold.add_bar(a_bar(5))


def test_a_bar_replaces_what_was_folded_of_its_minute_and_keeps_its_volume() -> None:
    fold = Fold()
    fold.add(a_quote(10, 4050))

    closed = fold.add_bar(a_bar(0, 4000), volume=7)

    assert closed == [Candle(Interval.M1, NOON_S, 4000, 4001, 3999, 4000.5, 8, None, is_backfilled=True)]


def test_a_bar_closes_the_minute_before_it() -> None:
    fold = Fold()
    fold.add(a_quote(10))

    assert [c.open_s - NOON_S for c in fold.add_bar(a_bar(1))] == [0, 60]


def test_a_candle_that_began_before_the_history_is_left_out() -> None:
    fold = Fold(complete_from_ms=NOON_MS + 180_000)
    fold.add(a_quote(180))

    closed = [*fold.add(a_quote(300)), *fold.add(a_quote(600))]

    assert [(c.interval, c.open_s - NOON_S) for c in closed] == [
        (Interval.M1, 180),
        (Interval.M1, 300),
        (Interval.M5, 300),
    ]


def test_restored_minutes_are_not_told_again_but_roll_up() -> None:
    fold = Fold()
    fold.restore(Candle(Interval.M1, NOON_S, 1, 9, 1, 5, 4))
    fold.add(a_quote(60, 4))

    five = next(c for c in fold.add(a_quote(300, 4)) if c.interval is Interval.M5)

    assert fold.closed_until_ms == NOON_MS + 120_000
    assert (five.open, five.high, five.low, five.close, five.volume) == (1, 9, 1, 4, 5)


def test_a_candle_that_ended_in_history_says_so_and_has_no_sides() -> None:
    fold = Fold()
    fold.add(a_quote(0))
    fold.add(a_quote(30, is_backfilled=True))

    minute = fold.add(a_quote(60))[0]

    assert (minute.is_backfilled, minute.last) == (True, None)


def test_a_candle_that_ended_live_has_the_sides_it_closed_with_in_every_interval() -> None:
    fold = Fold()
    fold.add(a_quote(0, is_backfilled=True))
    fold.add(a_quote(298))

    closed = fold.add(a_quote(300))

    assert [(c.interval, c.last) for c in closed] == [(Interval.M1, a_quote(298)), (Interval.M5, a_quote(298))]


def test_an_empty_fold_has_nothing_to_close() -> None:
    fold = Fold()

    assert fold.next_end_ms is None
    assert fold.advance(NOON_MS) == fold.finish() == []


@given(
    sides=st.one_of(
        st.floats(1e-9, 1e16),
        st.floats(allow_nan=False),
        st.integers(1, 10**15).map(lambda whole: whole / 10**8),
        st.integers(1, 10**15).map(lambda whole: (whole + 0.5) / 10**8 * 2),
    )
)
def test_half_is_what_rounding_to_the_mids_decimals_gives(sides) -> None:
    assert half(sides) == round(sides / 2, MID_DECIMALS)


def test_a_mid_loses_binary_noise_and_nothing_else() -> None:
    assert Quote(0, 1291.677, 1292.033).mid == 1291.855
    assert Quote(0, 1291.677, 1292.034).mid == 1291.8555
    assert Quote(0, 0.0000123, 0.0000125).mid == 0.0000124


@pytest.mark.parametrize(
    ("bar", "is_sound"),
    [
        (Bar(60, 2, 3, 1, 2), True),
        (Bar(61, 2, 3, 1, 2), False),
        (Bar(60, 2, 1.5, 1, 1.2), False),
        (Bar(60, 2, 3, 2.5, 2), False),
        (Bar(60, 2, 3, 0, 2), False),
        (Bar(60, 2, float("inf"), 1, 2), False),
    ],
)
def test_a_bar_that_cannot_be_a_candle_is_known(bar, is_sound) -> None:
    assert bar.is_sound is is_sound
    assert bar.end_ms == bar.open_s * 1000 + 60_000
