"""What the feed says of one symbol, in the words of the contracts, and counted."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog

from chassis import metrics
from chassis.clock import Clock, MarketClock
from chassis.trace import child_trace, new_trace
from contracts import catalogue, ids, messages
from contracts.messages import FeedState, Interval
from services.feed.domain.backfill import Hole
from services.feed.domain.corrections import Correction, prices_of
from services.feed.domain.quotes import Candle, Quote
from services.feed.domain.ticks import BadInput
from services.feed.handlers.outlet import Outlet

logger = structlog.get_logger()


class Teller:
    """Speaks of one symbol. Open times of candles are strictly increasing per interval: an older one is not told."""

    def __init__(self, symbol: str, venue: str, outlet: Outlet, clock: Clock, market: MarketClock) -> None:
        self.symbol: Final = symbol
        self._venue = venue
        self._outlet = outlet
        self._clock = clock
        self._market = market
        self._opens: dict[Interval, int] = {}
        self._trace = new_trace()
        self._count_from_zero()

    def _count_from_zero(self) -> None:
        """Show what has not happened yet as 0: the first gap is then a rise, which an alert can see."""
        metrics.GAPS.labels(self.symbol)
        for interval in Interval:
            metrics.CORRECTIONS.labels(self.symbol, interval)
        for reason in BadInput:
            metrics.BAD_INPUT.labels(reason)

    def resume(self, opens: Mapping[Interval, int]) -> None:
        """Go on behind the candles that were told: the last open time (seconds) by interval."""
        self._opens = dict(opens)

    def tick(self, quote: Quote, state: FeedState) -> None:
        """Tell a quote; a live one is also shown to people who look."""
        at = self._clock.now()
        received_ms = int(at.timestamp() * 1000)
        self._trace = new_trace()
        told = messages.Tick(
            id=ids.tick_id(self.symbol, quote.epoch_ms, quote.bid, quote.ask),
            at=at,
            trace=self._trace,
            symbol=self.symbol,
            epoch_ms=quote.epoch_ms,
            bid=quote.bid,
            ask=quote.ask,
            received_ms=received_ms,
            backfilled=quote.is_backfilled,
        )
        self._outlet.put(catalogue.TICK, told, self.symbol)
        metrics.TICKS.labels(self.symbol).inc()
        if not quote.is_backfilled:
            metrics.LAST_TICK.labels(self.symbol).set(received_ms / 1000)
            metrics.TICK_AGE.labels(self.symbol).observe((self._market.now_ms() - quote.epoch_ms) / 1000)
            self._show(quote, state, told)

    def _show(self, quote: Quote, state: FeedState, told: messages.Tick) -> None:
        shown = messages.Quote(
            id=told.id,
            at=told.at,
            trace=told.trace,
            symbol=self.symbol,
            epoch_ms=quote.epoch_ms,
            bid=quote.bid,
            ask=quote.ask,
            state=state,
        )
        self._outlet.show(shown)

    def candles(self, closed: list[Candle]) -> None:
        """Tell candles that closed, in their order, but none that is not newer than the last of its interval."""
        for candle in closed:
            if candle.open_s > self._opens.get(candle.interval, -1):
                self._opens[candle.interval] = candle.open_s
                self._candle(candle)

    def _candle(self, candle: Candle) -> None:
        last = candle.last
        told = messages.CandleClosed(
            id=ids.candle_id(self.symbol, candle.interval, candle.open_s),
            at=self._clock.now(),
            trace=child_trace(self._trace),
            symbol=self.symbol,
            interval=candle.interval,
            open_time_s=candle.open_s,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            volume=candle.volume,
            bid=last.bid if last else None,
            ask=last.ask if last else None,
            quote_ms=last.epoch_ms if last else None,
            backfilled=candle.is_backfilled,
        )
        self._outlet.put(catalogue.CANDLE, told, self.symbol, candle.interval)
        metrics.CANDLES.labels(self.symbol, candle.interval).inc()

    def draft(self, draw: Callable[[], Iterable[Candle]]) -> None:
        """Show the candles that form, as `draw` tells them when it is their turn."""
        self._outlet.draft(self.symbol, lambda: [self._draft(candle) for candle in draw() if candle.last])

    def _draft(self, candle: Candle) -> messages.CandleForming:
        assert candle.last is not None
        quote_ms = candle.last.epoch_ms
        return messages.CandleForming(
            id=f"o:{self.symbol}:{candle.interval}:{candle.open_s}:{quote_ms}",
            at=self._clock.now(),
            trace=self._trace,
            symbol=self.symbol,
            interval=candle.interval,
            open_time_s=candle.open_s,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            volume=candle.volume,
            quote_ms=quote_ms,
        )

    def correct(self, correction: Correction) -> None:
        """Tell how a candle should have been."""
        candle, was = correction
        told = messages.CandleCorrected(
            id=ids.correction_id(self.symbol, candle.interval, candle.open_s, prices_of(candle)),
            at=self._clock.now(),
            trace=new_trace(),
            symbol=self.symbol,
            interval=candle.interval,
            open_time_s=candle.open_s,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            volume=candle.volume,
            was=prices_of(was) if was else None,
        )
        self._outlet.put(catalogue.CORRECTION, told, self.symbol, candle.interval)
        metrics.CORRECTIONS.labels(self.symbol, candle.interval).inc()
        logger.warning(
            "candle.corrected",
            symbol=self.symbol,
            interval_s=candle.interval.seconds,
            market_ms=candle.open_s * 1000,
        )

    def state(self, state: FeedState, reason: str, since_ms: int) -> None:
        """Tell that the feed entered a state at a market time."""
        told = messages.FeedStateChanged(
            id=f"f:{self.symbol}:{state}:{since_ms}",
            at=self._clock.now(),
            trace=new_trace(),
            symbol=self.symbol,
            venue=self._venue,
            state=state,
            reason=reason,
            since_ms=since_ms,
        )
        self._outlet.put(catalogue.FEED, told, self.symbol)
        for known in FeedState:
            metrics.FEED_STATE.labels(self.symbol, known).set(known is state)
        logger.info("feed.changed", symbol=self.symbol, state=state, reason=reason, market_ms=since_ms)

    def hole(self, hole: Hole, reason: str) -> None:
        """Tell that prices are missing and cannot be had."""
        told = messages.GapRecorded(
            id=f"g:{self.symbol}:{hole.from_ms}:{hole.to_ms}",
            at=self._clock.now(),
            trace=new_trace(),
            symbol=self.symbol,
            from_ms=hole.from_ms,
            to_ms=hole.to_ms,
            reason=reason,
        )
        self._outlet.put(catalogue.GAP, told, self.symbol)
        metrics.GAPS.labels(self.symbol).inc()
        logger.warning("gap.recorded", symbol=self.symbol, since=hole.from_ms, market_ms=hole.to_ms, reason=reason)


def count_bad(reason: BadInput, symbol: str | None = None) -> None:
    """Count something that was dropped, and log it (the log has its own rate limit)."""
    metrics.BAD_INPUT.labels(reason).inc()
    logger.warning("input.dropped", symbol=symbol, reason=reason)
