"""Is this quote to be believed? Every refusal has a reason that is counted; a refused quote changes nothing."""

import math
from dataclasses import dataclass
from enum import StrEnum

from services.feed.domain.quotes import Bar, Quote

JUMP_LIMIT = 0.05
"""A quote further than this from the last one is a fault (product: more than 5 % in one tick)."""

JUMPS_BELIEVED = 10
"""So many refused jumps in a row that agree with each other are the market: else one real jump would end the feed."""


class BadInput(StrEnum):
    """Why something a venue sent was dropped."""

    NOT_JSON = "not_json"
    MALFORMED = "malformed"
    NO_BID_ASK = "no_bid_ask"
    UNKNOWN_SYMBOL = "unknown_symbol"
    NON_POSITIVE = "non_positive"
    CROSSED = "crossed"
    WIDE_SPREAD = "wide_spread"
    BACKWARDS = "backwards"
    DUPLICATE = "duplicate"
    FUTURE = "future"
    JUMP = "jump"
    LATE = "late"
    CLOCK_JUMP = "clock_jump"


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_spread` in price; `ahead_ms` is how far a quote may be ahead of market time."""

    max_spread: float
    ahead_ms: int


class TickCheck:
    """The memory of one symbol's checks: the last quote that was believed, and the jumps that were not."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._last: Quote | None = None
        self._jumps: list[float] = []

    def judge(self, quote: Quote, now_ms: int) -> BadInput | None:
        """Tell why to drop a live quote, or None. What passes becomes the last quote."""
        reason = self.judge_prices(quote) or self._time(quote, now_ms) or self._jump(quote)
        if reason is None:
            self.trust(quote)
        return reason

    def is_believable(self, quote: Quote, now_ms: int) -> bool:
        """Tell whether a live quote may be more than noise: its prices can be, and its time is not to come."""
        return self.judge_prices(quote) is None and quote.epoch_ms <= now_ms + self._limits.ahead_ms

    def judge_past(self, quote: Quote, now_ms: int) -> BadInput | None:
        """Tell why to drop a quote of the venue's history, or None. Doubles are the caller's business."""
        is_to_come = quote.epoch_ms > now_ms + self._limits.ahead_ms
        reason = self.judge_prices(quote) or (BadInput.FUTURE if is_to_come else self._jump(quote))
        if reason is None:
            self.trust(quote)
        return reason

    def judge_bar(self, bar: Bar) -> BadInput | None:
        """Tell why to drop a bar of the venue's history, or None. What passes becomes the last price."""
        if not bar.is_sound:
            return BadInput.MALFORMED
        if not self.is_bar_sound(bar):
            return BadInput.JUMP
        return self.judge_past(Quote(bar.open_s * 1000, bar.close, bar.close, is_backfilled=True), bar.end_ms)

    def is_bar_sound(self, bar: Bar) -> bool:
        """Tell whether a bar can be, by itself: no price does in a minute what it may not do in a tick."""
        return bar.is_sound and _is_near(bar.high, bar.close) and _is_near(bar.low, bar.close)

    def trust(self, quote: Quote) -> None:
        """Take a quote of the venue's history as the last one."""
        self._last = quote
        self._jumps.clear()

    def judge_prices(self, quote: Quote) -> BadInput | None:
        """Tell what is wrong with the prices of a quote by themselves, or None. Nothing is remembered."""
        if not (0 < quote.bid < math.inf and 0 < quote.ask < math.inf):
            return BadInput.NON_POSITIVE
        if quote.bid > quote.ask:
            return BadInput.CROSSED
        if quote.ask - quote.bid > self._limits.max_spread:
            return BadInput.WIDE_SPREAD
        return None

    def _time(self, quote: Quote, now_ms: int) -> BadInput | None:
        if quote.epoch_ms > now_ms + self._limits.ahead_ms:
            return BadInput.FUTURE
        if self._last is None or quote.epoch_ms > self._last.epoch_ms:
            return None
        if quote.epoch_ms < self._last.epoch_ms:
            return BadInput.BACKWARDS
        is_known = self._last.is_backfilled or quote.has_prices_of(self._last)
        return BadInput.DUPLICATE if is_known else None

    def _jump(self, quote: Quote) -> BadInput | None:
        if self._last is None or _is_near(quote.mid, self._last.mid):
            return None
        if self._jumps and not _is_near(quote.mid, self._jumps[-1]):
            self._jumps.clear()
        self._jumps.append(quote.mid)
        return None if len(self._jumps) > JUMPS_BELIEVED else BadInput.JUMP


def _is_near(price: float, other: float) -> bool:
    return abs(price - other) <= JUMP_LIMIT * other
