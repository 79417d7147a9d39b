"""The fast way to a strategy's trades: whole columns are asked where a signal may be, and only there it is judged.

A strategy that can read columns says for every candle of them whether it would buy or sell (`Strategy.sides`). Most
candles are settled by that. What is left is judged by the very code that runs live, and opened and ended by the very
account of the backtest; candles on which a trade is open are not judged at all, since no gate would let them pass. So
trades are equal as long as `sides` misses no signal, which a property test holds for every strategy that ships.

Columns hold the same bits as `evaluate` sees (`domain.arrays`).
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from contracts.messages import Mode
from research.backtest import Desk, Span
from research.market import Candles, Places
from research.rows import LazyRows
from services.signals.domain.anchors import stretches
from services.signals.domain.arrays import ExactArrays, exact_arrays
from services.signals.domain.columns import CandleColumns, Columns
from services.signals.domain.opinion import Evaluation, Signal
from services.signals.domain.protections import Calendar
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategy import Strategy
from services.signals.domain.view import Values, View, values_of


def is_vectorisable(strategy: Strategy[Any]) -> bool:
    """Tell whether a strategy reads columns, and what it says does not hang on the trades it has made."""
    reads_columns = type(strategy).sides is not Strategy.sides
    return reads_columns and not any(protection.needs_trades for protection in strategy.protections())


@dataclass(frozen=True)
class Reading:
    """A strategy that reads columns, the candles that it reads, and what was announced for them."""

    strategy: Strategy[Any]
    candles: Candles
    calendar: Calendar = ()

    @cached_property
    def columns(self) -> Columns:
        """All candles by column."""
        return _part(self.candles, 0, len(self.candles))

    @cached_property
    def arrays(self) -> ExactArrays:
        """The strategy's indicators at all candles."""
        return exact_arrays(self.strategy.indicators(), self.columns, self.candles.interval.seconds)

    def flagged(self, span: Span) -> Places:
        """Find the places of a span where a signal may be, rising."""
        sides = self.strategy.sides(self.columns, self.arrays.values)
        assert sides is not None  # it reads columns
        places = np.flatnonzero(sides[span.first : span.last]) + span.first
        seams = [seam for seam in self.arrays.seams if span.first <= seam < span.last]
        return np.union1d(places, seams).astype(np.intp) if seams else places

    def signals_at(self, place: int) -> list[Signal]:
        """Ask the strategy about one candle: one signal, or none."""
        if place == 0 or place in self.arrays.seams or self.strategy.protections():
            return self._run_at(place)
        now, before = self._values(place), self._values(place - 1)
        if None in now or None in before:
            return []
        view = View(self.columns.rows, place, self.strategy.window_length, now, before)
        verdict = self.strategy.evaluate(view)
        raised = verdict.verdict(Mode.AUTO) if isinstance(verdict, Evaluation) else verdict
        return [raised] if isinstance(raised, Signal) else []

    def _run_at(self, place: int) -> list[Signal]:
        """Ask by the code that runs live, on indicators fed from the seed of the candle's stretch."""
        seed = self._parts[bisect_right(self._parts, place, key=lambda part: part.first) - 1].seed
        fed = _part(self.candles, seed, place + 1)
        run = StrategyRun(self.strategy, calendar=self.calendar)
        return [signal for _, signal in run.signals(fed, place - seed)]

    @cached_property
    def _parts(self) -> list[Any]:
        return list(stretches(self.candles.open_time_s, self.candles.interval.seconds))

    def _values(self, place: int) -> Values:
        arrays = self.arrays.values
        return values_of(tuple(arrays), [_value_at(values, place) for values in arrays.values()])


def found(reading: Reading, span: Span, desk: Desk) -> Iterator[tuple[int, Signal]]:
    """Yield the signals that matter to a desk, which hears each before the next is looked for."""
    ends_ms, places = reading.candles.end_ms, reading.flagged(span)
    at = 0
    while at < len(places):
        place = int(places[at])
        free = place + 1
        for signal in reading.signals_at(place):
            yield place, signal
            free = max(free, _free_from(desk, span, ends_ms))
        at = int(places.searchsorted(free))


def _free_from(desk: Desk, span: Span, ends_ms: Any) -> int:
    """Find the first candle whose signal may be offered when the last trade has ended.

    One candle early: a signal that waits for the next quote is offered later than its candle ends.
    """
    account = desk.account
    if account.unfinished is not None:
        return span.last
    trades = account.trades
    return int(np.searchsorted(ends_ms, trades[-1].closed_ms)) - 1 if trades else 0


def _value_at(values: Any, place: int) -> Any:
    """Tell an indicator's value at a candle, as `View.now` shows it; None where it is undefined."""
    if isinstance(values, tuple):
        fields = [field[place].item() for field in values]
        return None if any(field != field for field in fields) else type(values)(*fields)  # noqa: PLR0124  # NaN is not
    value = values[place].item()
    return None if value != value else value  # noqa: PLR0124


def _part(candles: Candles, first: int, last: int) -> Columns:
    it = candles
    return CandleColumns(
        it.open_time_s[first:last],
        it.open[first:last],
        it.high[first:last],
        it.low[first:last],
        it.close[first:last],
        it.volume[first:last],
        LazyRows((it.open_time_s, it.open, it.high, it.low, it.close, it.volume), first, last),
    )
