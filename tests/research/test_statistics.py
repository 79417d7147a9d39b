"""Numbers worked out by hand."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import Side
from research import statistics
from research.statistics import summarise, tally


@dataclass(frozen=True)
class Done:
    """A closed trade."""

    pnl: Decimal
    r: float
    side: Side = Side.BUY
    opened_ms: int = 0
    closed_ms: int = 60_000


def trades_of(*pnls: str) -> list[Done]:
    return [Done(Decimal(pnl), float(pnl) / 2) for pnl in pnls]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_a_trade_that_earns_nothing_is_neither_a_win_nor_a_loss() -> None:
    found = tally(trades_of("2.00", "0.00", "-1.00", "0.00"))

    assert (found.trades, found.wins, found.losses, found.win_rate) == (4, 1, 1, 0.5)
    assert (found.pnl, found.r) == (Decimal("1.00"), 0.5)


def test_without_a_win_or_a_loss_there_is_no_win_rate() -> None:
    assert tally(trades_of("0.00")).win_rate is None
    assert tally([]).win_rate is None


def test_profit_factor_and_expectancy() -> None:
    found = summarise(trades_of("3.00", "-1.00", "0.00", "-1.50", "2.00"), candle_ends_ms=[])

    assert (found.gross_profit, found.gross_loss, found.profit_factor) == (Decimal("5.00"), Decimal("2.50"), 2.0)
    assert (found.expectancy, found.expectancy_r) == (0.5, 0.25)  # 2.50 over five trades, half of it in R
    assert (found.average_win, found.average_loss) == (2.5, 1.25)
    assert (found.best, found.worst) == (Decimal("3.00"), Decimal("-1.50"))


def test_without_a_loss_the_profit_factor_is_undefined() -> None:
    assert summarise(trades_of("3.00"), candle_ends_ms=[]).profit_factor is None


def test_the_drawdown_is_the_deepest_fall_from_the_highest_point_before_it() -> None:
    # Running: 2, 5, 1, 3, −1, 6. The deepest fall is from 5 to −1.
    found = summarise(trades_of("2.00", "3.00", "-4.00", "2.00", "-4.00", "7.00"), candle_ends_ms=[])

    assert (found.max_drawdown, found.max_drawdown_r) == (Decimal("6.00"), 3.0)


def test_a_fall_from_the_beginning_is_a_drawdown() -> None:
    assert summarise(trades_of("-2.00", "1.00"), candle_ends_ms=[]).max_drawdown == Decimal("2.00")


@pytest.mark.parametrize(
    ("pnls", "longest"),
    [
        ((), (0, 0)),
        (("1", "1", "-1", "1"), (2, 1)),
        (("1", "0", "1"), (2, 0)),  # the middle one is neither, and breaks nothing
        (("-1", "-1", "-1", "1", "-1"), (1, 3)),
    ],
)
def test_streaks(pnls: tuple[str, ...], longest: tuple[int, int]) -> None:
    assert statistics.streaks(map(Decimal, pnls)) == longest


def test_sharpe_and_sortino_are_of_days() -> None:
    # Days: +3, −1, +1. Mean 1, sample deviation 2, root mean square of the losing days √(1/3).
    days = {date(2026, 1, day): Decimal(pnl) for day, pnl in ((5, 3), (6, -1), (7, 1))}

    assert statistics.sharpe(days) == pytest.approx(math.sqrt(252) / 2)
    assert statistics.sortino(days) == pytest.approx(math.sqrt(252) * math.sqrt(3))


@pytest.mark.parametrize("days", [{}, {date(2026, 1, 5): Decimal(3)}])
def test_one_day_tells_nothing_of_spread(days: dict[date, Decimal]) -> None:
    assert statistics.sharpe(days) is None
    assert statistics.sortino(days) is None


def test_equal_days_have_no_sharpe_and_days_without_a_loss_no_sortino() -> None:
    days = {date(2026, 1, day): Decimal(1) for day in (5, 6)}

    assert statistics.sharpe(days) is None
    assert statistics.sortino(days) is None


def test_days_of_the_market_without_a_trade_count_as_zero() -> None:
    ends = [ms("2026-01-05T12:01"), ms("2026-01-06T00:00"), ms("2026-01-07T12:00")]
    trade = Done(Decimal("2.00"), 1.0, closed_ms=ms("2026-01-07T11:00"))

    days = statistics.daily([trade], ends)

    # A candle that ends at midnight belongs to the day before.
    assert days == {date(2026, 1, 5): Decimal(0), date(2026, 1, 7): Decimal("2.00")}


def test_exposure_is_the_share_of_candles_that_ended_in_a_trade() -> None:
    ends = [60_000 * minute for minute in range(1, 11)]
    held = Done(Decimal(1), 1.0, opened_ms=59_000, closed_ms=180_000)  # open at the ends of minutes 1 and 2
    brief = Done(Decimal(1), 1.0, opened_ms=301_000, closed_ms=302_000)  # between two ends

    assert statistics.exposure([held, brief], ends) == 0.2
    assert statistics.exposure([held], []) == 0.0


def test_trades_are_laid_out_by_when_they_were_opened_and_months_by_when_they_closed() -> None:
    late = Done(
        Decimal("1.00"), 0.5, Side.SELL, opened_ms=ms("2026-01-30T23:59"), closed_ms=ms("2026-02-01T00:10")
    )  # fmt: skip

    found = summarise([late], candle_ends_ms=[])

    assert list(found.by_hour) == [23]
    assert list(found.by_weekday) == [4]  # a Friday
    assert list(found.by_month) == ["2026-02"]
    assert (found.by_side["SELL"].trades, found.by_side["BUY"].trades) == (1, 0)
    assert (found.hold_s_mean, found.hold_s_median) == (87_060.0, 87_060.0)


money = st.decimals(min_value=-500, max_value=500, places=2)


@given(pnls=st.lists(money, max_size=60), hours=st.lists(st.integers(0, 4000), min_size=60, max_size=60))
def test_every_way_to_lay_trades_out_adds_up_to_the_same(pnls: list[Decimal], hours: list[int]) -> None:
    trades = [
        Done(pnl, float(pnl), Side.BUY if at % 2 else Side.SELL, hour * 3_600_000, hour * 3_600_000 + 5)
        for at, (pnl, hour) in enumerate(zip(pnls, hours, strict=False))
    ]

    found = summarise(trades, candle_ends_ms=[])

    for groups in (found.by_side, found.by_hour, found.by_weekday, found.by_month):
        assert sum(group.trades for group in groups.values()) == found.trades == len(pnls)
        assert sum(group.pnl for group in groups.values()) == found.pnl == sum(pnls)
        assert sum(group.wins for group in groups.values()) == found.wins
    assert found.pnl == found.gross_profit - found.gross_loss
    assert found.max_drawdown >= max(Decimal(0), -found.pnl)
