"""A picture of a market that never was, to warm a browser up with everything a real one has."""

import math
from datetime import timedelta
from zoneinfo import ZoneInfo

from contracts.asks import Series
from contracts.messages import ChartLevels, Interval, Mode, Side
from services.charts.domain.instrument import KNOWN
from services.charts.domain.request import Picture

_COUNT = 120
_STEP = int(timedelta(minutes=1).total_seconds())


def sample_picture() -> Picture:
    """Make a BUY on a wave."""
    closes = [4000 + 3 * math.sin(index / 9) for index in range(_COUNT)]
    opens = [closes[0], *closes[:-1]]
    line: list[float | None] = list(closes)
    percent: list[float | None] = [50 + 40 * math.sin(index / 9) for index in range(_COUNT)]
    series = Series(
        symbol="XAUUSD",
        interval=Interval.M1,
        open_time_s=[index * _STEP for index in range(_COUNT)],
        open=opens,
        high=[max(pair) + 0.4 for pair in zip(opens, closes, strict=True)],
        low=[min(pair) - 0.4 for pair in zip(opens, closes, strict=True)],
        close=closes,
        volume=[60 + 7 * index % 23 for index in range(_COUNT)],
        indicators=dict.fromkeys(("ema_5", "ema_10", "ema_20", "ema_50", "trf_upper", "trf_lower"), line)
        | dict.fromkeys(("rsi", "stoch_k", "stoch_d"), percent),
    )
    levels = ChartLevels(
        side=Side.BUY,
        entry=closes[-1],
        stop=closes[-1] - 2,
        targets=(closes[-1] + 4,),
        mode=Mode.AUTO,
        rr=2.0,
        strength=0.5,
        score=7,
    )
    return Picture(series, KNOWN["XAUUSD"], "en", ZoneInfo("UTC"), "sample", levels)
