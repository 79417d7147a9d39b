"""Best bids and asks of one session: in order, once, and with the venue's time of their arrival."""

from collections.abc import Mapping

from chassis.clock import MarketClock
from services.feed.adapters.binance_frames import StreamFrame
from services.feed.domain.quotes import Quote
from services.feed.domain.ticks import BadInput
from services.feed.ports import Heard, Unheard

REPEATED_MS = 1_000
"""The same prices again so soon tell of amounts only; less often, that the link lives."""


class Book:
    """Reads book tickers. `ours` maps the venue's symbols to ours; `market` is the venue's clock."""

    def __init__(self, ours: Mapping[str, str], market: MarketClock) -> None:
        self._ours = ours
        self._market = market
        self._last: dict[str, tuple[int, Quote]] = {}
        self._told_before: dict[str, int] = {}

    def overlap(self) -> None:
        """Expect a new connection to tell again what was told until now: that is no fault, and no news."""
        self._told_before = {symbol: number for symbol, (number, _) in self._last.items()}

    def read(self, frame: StreamFrame, theirs: str, number: int) -> Heard | Unheard | None:
        """Understand the ticker with id `number` of one symbol; None where it is no news."""
        symbol = self._ours.get(theirs)
        if symbol is None:
            return Unheard(BadInput.UNKNOWN_SYMBOL)
        if frame.b is None or frame.a is None:
            return Unheard(BadInput.NO_BID_ASK, symbol)
        if number <= self._told_before.get(symbol, -1):
            return None
        self._told_before.pop(symbol, None)
        last = self._last.get(symbol)
        if last is not None and number <= last[0]:
            return Unheard(BadInput.DUPLICATE if number == last[0] else BadInput.BACKWARDS, symbol)
        return self._stamp(symbol, number, frame.b, frame.a)

    def _stamp(self, symbol: str, number: int, bid: float, ask: float) -> Heard | None:
        """Give a quote the venue's time of now; that never goes back, not even where the clock was corrected."""
        before = self._last[symbol][1] if symbol in self._last else None
        quote = Quote(max(self._market.now_ms(), before.epoch_ms if before else 0), bid, ask)
        if before is not None and _repeats(quote, before):
            self._last[symbol] = (number, before)
            return None
        self._last[symbol] = (number, quote)
        return Heard(symbol, quote)


def _repeats(quote: Quote, before: Quote) -> bool:
    return quote.has_prices_of(before) and quote.epoch_ms - before.epoch_ms < REPEATED_MS
