"""The market archive on the bus."""

from chassis.bus import Bus
from contracts import catalogue
from contracts.messages import CandleClosed, FeedState, Interval


class BusArchive:
    """Reads candles and feed states back from their streams."""

    def __init__(self, bus: Bus) -> None:
        """Read through `bus`."""
        self._bus = bus

    async def latest_candles(self, symbol: str, interval: Interval, count: int) -> list[CandleClosed]:
        """Return the newest `count` candles, oldest first."""
        return await self._bus.latest(catalogue.CANDLE, symbol, interval, count=count)

    async def feed_state(self, symbol: str) -> FeedState | None:
        """Return the last state that was told."""
        told = await self._bus.latest(catalogue.FEED, symbol)
        return told[-1].state if told else None
