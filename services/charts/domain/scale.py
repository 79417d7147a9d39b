"""From values to pixels, and the round numbers between two values."""

import math
from dataclasses import dataclass

from services.charts.domain.canvas import Frame


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale: `low` stands at the bottom of the frame, `high` at its top."""

    low: float
    high: float
    frame: Frame

    def px(self, value: float) -> float:
        """Place a value; outside of [low, high] it lands outside of the frame."""
        share = (value - self.low) / (self.high - self.low)
        return self.frame.bottom_px - share * (self.frame.bottom_px - self.frame.top_px)

    def value(self, px: float) -> float:
        """Tell the value at a pixel."""
        share = (self.frame.bottom_px - px) / (self.frame.bottom_px - self.frame.top_px)
        return self.low + share * (self.high - self.low)

    def clamped_px(self, value: float) -> float:
        """Place a value, at the nearest edge when it is outside."""
        return min(max(self.px(value), self.frame.top_px), self.frame.bottom_px)


def fit(low: float, high: float, frame: Frame, *, above_px: float, below_px: float) -> Scale:
    """Make the scale that shows [low, high] with `above_px` and `below_px` of the frame left free."""
    span = max(high - low, abs(high) * 1e-6, 1e-9)
    per_px = span / (frame.bottom_px - frame.top_px - above_px - below_px)
    middle = (low + high) / 2
    return Scale(middle - span / 2 - below_px * per_px, middle + span / 2 + above_px * per_px, frame)


def round_values(low: float, high: float, *, about: int) -> tuple[float, ...]:
    """List round values (1, 2 or 5 times a power of ten apart) inside [low, high], `about` so many."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step)
    last = math.floor(high / step)
    decimals = max(0, -math.floor(math.log10(step)))
    return tuple(round(number * step, decimals) for number in range(first, last + 1))
