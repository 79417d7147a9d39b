"""The indicators that everybody knows, by TA-Lib: closed candles in, the values of its batch functions out.

Each is TA-Lib's stream handle behind this product's own protocol. A handle gives the bits of the batch function over
the same history, at a cost that does not grow with it; and a whole history is filled at the batch function's speed.
Averages begin as TA-Lib begins them (an EMA with the simple mean of its first points); EMA and MACD of the product
specification begin with their first point and stand in `averages`.

Source: https://ta-lib.org/functions/, and the docstring of `talib.stream`.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np
import talib
from talib import InsufficientHistory, stream  # type: ignore[attr-defined]  # it is there, not in its stub

from services.signals.domain.candle import Candle
from services.signals.domain.columns import Columns
from services.signals.domain.indicator import Indicator

Value = TypeVar("Value")
Record = type[tuple[Any, ...]]
"""A named tuple's class."""

_new = tuple.__new__  # half the cost of a named tuple's own constructor, and one is made for every candle


class Columnar(Indicator[Candle, Value]):
    """An indicator of candles that can read whole columns, to the same bits as candle by candle."""

    __slots__ = ()

    @abstractmethod
    def fill_columns(self, columns: Columns, *, count: int) -> Sequence[Value]:
        """Start again on `columns`, go on from their end, and return the values at the last `count` candles."""

    def array(self, columns: Columns) -> Any:
        """Start again on `columns` and return the values at all candles as float64, NaN where undefined.

        Those of several numbers come as their record, of arrays. The bits are those of `fill_columns`.
        """
        return as_arrays(self.fill_columns(columns, count=len(columns.open_time_s)))


class Classic(Columnar[Any]):
    """A function of TA-Lib on columns of candles; None until it is defined."""

    __slots__ = (
        "_batch",
        "_handle",
        "_inputs",
        "_points",
        "_record",
        "_settings",
        "_step",
        "_take",
        "_type",
        "memory",
    )

    def __init__(self, function: str, inputs: tuple[str, ...], record: Record | None = None, **settings: float) -> None:
        """Take TA-Lib's name, the candle's fields it reads, the record of its outputs where many, and its settings."""
        self._type = getattr(stream, function)
        self._batch = getattr(talib, function)
        self._inputs = inputs
        self._record = record
        self._settings = settings
        self._take = attrgetter(*inputs)
        self.memory = None
        self.reset()

    def reset(self) -> None:
        """Forget every candle."""
        self._handle: Any = None
        self._step: Callable[..., Any] | None = None  # the handle's update, once there is one
        self._points: list[Any] = []

    @property
    def value(self) -> Any:  # read from the handle: a store for every candle costs more
        """The value at the last candle."""
        return None if self._handle is None else self._told(self._handle.value)

    def update(self, point: Candle) -> Any:
        """Take the next closed candle and return the value at it."""
        step = self._step
        if step is None:
            return self._begin(point)
        return self._told(step(*self._taken(point)))

    def peek(self, point: Candle) -> Any:
        """Return the value that `update(point)` would give."""
        if self._handle is None:
            handle = self._opened([*self._points, self._take(point)])
            return None if handle is None else self._told(handle.value)
        return self._told(self._handle.peek(*self._taken(point)))

    def fill_columns(self, columns: Columns, *, count: int) -> Sequence[Any]:
        """Fill the handle from columns, one pass of TA-Lib's batch loop."""
        self.reset()
        series = [getattr(columns, name) for name in self._inputs]
        try:
            handle, outputs = self._type.open_and_fill(*series, **self._settings)
        except InsufficientHistory:
            self._points = [self._take(row) for row in columns.rows]
            return [None] * count
        self._go_on_with(handle)
        if self._record is None:
            return _defined(outputs[-count:].tolist())
        return _defined_records([output[-count:].tolist() for output in outputs], self._record)

    def array(self, columns: Columns) -> Any:
        """Return what TA-Lib's batch function says of `columns`; nothing is remembered of them."""
        outputs = self._batch(*(getattr(columns, name) for name in self._inputs), **self._settings)
        return self._told(outputs)

    def _opened(self, points: list[Any]) -> Any:
        table = np.array(points, dtype=np.float64).reshape(len(points), len(self._inputs))
        try:
            return self._type(*(np.ascontiguousarray(column) for column in table.T), **self._settings)
        except InsufficientHistory:
            return None

    def _begin(self, point: Candle) -> Any:
        self._points.append(self._take(point))
        handle = self._opened(self._points)
        if handle is not None:
            self._go_on_with(handle)
        return self.value

    def _go_on_with(self, handle: Any) -> None:
        self._handle, self._step, self._points = handle, handle.update, []

    def _taken(self, point: Candle) -> tuple[float, ...]:
        taken = self._take(point)
        return taken if isinstance(taken, tuple) else (taken,)

    def _told(self, value: Any) -> Any:
        return value if self._record is None else _new(self._record, value)


class OfClose(Classic):
    """A function of closes."""

    __slots__ = ()

    def __init__(self, function: str, record: Record | None = None, **settings: float) -> None:
        """Take TA-Lib's name, the record of its outputs where many, and its settings."""
        super().__init__(function, ("close",), record, **settings)

    def update(self, point: Candle) -> Any:
        """Take the next closed candle and return the value at it."""
        step, record = self._step, self._record
        if step is None:
            return self._begin(point)
        return step(point.close) if record is None else _new(record, step(point.close))


