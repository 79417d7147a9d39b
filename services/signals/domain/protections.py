"""When a strategy must hold its tongue: after losses, in a row of them, at bad hours, around the news.

A protection is declared by a strategy (`Strategy.protections`) and judged on the strategy's own reference trades and
on market time. So it is the same live and in a backtest, for it is a function of candles and of a calendar. Names and
meanings are freqtrade's where it has them; its percentages of an account are R here, for a strategy has no account.

Source: freqtrade, docs/includes/protections.md.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from contracts.messages import Side
from services.signals.domain.reference_trades import ReferenceTrade

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class News:
    """A dated event of the calendar: market time in seconds, and what it is about (`USD`, `NFP`, …)."""

    at_s: int
    subject: str


Calendar = Sequence[News]
"""Events in the order of time."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A signal about to be raised: when (market seconds), to which side, on candles of which length, amid what."""

    now_s: int
    side: Side
    interval_s: int
    trades: Sequence[ReferenceTrade] = ()
    calendar: Calendar = ()


class Protection(ABC):
    """One rule. `needs_trades` is False where only time matters, so that no book has to be kept."""

    needs_trades = True

    @abstractmethod
    def refusal(self, moment: Moment) -> str | None:
        """Return the message key of what forbids a signal at `moment`, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CooldownPeriod(Protection):
    """No signal for `stop_duration_candles` after a trade has closed."""

    stop_duration_candles: int

    def refusal(self, moment: Moment) -> str | None:
        """Look at the newest closed trade."""
        pause_s = self.stop_duration_candles * moment.interval_s
        is_cooling = bool(moment.trades) and moment.now_s < moment.trades[-1].closed_s + pause_s
        return "why.protection_cooldown" if is_cooling else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoplossGuard(Protection):
    """No signal for `stop_duration_candles` after the last of `trade_limit` stops within `lookback_period_candles`."""

    lookback_period_candles: int
    trade_limit: int
    stop_duration_candles: int
    only_per_side: bool = False

    def refusal(self, moment: Moment) -> str | None:
        """Count the stops, of the signal's side alone where `only_per_side`."""
        stops = [
            trade
            for trade in moment.trades
            if trade.is_stopped and (trade.side is moment.side or not self.only_per_side)
        ]
        is_stopped = _is_locked(stops, self, moment) and len(_looked_back(stops, self, moment)) >= self.trade_limit
        return "why.protection_stoploss_guard" if is_stopped else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxDrawdown(Protection):
    """No signal for `stop_duration_candles` after a fall of more than `max_allowed_drawdown` R from the peak.

    The fall is that of the summed results of the trades closed within `lookback_period_candles`, `trade_limit` of them
    or more.
    """

    lookback_period_candles: int
    trade_limit: int
    stop_duration_candles: int
    max_allowed_drawdown: float

    def refusal(self, moment: Moment) -> str | None:
        """Walk the results from the first trade looked back on."""
        trades = _looked_back(moment.trades, self, moment)
        if len(trades) < self.trade_limit or not _is_locked(trades, self, moment):
            return None
        return "why.protection_max_drawdown" if _drawdown(trades) > self.max_allowed_drawdown else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LowProfitPairs(Protection):
    """No signal for `stop_duration_candles` while the trades looked back on came to less than `required_profit` R."""

    lookback_period_candles: int
    trade_limit: int
    stop_duration_candles: int
    required_profit: float = 0.0

    def refusal(self, moment: Moment) -> str | None:
        """Sum the results, once there are `trade_limit` of them."""
        trades = _looked_back(moment.trades, self, moment)
        if len(trades) < self.trade_limit or not _is_locked(trades, self, moment):
            return None
        is_poor = sum(trade.r for trade in trades) < self.required_profit
        return "why.protection_low_profit" if is_poor else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyLoss(Protection):
    """No signal until the next UTC day once the day's closed trades came to a loss of `max_loss` R or more."""

    max_loss: float

    def refusal(self, moment: Moment) -> str | None:
        """Sum the results of the trades that closed on the signal's day."""
        day_begins_s = moment.now_s - moment.now_s % DAY_S
        result = sum(trade.r for trade in moment.trades if trade.closed_s >= day_begins_s)
        return "why.protection_daily_loss" if result <= -self.max_loss else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGuard(Protection):
    """Signals only from `opens` to `closes` (UTC; the close excluded; over midnight where it lies before the open)."""

    opens: time
    closes: time
    needs_trades = False

    def refusal(self, moment: Moment) -> str | None:
        """Look at the time of day."""
        now = datetime.fromtimestamp(moment.now_s, UTC).time()
        if self.opens <= self.closes:
            is_open = self.opens <= now < self.closes
        else:
            is_open = now >= self.opens or now < self.closes
        return None if is_open else "why.protection_session"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsGuard(Protection):
    """No signal from `minutes_before` to `minutes_after` an event of the calendar; empty `subjects` are all."""

    minutes_before: int = 30
    minutes_after: int = 30
    subjects: tuple[str, ...] = ()
    needs_trades = False

    def refusal(self, moment: Moment) -> str | None:
        """Look for an event that is near."""
        for news in moment.calendar:
            is_near = -60 * self.minutes_before <= moment.now_s - news.at_s <= 60 * self.minutes_after
            if is_near and (news.subject in self.subjects or not self.subjects):
                return "why.protection_news"
        return None


_Lookback = StoplossGuard | MaxDrawdown | LowProfitPairs


def _looked_back(trades: Sequence[ReferenceTrade], rule: _Lookback, moment: Moment) -> list[ReferenceTrade]:
    """Return the trades that closed within the rule's lookback before the newest of them.

    It is counted from the trade that sets the rule off and not from now: a lock lasts its full length.
    """
    if not trades:
        return []
    since_s = trades[-1].closed_s - rule.lookback_period_candles * moment.interval_s
    return [trade for trade in trades if trade.closed_s > since_s]


def _is_locked(trades: Sequence[ReferenceTrade], rule: _Lookback, moment: Moment) -> bool:
    return bool(trades) and moment.now_s < trades[-1].closed_s + rule.stop_duration_candles * moment.interval_s


def _drawdown(trades: Sequence[ReferenceTrade]) -> float:
    result = peak = deepest = 0.0
    for trade in trades:
        result += trade.r
        peak = max(peak, result)
        deepest = max(deepest, peak - result)
    return deepest
