"""The backtest: the very strategy and the very rules of positions that run live, over a market that is past.

A strategy judges closed candles one after another; a signal opens at the quote its candle closed with and lives on
every quote later than that one. Nothing is read ahead but a trade's own end, which no signal before it can see.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, overload

import numpy as np

from contracts import ids
from contracts.messages import CandleClosed, Interval, Mode, Side, SignalRaised
from research.account import Account
from research.candle_path import CandlePath
from research.collector import resting
from research.market import Candles, Market
from research.paths import Path
from research.rows import rows_for
from research.tick_path import TickPath
from research.trades import BacktestResult, Entry, Rules
from services.positions.domain.exits import Price
from services.positions.domain.gates import Refusal
from services.signals.domain.announcement import Terms, announce
from services.signals.domain.opinion import Evaluation, Signal
from services.signals.domain.running import UNSCORED, StrategyRun
from services.signals.domain.strategy import Strategy

VALID_FOR_S = 60
"""As live; no signal waits here."""

PORTION = 20_000
"""Candles between two words about the progress, or a fiftieth of all where that is more."""

OCCUPIED = (Refusal.POSITION_OPEN,)

Scores = Mapping[Side, int]
"""What a strategy counted for each side; empty where it does not count."""

Progress = Callable[[int, int], None]
"""Hears how many candles are done, and of how many."""


class TooShortError(ValueError):
    """There are not enough candles for the strategy's warm-up; the message says how many there are."""


@dataclass(frozen=True, slots=True)
class Span:
    """Places of candles: [begin, last) were asked for, [first, last) may raise a signal; those before warm up."""

    first: int
    last: int
    begin: int = 0


def run_backtest(
    strategy: Strategy[Any], market: Market, rules: Rules, *, progress: Progress | None = None
) -> BacktestResult:
    """Run a strategy over a market.

    Raises:
        TooShortError: the strategy could not judge a single candle.
    """
    span = span_of(strategy, market.candles, rules)
    desk = Desk(strategy, market, rules)
    with resting():
        for place, signal, scores in raised(strategy, market, span, progress):
            desk.hear(place, signal, scores)
    return desk.result(span)


def span_of(strategy: Strategy[Any], candles: Candles, rules: Rules) -> Span:
    """Find the candles to be judged: those that end in (from_ms, until_ms], once the strategy has what it needs."""
    ends_ms = candles.end_ms
    first = 0 if rules.from_ms is None else int(np.searchsorted(ends_ms, rules.from_ms, side="right"))
    last = len(candles) if rules.until_ms is None else int(np.searchsorted(ends_ms, rules.until_ms, side="right"))
    begin, first = first, max(first, strategy.candles_needed - 1)
    if first >= last:
        raise TooShortError(
            f"{strategy.name} needs {strategy.candles_needed} {candles.interval} candles to judge the first one;"
            f" there are {min(last, len(candles))}"
        )
    return Span(first, last, begin)


