"""Strength 0..1: how far four readings stand from indifference, in exact hundredths.

Source: product specification, section 3, "Strength".
"""

# Each row: (strictly above, points), the greater bound first; points are hundredths so that sums are exact.
Ladder = tuple[tuple[float, int], ...]

AVERAGE_SPREAD: Ladder = ((0.003, 25), (0.0015, 15))  # |EMA5 − EMA20| / close
HISTOGRAM: Ladder = ((0.5, 25), (0.2, 15))  # |MACD histogram|, in the unit of the price
RSI_DISTANCE: Ladder = ((0.4, 25), (0.2, 15))  # |RSI − 50| / 50
VOLUME: Ladder = ((1.5, 25), (1.0, 15))  # volume / average volume

WORDS = ((0.75, "very_strong"), (0.5, "strong"), (0.3, "medium"))  # at least


def points_of(value: float, ladder: Ladder) -> int:
    """Return the points of the first rung that `value` is above, 0 below them all."""
    return next((points for bound, points in ladder if value > bound), 0)


def strength_of(*, average_spread: float, histogram: float, rsi: float, volume_ratio: float) -> float:
    """Return the strength 0..1 of a reading, one of 21 exact hundredths.

    `average_spread` is |EMA5 − EMA20|/close and `volume_ratio` volume/average; `histogram` and `rsi` as they read.
    """
    points = (
        points_of(average_spread, AVERAGE_SPREAD)
        + points_of(abs(histogram), HISTOGRAM)
        + points_of(abs(rsi - 50.0) / 50.0, RSI_DISTANCE)
        + points_of(volume_ratio, VOLUME)
    )
    return points / 100


def word_for(strength: float) -> str:
    """Return the message key of the word that people read for `strength`."""
    return "strength." + next((word for at_least, word in WORDS if strength >= at_least), "weak")
