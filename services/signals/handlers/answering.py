"""Questions of the other rooms: judge now, and the numbers behind a chart."""

from collections.abc import Sequence
from typing import Any

from chassis import metrics
from chassis.errors import AskFailedError
from contracts import asks
from contracts.messages import Mode
from services.signals.domain.candle import Candle
from services.signals.domain.opinion import Evaluation, NoSignal
from services.signals.domain.strategy import Strategy
from services.signals.handlers.memory import MarketMemory
from services.signals.handlers.raising import Raiser

LONGEST_CHART = 500


class Answerer:
    """Answers from memory, made equal to the stream first. A broker that is away is a TransientError to the asker."""

    def __init__(self, memory: MarketMemory, raiser: Raiser, strategies: Sequence[Strategy[Any]]) -> None:
        """Speak for `strategies`; the first is asked where none is named."""
        self._memory = memory
        self._raiser = raiser
        by_name = {strategy.name: strategy for strategy in reversed(strategies)}  # of equal names the first one wins
        self._strategies = by_name | {strategy.label: strategy for strategy in strategies}
        self._first = strategies[0]

    async def evaluate(self, request: asks.EvaluateNow) -> asks.Evaluation:
        """Judge the latest closed candle in manual mode; a signal is on the public record before it is told."""
        strategy = self._strategies.get(request.strategy or self._first.name)
        if strategy is None:
            raise AskFailedError("unknown_strategy", f"there are {', '.join(sorted(self._strategies))}")
        series = self._memory.series(request.symbol, strategy.interval)
        await series.sync()
        message = series.newest
        if message is None:
            return asks.Evaluation(signal=None, why=("why.too_few_candles",))
        obstacle = self._raiser.obstacle(message)
        if obstacle is not None:
            return asks.Evaluation(signal=None, why=(obstacle,))
        evaluation = series.evaluation(strategy, message.open_time_s)
        metrics.EVALUATIONS.labels(strategy.name, Mode.MANUAL).inc()
        verdict = evaluation.verdict(Mode.MANUAL)
        if isinstance(verdict, NoSignal):
            return asks.Evaluation(signal=None, why=verdict.why)
        return asks.Evaluation(signal=await self._raiser.put_on_record(message, strategy, Mode.MANUAL, evaluation))

    async def series(self, request: asks.GetSeries) -> asks.Series:
        """Return candles with the indicators as the first strategy read them at each candle, in its own window."""
        if not 1 <= request.count <= LONGEST_CHART:
            raise AskFailedError("bad_count", f"count must be 1 to {LONGEST_CHART}, not {request.count}")
        series = self._memory.series(request.symbol, request.interval)
        await series.sync()
        candles = series.window(request.count, until_s=request.until_s)
        if not candles:
            raise AskFailedError("no_candles", f"{request.symbol} {request.interval} has no candle then")
        return _as_columns(request, candles, await series.evaluations(self._first, candles))


def _as_columns(request: asks.GetSeries, candles: Sequence[Candle], told: Sequence[Evaluation]) -> asks.Series:
    return asks.Series(
        symbol=request.symbol,
        interval=request.interval,
        open_time_s=[candle.open_time_s for candle in candles],
        open=[candle.open for candle in candles],
        high=[candle.high for candle in candles],
        low=[candle.low for candle in candles],
        close=[candle.close for candle in candles],
        volume=[int(candle.volume) for candle in candles],
        indicators={name: [evaluation.indicators.get(name) for evaluation in told] for name in told[-1].indicators},
    )
