"""What is known of each market now: the state of its feed, and its latest price."""

from contracts.messages import FeedState, FeedStateChanged, Quote, Tick
from services.positions.domain.exits import Price


class Market:
    """The latest of each symbol. Ticks and quotes tell the same; the later of them by market time stands."""

    def __init__(self) -> None:
        self._feeds: dict[str, FeedStateChanged] = {}
        self._prices: dict[str, Price] = {}

    def learn_feed(self, change: FeedStateChanged) -> None:
        """Take in a change of the feed."""
        self._feeds[change.symbol] = change

    def learn_price(self, told: Tick | Quote) -> None:
        """Take in a price, unless a later one is known."""
        known = self._prices.get(told.symbol)
        if known is None or told.epoch_ms >= known.epoch_ms:
            self._prices[told.symbol] = Price(told.epoch_ms, told.bid, told.ask)

    def feed(self, symbol: str) -> FeedState | None:
        """Tell the state of a feed; None before it was ever told."""
        change = self._feeds.get(symbol)
        return None if change is None else change.state

    def feed_since_ms(self, symbol: str) -> int | None:
        """Tell since when (market time) the feed is in its state."""
        change = self._feeds.get(symbol)
        return None if change is None else change.since_ms

    def price(self, symbol: str) -> Price | None:
        """Tell the latest price, live or not; None before the first."""
        return self._prices.get(symbol)
