"""A candle closed: ask the strategies, and raise what they say if it may be raised."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from chassis import metrics
from chassis.bus import Stored
from chassis.clock import Clock
from chassis.trace import child_trace
from contracts.messages import CandleClosed, Mode, SignalRaised
from services.signals.domain.announcement import Terms, announce
from services.signals.domain.opinion import Evaluation, NoSignal
from services.signals.domain.strategy import Strategy
from services.signals.handlers.memory import MarketMemory
from services.signals.ports import SignalRecord

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be raised and how it is told: seconds of the wall clock, decimals of a price."""

    fresh_s: float
    valid_for_s: int
    price_digits: int
    market_speed: float = 1.0


class Raiser:
    """Turns closed candles into signals on the record."""

    def __init__(
        self,
        strategies: Sequence[Strategy[Any]],
        memory: MarketMemory,
        record: SignalRecord,
        *,
        clock: Clock,
        policy: Policy,
    ) -> None:
        """Let `strategies` judge what is in `memory`, and write to `record`."""
        self._strategies = strategies
        self._memory = memory
        self._record = record
        self._clock = clock
        self._policy = policy

    async def hear_candle(self, message: CandleClosed, _stored: Stored) -> None:
        """Remember a candle and, when it is live and fresh, let the strategies of its interval judge it.

        Safe to repeat: an evaluation is remembered and a signal's id is a function of its candle.
        """
        series = self._memory.series(message.symbol, message.interval)
        if message.backfilled or self._age_s(message) > self._policy.fresh_s:
            series.take(message)
            return
        await series.learn(message)
        for strategy in self._strategies:
            if strategy.interval is message.interval and series.holds(message.open_time_s):
                evaluation = series.evaluation(strategy, message.open_time_s)
                metrics.EVALUATIONS.labels(strategy.name, Mode.AUTO).inc()
                await self._raise(message, strategy, evaluation)

    async def put_on_record(
        self, message: CandleClosed, strategy: Strategy[Any], mode: Mode, evaluation: Evaluation
    ) -> SignalRaised:
        """Store the signal that `evaluation` holds and return it. Raises TransientError.

        An auto signal dates from its candle, so that it is the same whenever it is said and expires as if nothing had
        delayed it; a manual one dates from the question.
        """
        terms = Terms(
            at=message.at if mode is Mode.AUTO else self._clock.now(),
            trace=child_trace(message.trace),
            price_digits=self._policy.price_digits,
            valid_for_s=self._policy.valid_for_s,
        )
        signal = announce(message, strategy, mode, evaluation, terms)
        if await self._record.append(signal):
            metrics.SIGNALS.labels(signal.symbol, signal.strategy, mode, signal.side).inc()
            logger.info("signal.raised", signal_id=signal.id, symbol=signal.symbol, strategy=strategy.name)
        return signal

    async def _raise(self, message: CandleClosed, strategy: Strategy[Any], evaluation: Evaluation) -> None:
        if isinstance(evaluation.verdict(Mode.AUTO), NoSignal):
            return
        obstacle = self.obstacle(message)
        if obstacle is not None:
            logger.warning("signal.withheld", symbol=message.symbol, strategy=strategy.name, reason=obstacle)
            return
        await self.put_on_record(message, strategy, Mode.AUTO, evaluation)
        metrics.TICK_TO_SIGNAL.observe(max(0.0, self._age_s(message)))

    def obstacle(self, message: CandleClosed) -> str | None:
        """Return the key of what forbids any signal on this candle now, or None."""
        if not self._memory.is_live(message.symbol):
            return "why.feed_not_live"
        if message.bid is None or message.ask is None or message.quote_ms is None:
            return "why.no_quote"
        # The next candle is due one interval later; two without one, and the price that people would get is not this.
        if self._age_s(message) > self._policy.fresh_s + 2 * message.interval.seconds / self._policy.market_speed:
            return "why.candle_too_old"
        return None

    def _age_s(self, message: CandleClosed) -> float:
        return (self._clock.now() - message.at).total_seconds()
