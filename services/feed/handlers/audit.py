"""Looking afterwards whether the venue's history agrees with what was told; where it does not, the venue wins."""

import structlog

from chassis.clock import MarketClock
from services.feed.domain.quotes import MINUTE_MS, minute_of
from services.feed.handlers.symbol_feed import SymbolFeed
from services.feed.ports import VenueRefusedError, VenueSession

MINUTES = 65
"""A little more than the longest candle."""

SETTLED_MS = MINUTE_MS
"""How long after its end (market time) a bar of the venue is taken for its last word."""

logger = structlog.get_logger()


class Audit:
    """Audits one symbol over one connection, whenever it is wanted: one request each time."""

    def __init__(self, feed: SymbolFeed, session: VenueSession, market: MarketClock) -> None:
        self._feed = feed
        self._session = session
        self._market = market

    async def run(self) -> None:
        """Wait until an audit is wanted, and make it; for ever. Raises VenueLostError."""
        while True:
            await self._feed.audit_wanted.wait()
            self._feed.audit_wanted.clear()
            await self.look()

    async def look(self) -> None:
        """Ask for the last hour and correct what differs. A venue that refuses is asked again next time."""
        until_ms = minute_of(self._market.now_ms() - SETTLED_MS)
        from_s = (until_ms - MINUTES * MINUTE_MS) // 1000
        try:
            bars = await self._session.history_bars(self._feed.symbol, from_s=from_s, count=MINUTES + 2)
        except VenueRefusedError as e:
            logger.warning("audit.refused", symbol=self._feed.symbol, error=str(e))
        else:
            self._feed.correct(bars, until_ms)
