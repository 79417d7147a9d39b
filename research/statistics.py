"""What a row of closed trades comes to. Pure: whoever counts elsewhere, in SQL or by hand, must come to the same.

A trade whose P/L is zero is neither a win nor a loss: it counts as a trade and nowhere else (product specification,
section 4). Money is Decimal and exact; ratios are floats, None where they are undefined. Trades are taken in the
order in which they closed. Hours, days and months are UTC: a trade belongs to the hour and weekday it was opened in,
and to the day and month it was closed in, for that is when its money came.
"""

import math
import statistics
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from contracts.messages import Side

TRADING_DAYS = 252
"""Days of a year that Sharpe and Sortino are scaled to: the custom, whatever the market's own count is."""

ZERO = Decimal("0.00")

DAY_MS = 86_400_000


class Closed(Protocol):
    """A closed trade, as far as statistics look at it. Moments are market milliseconds."""

    @property
    def side(self) -> Side: ...
    @property
    def opened_ms(self) -> int: ...
    @property
    def closed_ms(self) -> int: ...
    @property
    def pnl(self) -> Decimal: ...
    @property
    def r(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The plain counts of some trades."""

    trades: int
    wins: int
    losses: int
    pnl: Decimal
    r: float
    win_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All numbers of a test. Money in the account's currency, spans in seconds, rates and exposure 0..1."""

    trades: int
    wins: int
    losses: int
    win_rate: float | None
    pnl: Decimal
    r: float
    gross_profit: Decimal
    gross_loss: Decimal
    profit_factor: float | None
    expectancy: float | None
    expectancy_r: float | None
    average_win: float | None
    average_loss: float | None
    best: Decimal | None
    worst: Decimal | None
    max_drawdown: Decimal
    max_drawdown_r: float
    sharpe: float | None
    sortino: float | None
    exposure: float
    win_streak: int
    loss_streak: int
    hold_s_mean: float | None
    hold_s_median: float | None
    days: int
    by_side: dict[str, Tally]
    by_hour: dict[int, Tally]
    by_weekday: dict[int, Tally]
    by_month: dict[str, Tally]


def summarise(trades: Sequence[Closed], *, candle_ends_ms: Sequence[int]) -> Summary:
    """Count everything. `candle_ends_ms` are the ends of the candles that were tested, rising: the market's time."""
    pnls, results = [trade.pnl for trade in trades], [trade.r for trade in trades]
    plain = tally(trades)
    profit, loss = sum((p for p in pnls if p > 0), ZERO), -sum((p for p in pnls if p < 0), ZERO)
    days = daily(trades, candle_ends_ms)
    holds_s = [(trade.closed_ms - trade.opened_ms) / 1000 for trade in trades]
    win_streak, loss_streak = streaks(pnls)
    return Summary(
        trades=plain.trades,
        wins=plain.wins,
        losses=plain.losses,
        win_rate=plain.win_rate,
        pnl=plain.pnl,
        r=plain.r,
        gross_profit=profit,
        gross_loss=loss,
        profit_factor=_ratio(float(profit), float(loss)),
        expectancy=_ratio(float(plain.pnl), plain.trades),
        expectancy_r=_ratio(plain.r, plain.trades),
        average_win=_ratio(float(profit), plain.wins),
        average_loss=_ratio(float(loss), plain.losses),
        best=max(pnls, default=None),
        worst=min(pnls, default=None),
        max_drawdown=max(drawdowns(pnls), default=ZERO),
        max_drawdown_r=round(float(max(drawdowns([Decimal(repr(r)) for r in results]), default=ZERO)), 4),
        sharpe=sharpe(days),
        sortino=sortino(days),
        exposure=exposure(trades, candle_ends_ms),
        win_streak=win_streak,
        loss_streak=loss_streak,
        hold_s_mean=statistics.fmean(holds_s) if holds_s else None,
        hold_s_median=statistics.median(holds_s) if holds_s else None,
        days=len(days),
        by_side={side.value: tally(t for t in trades if t.side is side) for side in Side},
        by_hour=_by(trades, lambda trade: _moment(trade.opened_ms).hour),
        by_weekday=_by(trades, lambda trade: _moment(trade.opened_ms).weekday()),
        by_month=_by(trades, lambda trade: f"{_moment(trade.closed_ms):%Y-%m}"),
    )


def tally(trades: Iterable[Closed]) -> Tally:
    """Count wins and losses. Win rate = wins / (wins + losses)."""
    rows = list(trades)
    wins, losses = sum(trade.pnl > 0 for trade in rows), sum(trade.pnl < 0 for trade in rows)
    return Tally(
        trades=len(rows),
        wins=wins,
        losses=losses,
        pnl=sum((trade.pnl for trade in rows), ZERO),
        r=round(math.fsum(trade.r for trade in rows), 4),
        win_rate=_ratio(wins, wins + losses),
    )


def drawdowns(steps: Sequence[Decimal]) -> list[Decimal]:
    """Tell after each trade how far the running sum stands below its highest point so far, which begins at zero.

    The maximum drawdown is the greatest of them: what the worst moment to begin would have cost, on closed trades.
    """
    found: list[Decimal] = []
    total = peak = ZERO
    for step in steps:
        total += step
        peak = max(peak, total)
        found.append(peak - total)
    return found


def streaks(pnls: Iterable[Decimal]) -> tuple[int, int]:
    """Find the longest runs of wins and of losses. A trade that is neither stands outside of every run."""
    longest, running, was_win = {True: 0, False: 0}, 0, None
    for pnl in pnls:
        if pnl == 0:
            continue
        running = running + 1 if (pnl > 0) is was_win else 1
        was_win = pnl > 0
        longest[was_win] = max(longest[was_win], running)
    return longest[True], longest[False]


def daily(trades: Iterable[Closed], candle_ends_ms: Sequence[int]) -> dict[date, Decimal]:
    """Tell the P/L of every UTC day on which the market was seen, zero where nothing closed; a trade's day counts."""
    found = {_moment(day_ms).date(): ZERO for day_ms in _days_of(candle_ends_ms)}
    for trade in trades:
        day = _moment(trade.closed_ms).date()
        found[day] = found.get(day, ZERO) + trade.pnl
    return dict(sorted(found.items()))


def _days_of(candle_ends_ms: Sequence[int]) -> Iterator[int]:
    """Yield the beginning of each UTC day that a candle ended in; midnight counts to the day before."""
    at = 0
    while at < len(candle_ends_ms):
        begins_ms = (candle_ends_ms[at] - 1) // DAY_MS * DAY_MS
        yield begins_ms
        at = bisect_right(candle_ends_ms, begins_ms + DAY_MS, at)


def sharpe(days: dict[date, Decimal]) -> float | None:
    """Measure daily P/L by its own spread: mean / sample standard deviation · √252. None below two days.

    On fixed lots the P/L is proportional to the return on any fixed balance, which the ratio cancels; the riskless
    rate is taken as zero. Source: W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management, 1994.
    """
    values = [float(pnl) for pnl in days.values()]
    if len(values) < 2:
        return None
    spread = statistics.stdev(values)
    return statistics.fmean(values) / spread * math.sqrt(TRADING_DAYS) if spread else None


def sortino(days: dict[date, Decimal]) -> float | None:
    """Measure daily P/L by its losing days: mean / √mean(min(P/L, 0)²) · √252. None below two days or without a loss.

    Source: F. A. Sortino and L. N. Price, "Performance Measurement in a Downside Risk Framework", Journal of
    Investing, 1994; the target is zero.
    """
    values = [float(pnl) for pnl in days.values()]
    if len(values) < 2:
        return None
    downside = math.sqrt(statistics.fmean(min(value, 0.0) ** 2 for value in values))
    return statistics.fmean(values) / downside * math.sqrt(TRADING_DAYS) if downside else None


def exposure(trades: Iterable[Closed], candle_ends_ms: Sequence[int]) -> float:
    """Tell the share of candles that ended while a trade was open: [opened, closed). Closed markets count nowhere."""
    held = sum(
        bisect_left(candle_ends_ms, trade.closed_ms) - bisect_right(candle_ends_ms, trade.opened_ms)
        for trade in trades
        if trade.closed_ms > trade.opened_ms
    )
    return held / len(candle_ends_ms) if candle_ends_ms else 0.0


Key = TypeVar("Key", int, str)


def _by(trades: Iterable[Closed], key: Callable[[Closed], Key]) -> dict[Key, Tally]:
    groups: dict[Key, list[Closed]] = defaultdict(list)
    for trade in trades:
        groups[key(trade)].append(trade)
    return {name: tally(groups[name]) for name in sorted(groups)}


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None


def _moment(moment_ms: int) -> datetime:
    return datetime.fromtimestamp(moment_ms / 1000, UTC)
