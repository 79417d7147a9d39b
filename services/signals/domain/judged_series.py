"""The candles of one symbol and interval together with what strategies said about them, each judged once."""

from collections import OrderedDict
from typing import Any

from services.signals.domain.candle import Candle
from services.signals.domain.history import CandleHistory
from services.signals.domain.opinion import Evaluation
from services.signals.domain.protections import Calendar
from services.signals.domain.running import StrategyRun
from services.signals.domain.strategy import Strategy

EVALUATIONS_KEPT = 600  # the longest chart (500 candles) and some more


class JudgedSeries:
    """A bounded history whose evaluations are remembered, however many people ask.

    An evaluation depends on the window that ends at its candle and on nothing after it, so it stays true until a
    candle is put in before it.
    """

    def __init__(self, cap: int, *, calendar: Calendar = ()) -> None:
        """Keep at most `cap` candles, and none yet; strategies that mind the news look into `calendar`."""
        self.history = CandleHistory(cap)
        self._calendar = calendar
        self._runs: dict[str, StrategyRun] = {}
        self._evaluations: OrderedDict[tuple[str, int], Evaluation] = OrderedDict()

    def add(self, candle: Candle) -> bool:
        """Take a candle; return False where it is held already or too old."""
        newest = self.history.latest
        is_added = self.history.add(candle)
        if is_added and newest is not None and candle.open_time_s < newest.open_time_s:
            self._forget_from(candle.open_time_s)
        return is_added

    def known(self, strategy: Strategy[Any], open_time_s: int) -> Evaluation | None:
        """Return what `strategy` said about the candle that opened at `open_time_s`, or None before it was asked."""
        return self._evaluations.get((strategy.name, open_time_s))

    def judge(self, strategy: Strategy[Any], open_time_s: int) -> Evaluation:
        """Ask `strategy` about the candle that opened at `open_time_s`, which is held, and remember the answer."""
        run = self._runs.get(strategy.name)
        if run is None or run.strategy is not strategy:
            run = self._runs[strategy.name] = StrategyRun(strategy, self.history, calendar=self._calendar)
        evaluation = run.judge(open_time_s)
        self._evaluations[strategy.name, open_time_s] = evaluation
        while len(self._evaluations) > EVALUATIONS_KEPT:
            self._evaluations.popitem(last=False)
        return evaluation

    def _forget_from(self, open_time_s: int) -> None:
        for name, judged_s in list(self._evaluations):
            if judged_s >= open_time_s:
                del self._evaluations[name, judged_s]
