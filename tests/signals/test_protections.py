"""Protections, each on trades and moments written down by hand."""

from datetime import UTC, datetime, time

import pytest

from contracts.messages import Side
from services.signals.domain.protections import (
    CooldownPeriod,
    DailyLoss,
    LowProfitPairs,
    MaxDrawdown,
    Moment,
    News,
    NewsGuard,
    Protection,
    SessionGuard,
    StoplossGuard,
)
from services.signals.domain.reference_trades import ReferenceTrade

M5 = 300
DAY = 1_699_920_000  # a midnight, UTC


def traded(closed: int, r: float, side: Side = Side.BUY) -> ReferenceTrade:
    """A trade closed `closed` candles after midnight with this result; a loss is a stop."""
    return ReferenceTrade(side, DAY, DAY + closed * M5, r, is_stopped=r < 0)


def moment(candle: int, *trades: ReferenceTrade, side: Side = Side.BUY, calendar: tuple[News, ...] = ()) -> Moment:
    return Moment(now_s=DAY + candle * M5, side=side, interval_s=M5, trades=trades, calendar=calendar)


COOLDOWN = CooldownPeriod(stop_duration_candles=3)
STOPS = StoplossGuard(lookback_period_candles=10, trade_limit=2, stop_duration_candles=5)
DRAWDOWN = MaxDrawdown(lookback_period_candles=20, trade_limit=3, stop_duration_candles=6, max_allowed_drawdown=1.5)
POOR = LowProfitPairs(lookback_period_candles=20, trade_limit=2, stop_duration_candles=6, required_profit=0.5)
LOSSES = traded(1, -1.0), traded(4, -1.0)


@pytest.mark.parametrize(
    ("protection", "at", "refused"),
    [
        (COOLDOWN, moment(5), False),
        (COOLDOWN, moment(6, traded(4, 2.0)), True),
        (COOLDOWN, moment(7, traded(4, 2.0)), False),
        (STOPS, moment(5, traded(4, -1.0)), False),
        (STOPS, moment(5, *LOSSES), True),
        (STOPS, moment(8, *LOSSES), True),
        (STOPS, moment(9, *LOSSES), False),
        (STOPS, moment(21, traded(6, -1.0), traded(20, -1.0)), False),
        (STOPS, moment(7, *LOSSES, traded(6, 2.0)), True),
        (DRAWDOWN, moment(5, *LOSSES), False),
        (DRAWDOWN, moment(8, traded(1, 2.0), traded(4, -1.0), traded(7, -1.0)), True),
        (DRAWDOWN, moment(13, traded(1, 2.0), traded(4, -1.0), traded(7, -1.0)), False),
        (DRAWDOWN, moment(8, traded(1, -1.0), traded(4, 2.0), traded(7, -1.0)), False),
        (POOR, moment(5, *LOSSES), True),
        (POOR, moment(5, traded(1, -1.0), traded(4, 1.5)), False),
        (POOR, moment(10, *LOSSES), False),
        (POOR, moment(5, traded(4, -1.0)), False),
        (DailyLoss(max_loss=2.0), moment(5, *LOSSES), True),
        (DailyLoss(max_loss=2.0), moment(5, LOSSES[0], traded(4, -0.9)), False),
        (DailyLoss(max_loss=2.0), moment(288, *LOSSES), False),
        (DailyLoss(max_loss=2.0), moment(5), False),
    ],
)
def test_trades_silence_for_as_long_as_they_should(protection: Protection, at: Moment, refused: bool) -> None:
    assert (protection.refusal(at) is not None) is refused


def test_stops_of_the_other_side_do_not_count_where_sides_are_apart() -> None:
    guard = StoplossGuard(lookback_period_candles=10, trade_limit=2, stop_duration_candles=5, only_per_side=True)
    one_each = traded(1, -1.0), traded(4, -1.0, Side.SELL)

    assert STOPS.refusal(moment(5, *one_each)) == "why.protection_stoploss_guard"
    assert guard.refusal(moment(5, *one_each)) is None
    assert guard.refusal(moment(5, *LOSSES)) == "why.protection_stoploss_guard"
    assert guard.refusal(moment(5, *LOSSES, side=Side.SELL)) is None


@pytest.mark.parametrize(
    ("opens", "closes", "now", "is_open"),
    [
        (time(7), time(16), time(6, 59), False),
        (time(7), time(16), time(7), True),
        (time(7), time(16), time(16), False),
        (time(22), time(2), time(23), True),
        (time(22), time(2), time(1, 59), True),
        (time(22), time(2), time(2), False),
    ],
)
def test_a_session_is_open_from_its_open_to_before_its_close(
    opens: time, closes: time, now: time, is_open: bool
) -> None:
    now_s = int(datetime.combine(datetime.fromtimestamp(DAY, UTC), now, UTC).timestamp())

    refusal = SessionGuard(opens=opens, closes=closes).refusal(Moment(now_s=now_s, side=Side.BUY, interval_s=M5))

    assert refusal == (None if is_open else "why.protection_session")


@pytest.mark.parametrize(("candle", "refused"), [(53, False), (54, True), (60, True), (72, True), (73, False)])
def test_news_silence_before_and_after(candle: int, refused: bool) -> None:
    guard = NewsGuard(minutes_before=30, minutes_after=60)
    calendar = (News(DAY + 60 * M5, "NFP"),)

    assert (guard.refusal(moment(candle, calendar=calendar)) is not None) is refused


def test_only_the_news_that_are_asked_for_silence() -> None:
    calendar = (News(DAY, "CPI"), News(DAY, "NFP"))

    assert NewsGuard(subjects=("NFP",)).refusal(moment(0, calendar=calendar)) == "why.protection_news"
    assert NewsGuard(subjects=("FOMC",)).refusal(moment(0, calendar=calendar)) is None
