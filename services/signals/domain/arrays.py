"""Indicators over whole columns as arrays, to the bits that a strategy sees candle by candle.

An indicator that remembers only so many candles has one value at a candle wherever it was begun, so it is filled once.
One that remembers its first candle is filled for each stretch of candles from the place that `anchors` gives it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.signals.domain.anchors import WARM_UP, Stretch, stretches
from services.signals.domain.candle import Candle
from services.signals.domain.classic import Columnar, as_arrays
from services.signals.domain.columns import Columns, part
from services.signals.domain.indicator import Indicator

Arrays = Mapping[str, Any]
"""float64 arrays by indicator, a value for each candle, NaN where undefined; or records of such arrays."""


@dataclass(frozen=True, slots=True)
class ExactArrays:
    """`values` at each candle are those of `View.now` there.

    The values one place before are those of `View.before`, but at `seams`: there another seed begins to count, and the
    values before it are other ones in their last bits.
    """

    values: Arrays
    seams: frozenset[int]


def exact_arrays(indicators: Mapping[str, Indicator[Candle, Any]], columns: Columns, interval_s: int) -> ExactArrays:
    """Return each indicator over the whole of `columns`, which begin where the market's candles begin."""
    parts = list(stretches(columns.open_time_s, interval_s))
    values, seams = {}, set()
    for name, indicator in indicators.items():
        if indicator.memory is not None and indicator.memory <= WARM_UP:
            values[name] = _filled(indicator, columns)
        else:
            pieces = [_filled(indicator, part(columns, it.seed, it.last)) for it in parts]
            seams |= set(_seams(parts, pieces))
            values[name] = _joined([_tail(piece, it.first - it.seed) for it, piece in zip(parts, pieces, strict=True)])
    return ExactArrays(values, frozenset(seams))


def _filled(indicator: Indicator[Candle, Any], columns: Columns) -> Any:
    if isinstance(indicator, Columnar):
        return indicator.array(columns)
    return as_arrays(indicator.open_and_fill(columns.rows))


def _seams(parts: list[Stretch], pieces: list[Any]) -> Iterator[int]:
    """Yield the first places of stretches that begin with another value before them than the stretch before ended with.

    Stretches of one seed have no seam between them.
    """
    for last, next_, ended, begun in zip(parts, parts[1:], pieces, pieces[1:], strict=False):
        if last.seed != next_.seed:
            at = next_.first - next_.seed - 1
            fields = zip(_fields(ended), _fields(begun), strict=True)
            if any(
                one[-1] != other[at] for one, other in fields
            ):  # NaN counts as a seam, which costs a look and no more
                yield next_.first


def _fields(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)


def _tail(values: Any, first: int) -> Any:
    return type(values)(*(value[first:] for value in values)) if isinstance(values, tuple) else values[first:]


def _joined(pieces: list[Any]) -> Any:
    if not pieces:
        return np.empty(0)
    if isinstance(pieces[0], tuple):
        return type(pieces[0])(*(np.concatenate(fields) for fields in zip(*pieces, strict=True)))
    return np.concatenate(pieces)
