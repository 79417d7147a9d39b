"""What is known of each market now: the state of its feed, and its latest price.

A feed that is LIVE promises a quote or another state within ten seconds; a killed process says nothing. So a feed that
was LIVE when it was last heard of counts as stale when neither came for longer than `silence_s` (wall clock), counted
from when this copy began to listen.
"""

from datetime import timedelta

from chassis.clock import Clock
from contracts.messages import FeedState, FeedStateChanged, Quote, Tick
from services.positions.domain.exits import Price


class Market:
    """The latest of each symbol. Ticks and quotes tell the same; the later of them by market time stands."""

    def __init__(self, clock: Clock, silence_s: float) -> None:
        self._clock = clock
        self._silence_s = silence_s
        self._feeds: dict[str, FeedStateChanged] = {}
        self._prices: dict[str, Price] = {}
        self._heard_s: dict[str, float] = {}

    def learn_feed(self, change: FeedStateChanged) -> None:
        """Take in a change of the feed."""
        self._feeds[change.symbol] = change
        self._heard_s[change.symbol] = self._clock.monotonic()

    def learn_price(self, told: Tick | Quote) -> None:
        """Take in a price, unless a later one is known. One that is read again later says nothing of the feed now."""
        known = self._prices.get(told.symbol)
        if known is None or told.epoch_ms >= known.epoch_ms:
            self._prices[told.symbol] = Price(told.epoch_ms, told.bid, told.ask)
        if self._clock.now() - told.at < timedelta(seconds=self._silence_s):
            self._heard_s[told.symbol] = self._clock.monotonic()

    def is_silent(self, symbol: str) -> bool:
        """Tell whether a feed that should be live has said nothing for too long."""
        change = self._feeds.get(symbol)
        if change is None or change.state is not FeedState.LIVE:
            return False
        return self._clock.monotonic() - self._heard_s[symbol] > self._silence_s

    def feed(self, symbol: str) -> FeedState | None:
        """Tell the state of a feed; None before it was ever told."""
        change = self._feeds.get(symbol)
        if change is None:
            return None
        return FeedState.STALE if self.is_silent(symbol) else change.state

    def feed_since_ms(self, symbol: str) -> int | None:
        """Tell since when (market time) the feed is in its state; of a silent one, since its last price."""
        change = self._feeds.get(symbol)
        if change is None:
            return None
        price = self._prices.get(symbol) if self.is_silent(symbol) else None
        return change.since_ms if price is None else price.epoch_ms

    def price(self, symbol: str) -> Price | None:
        """Tell the latest price, live or not; None before the first."""
        return self._prices.get(symbol)
