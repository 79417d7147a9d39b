"""The volume-weighted average price since the day began."""

from services.signals.domain.candle import Candle
from services.signals.domain.indicator import Indicator

DAY_S = 86_400


class SessionVwap(Indicator[Candle, float | None]):
    """VWAP: Σ price · volume / Σ volume over the candles of a day, where a candle's price is (high + low + close) / 3.

    None until a candle of the day has volume. Volume here is the number of ticks. The sums run from the first candle
    of the day on; none of them ever leaves, so they carry no error of what is past. TA-Lib's VWAP never begins anew.
    Source: https://www.investopedia.com/terms/v/vwap.asp.
    """

    __slots__ = ("_begins_s", "_day", "_money", "_volume", "memory", "value")

    def __init__(self, begins_s: int = 0) -> None:
        """Begin each day `begins_s` seconds after midnight UTC."""
        self._begins_s = begins_s
        self.memory = None
        self.reset()

    def reset(self) -> None:
        """Forget every candle."""
        self._day: int | None = None
        self._money = self._volume = 0.0
        self.value: float | None = None

    def update(self, point: Candle) -> float | None:
        """Take the next closed candle and return the average at it."""
        self._day, self._money, self._volume = self._with(point)
        self.value = self._money / self._volume if self._volume else None
        return self.value

    def peek(self, point: Candle) -> float | None:
        """Return the average that `update(point)` would give."""
        _, money, volume = self._with(point)
        return money / volume if volume else None

    def _with(self, candle: Candle) -> tuple[int, float, float]:
        day = (candle.open_time_s - self._begins_s) // DAY_S
        price = (candle.high + candle.low + candle.close) / 3
        money, volume = (self._money, self._volume) if day == self._day else (0.0, 0.0)
        return day, money + price * candle.volume, volume + candle.volume