def raised(
    strategy: Strategy[Any], market: Market, span: Span, progress: Progress | None
) -> Iterator[tuple[int, Signal, Scores]]:
    """Ask the strategy about each candle, oldest first; tell those on which it would trade, with its scores."""
    run, length = StrategyRun(strategy, calendar=market.calendar), span.last - span.first
    candles = rows_for(strategy, market.candles)
    portion = length if progress is None else max(PORTION, length // 50)
    for first in range(span.first, span.last, portion):
        last = min(first + portion, span.last)
        yield from run.raised(candles, first, last)
        if progress is not None:
            progress(last - span.first, length)


class Desk:
    """Raises what a strategy says of candles, and offers it to an account."""

    def __init__(self, strategy: Strategy[Any], market: Market, rules: Rules) -> None:
        self._strategy = strategy
        self._market = market
        self._candles = rows_for(strategy, market.candles)
        self._rules = rules
        self._path = path_of(market, rules)
        # What is open at a candle's latest moment is open at any quote that its signal may be given.
        self._latest_ms = self._path.known_ms if rules.entry is Entry.CLOSE else self._path.next_ms
        self._is_heard = not self._path.has_quotes or self._path.closings_ms - self._path.quotes_ms < rules.silence_ms
        self._raised: list[tuple[int, Signal, Scores]] = []
        self._withheld = 0
        self.account = Account(rules, self._path)

    def hear(self, place: int, said: Signal, scores: Scores = UNSCORED) -> None:
        """Take what the strategy said of a candle. While a trade is open that is soon done."""
        if not self._is_live(place):
            self._withheld += 1
            return
        self._raised.append((place, said, scores))
        if self.account.is_open_at(int(self._latest_ms[place])):
            self.account.refuse(place, OCCUPIED)
        else:
            self.account.take(self.announced(place, said, scores), place)

    def announced(self, place: int, said: Signal, scores: Scores) -> SignalRaised:
        """Say a signal as the live room says it."""
        evaluation = Evaluation(indicators={}, scores=scores, verdicts={Mode.AUTO: said})
        candle = self._told(place, self._path.closing_price(place))
        terms = Terms(at=candle.at, trace="", price_digits=self._rules.instrument.digits, valid_for_s=VALID_FOR_S)
        return announce(candle, self._strategy, Mode.AUTO, evaluation, terms)

    def result(self, span: Span) -> BacktestResult:
        """Tell what came of it."""
        strategy, market, account = self._strategy, self._market, self.account
        candles = market.candles
        from_ms, until_ms = int(candles.open_time_s[span.begin]) * 1000, int(candles.end_ms[span.last - 1])
        return BacktestResult(
            symbol=market.symbol,
            interval=candles.interval,
            strategy=strategy.name,
            strategy_version=strategy.version,
            parameters=dataclasses.asdict(strategy.parameters),
            rules=self._rules,
            bars=span.last - span.begin,
            ticks=0 if market.ticks is None else len(market.ticks.between(from_ms, until_ms)),
            warm_up=span.first,
            from_ms=from_ms,
            until_ms=until_ms,
            signals=Announced(self.announced, self._raised),
            trades=tuple(account.trades),
            refused=tuple(account.refused),
            withheld=self._withheld,
            unfinished=account.unfinished,
        )

    def _is_live(self, place: int) -> bool:
        """Tell whether the feed was live when the candle closed: not silent for too long."""
        return self._is_heard is True or bool(self._is_heard[place])

    def _told(self, place: int, price: Price) -> CandleClosed:
        """Say a candle as the feed says it, with the quote it closed with."""
        symbol, interval, row = self._market.symbol, self._market.candles.interval, self._candles.rows[place]
        return CandleClosed(
            id=ids.candle_id(symbol, interval, row.open_time_s),
            at=_end_of(row.open_time_s, interval),
            symbol=symbol,
            interval=interval,
            open_time_s=row.open_time_s,
            open=row.open,
            high=row.high,
            low=row.low,
            close=row.close,
            volume=int(row.volume),
            bid=price.bid,
            ask=price.ask,
            quote_ms=price.epoch_ms,
        )


@lru_cache(maxsize=1)  # a search runs over one market by one set of rules, again and again
def path_of(market: Market, rules: Rules) -> Path:
    """Choose the finest path that the market has."""
    if market.ticks is None:
        return CandlePath(market.candles, rules.spread)
    assert market.last_tick is not None
    return TickPath(market.ticks, market.candles, market.last_tick, rules.grace_ms)


class Announced(Sequence[SignalRaised]):
    """The signals of a test, each written out when it is looked at."""

    def __init__(
        self, announce: Callable[[int, Signal, Scores], SignalRaised], said: Sequence[tuple[int, Signal, Scores]]
    ) -> None:
        self._announce = announce
        self._said = said

    def __len__(self) -> int:
        return len(self._said)

    @overload
    def __getitem__(self, at: int) -> SignalRaised: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[SignalRaised]: ...
    def __getitem__(self, at: int | slice) -> SignalRaised | Sequence[SignalRaised]:
        """Write out one, or a part."""
        if isinstance(at, slice):
            return Announced(self._announce, self._said[at])
        return self._announce(*self._said[at])


def _end_of(open_time_s: int, interval: Interval) -> datetime:
    return datetime.fromtimestamp(open_time_s + interval.seconds, UTC)