class OfRange(Classic):
    """A function of highs, lows and closes."""

    __slots__ = ()

    def __init__(self, function: str, record: Record | None = None, **settings: float) -> None:
        """Take TA-Lib's name, the record of its outputs where many, and its settings."""
        super().__init__(function, ("high", "low", "close"), record, **settings)

    def update(self, point: Candle) -> Any:
        """Take the next closed candle and return the value at it."""
        step, record = self._step, self._record
        if step is None:
            return self._begin(point)
        value = step(point.high, point.low, point.close)
        return value if record is None else _new(record, value)


def as_arrays(values: Sequence[Any]) -> Any:
    """Return numbers, None where undefined, as float64 with NaN; records as a record of such arrays."""
    record = next((value for value in values if isinstance(value, tuple)), None)
    if record is None:
        return np.array(values, dtype=np.float64)
    undefined = (None,) * len(record)
    fields = zip(*(undefined if value is None else value for value in values), strict=True)
    return type(record)(*(np.array(field, dtype=np.float64) for field in fields))


def _defined(values: list[float]) -> Sequence[float | None]:
    """Return values with None for NaN, which TA-Lib puts before the first defined one."""
    return [None if math.isnan(value) else value for value in values] if math.isnan(values[0]) else values


def _defined_records(outputs: list[list[float]], record: Record) -> Sequence[Any]:
    rows = zip(*outputs, strict=True)
    if not any(math.isnan(values[0]) for values in outputs):
        return list(map(_new, repeat(record), rows))
    return [None if any(map(math.isnan, row)) else _new(record, row) for row in rows]


class Bands(NamedTuple):
    """A channel around the price, in its unit."""

    upper: float
    middle: float
    lower: float


class MacdLines(NamedTuple):
    """MACD by TA-Lib, in the unit of the price."""

    line: float
    signal: float
    histogram: float


class StochasticLines(NamedTuple):
    """Stochastic by TA-Lib, 0 to 100."""

    k: float
    d: float


class Ema(OfClose):
    """Exponential average of the close, begun with the simple mean of its first `period` points."""

    __slots__ = ()

    def __init__(self, period: int) -> None:
        """Average with the weight of `period` candles."""
        super().__init__("EMA", timeperiod=period)


class Sma(OfClose):
    """Simple average of the close."""

    __slots__ = ()

    def __init__(self, period: int) -> None:
        """Average over `period` candles."""
        super().__init__("SMA", timeperiod=period)


class Rsi(OfClose):
    """Relative strength by Wilder's smoothing, 0 to 100. The product's own, on plain means, is another number."""

    __slots__ = ()

    def __init__(self, period: int = 14) -> None:
        """Smooth over `period` changes."""
        super().__init__("RSI", timeperiod=period)


class Atr(OfRange):
    """Average true range by Wilder's smoothing, in the unit of the price."""

    __slots__ = ()

    def __init__(self, period: int = 14) -> None:
        """Smooth over `period` candles."""
        super().__init__("ATR", timeperiod=period)


class Adx(OfRange):
    """Average directional index by Wilder: how much of a trend there is, 0 to 100, whichever way."""

    __slots__ = ()

    def __init__(self, period: int = 14) -> None:
        """Smooth over `period` candles, twice."""
        super().__init__("ADX", timeperiod=period)


class ClassicMacd(OfClose):
    """MACD whose averages begin as TA-Lib's do."""

    __slots__ = ()

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        """Take the three periods, in candles."""
        periods = {"fastperiod": fast, "slowperiod": slow, "signalperiod": signal}
        super().__init__("MACD", MacdLines, **periods)


class ClassicStochastic(OfRange):
    """Slow stochastic on simple averages."""

    __slots__ = ()

    def __init__(self, period: int = 14, smoothing: int = 3, signal: int = 3) -> None:
        """Look back `period` candles; average K over `smoothing` and D over `signal` of them."""
        periods = {"fastk_period": period, "slowk_period": smoothing, "slowd_period": signal}
        super().__init__("STOCH", StochasticLines, **periods)


class Bollinger(OfClose):
    """Bands at some standard deviations (of the population) around the simple average of the close."""

    __slots__ = ()

    def __init__(self, period: int = 20, deviations: float = 2.0) -> None:
        """Average over `period` candles, with bands `deviations` away."""
        super().__init__("BBANDS", Bands, timeperiod=period, nbdevup=deviations, nbdevdn=deviations)


class Donchian(Classic):
    """Highest high and lowest low of the last candles, this one included, and the middle between them."""

    __slots__ = ()

    def __init__(self, period: int = 20) -> None:
        """Look back over `period` candles."""
        super().__init__("DONCHIAN", ("high", "low"), Bands, timeperiod=period)

    def update(self, point: Candle) -> Any:
        """Take the next closed candle and return the channel at it."""
        step = self._step
        return self._begin(point) if step is None else _new(Bands, step(point.high, point.low))


class Keltner(OfRange):
    """A channel of some average true ranges around the exponential average of the typical price."""

    __slots__ = ()

    def __init__(self, period: int = 20, range_period: int = 10, multiple: float = 2.0) -> None:
        """Average over `period` candles, with bands `multiple` ranges of `range_period` candles away."""
        settings = {"timeperiod": period, "atrperiod": range_period, "nbdev": multiple}
        super().__init__("KC", Bands, **settings)
