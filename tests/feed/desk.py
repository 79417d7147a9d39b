"""One symbol's feed on a desk: its clock in the hand, its words read back."""

from chassis.clock import ManualClock, MarketClock
from chassis.memory_bus import MemoryBus
from contracts import codec, messages
from contracts.messages import CandleCorrected, FeedState
from services.feed.domain.backfill import Minute, minutes
from services.feed.domain.instruments import KNOWN
from services.feed.domain.state import Happening
from services.feed.handlers.outlet import Outlet
from services.feed.handlers.symbol_feed import Patience, SymbolFeed
from services.feed.handlers.teller import Teller
from tests.feed.builders import NOON_MS, a_quote


class Desk:
    """A symbol's feed at noon of a trading Monday, and what it said."""

    def __init__(self, *, speed: float = 1.0, start_ms: int = NOON_MS) -> None:
        self.clock = ManualClock()
        self.market = MarketClock(self.clock, speed)
        self.market.set(start_ms)
        self.outlet = Outlet(MemoryBus(self.clock))
        teller = Teller("XAUUSD", "deriv", self.outlet, self.clock, self.market)
        self.feed = SymbolFeed(KNOWN["XAUUSD"], teller, self.clock, self.market, Patience())

    def said(self, kind: type) -> list:
        noun = {
            messages.Tick: "tick",
            messages.CandleClosed: "candle",
            messages.FeedStateChanged: "feed",
            CandleCorrected: "correction",
        }
        prefix = noun.get(kind, "gap")
        return [
            codec.decode(m.body, kind)
            for m in (said.outgoing for said in self.outlet._queue)
            if m.subject.startswith(f"{prefix}.")
        ]

    @property
    def ticks(self) -> list[float]:
        return [(tick.epoch_ms - NOON_MS) / 1000 for tick in self.said(messages.Tick)]

    @property
    def states(self) -> list[FeedState]:
        return [change.state for change in self.said(messages.FeedStateChanged)]

    def go_live(self) -> "Desk":
        self.feed.happen(Happening.FILLING, "")
        self.feed.hear(a_quote(0))
        self.feed.release(NOON_MS)
        self.feed.await_quote()
        return self

    def pass_s(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.feed.beat(self.market.now_ms())


def filled(*quotes, bars=()) -> list[Minute]:
    return list(minutes(bars, quotes, from_ms=0, now_ms=NOON_MS + 10**9, count=1000))
