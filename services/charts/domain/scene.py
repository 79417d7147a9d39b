"""The scene: everything a picture shows, in words, values and pixels, ready to be drawn by anything that can.

Pixels count from the top left corner of the canvas. Curves and candles are values over candle indices: the frame's
scale and the index range say where they lie. Colours are roles; the theme of the drawing side gives them their paint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.charts.domain.scale import Scale
from services.charts.domain.time_axis import TimeTick

Values = Sequence[float | None]


class Role(StrEnum):
    """What a colour means."""

    UP = "up"
    DOWN = "down"
    ENTRY = "entry"
    LAST = "last"
    TEXT = "text"
    MUTED = "muted"
    FAINT = "faint"
    EMA_5 = "ema_5"
    EMA_10 = "ema_10"
    EMA_20 = "ema_20"
    EMA_50 = "ema_50"
    TRF = "trf"
    RSI = "rsi"
    STOCH_K = "stoch_k"
    STOCH_D = "stoch_d"


class Anchor(StrEnum):
    """Which side of a text stands at its place."""

    LEFT = "left"
    CENTRE = "center"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one colour and size."""

    text: str
    role: Role = Role.MUTED
    is_bold: bool = False
    size_px: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `y_px` is its middle. A backed one dims what it stands on, so that curves do not cross it."""

    x_px: float
    y_px: float
    spans: tuple[Span, ...]
    size_px: int
    anchor: Anchor = Anchor.LEFT
    is_backed: bool = False


@dataclass(frozen=True, slots=True)
class Badge:
    """The coloured box at the top right: a triangle up or down (None: no triangle) and a word."""

    word: str
    role: Role
    points_up: bool | None


@dataclass(frozen=True, slots=True)
class Tag:
    """A filled label right of the plot at `y_px`, tied by a leader line to `at_px`, the place it speaks of."""

    name: str
    value: str
    role: Role
    y_px: float
    at_px: float
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Zone:
    """A filled area from the candle `from_index` to the right edge, between two prices; `depth` 0 is the faintest."""

    role: Role
    from_index: int
    low: float
    high: float
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line from a candle (None: across the plot) to the right edge."""

    role: Role
    price: float
    from_index: int | None
    is_dotted: bool = False


@dataclass(frozen=True, slots=True)
class Marker:
    """A sign on the chart: a triangle that points up or down, or a dot (None)."""

    index: float
    price: float
    role: Role
    points_up: bool | None


@dataclass(frozen=True, slots=True)
class Candles:
    """Columns of equal length, oldest first."""

    open: Sequence[float]
    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]
    volume: Sequence[int]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line over the candles; None leaves a gap."""

    role: Role
    values: Values


@dataclass(frozen=True, slots=True)
class Band:
    """A filled area between two curves."""

    role: Role
    upper: Values
    lower: Values


@dataclass(frozen=True, slots=True)
class ValueTick:
    """A grid line; an empty text where a tag stands already."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One frame: its scale, its grid, its curves, and the guides (two values with a band between them)."""

    scale: Scale
    ticks: tuple[ValueTick, ...]
    curves: tuple[Curve, ...]
    guides: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points from left to right; dots stand on it where each can be told from the next."""

    role: Role
    x: tuple[float, ...]
    y: tuple[float, ...]
    has_dots: bool = False


@dataclass(frozen=True, slots=True)
class Strip:
    """One frame of a curve's picture: areas are filled between their line and zero."""

    scale: Scale
    ticks: tuple[ValueTick, ...]
    areas: tuple[Line, ...]
    lines: tuple[Line, ...] = ()
    markers: tuple[Marker, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceTick:
    """A label under the trade `number`."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class CurveScene:
    """A whole picture of an equity curve: x counts trades, 0 stands before the first."""

    x_low: float
    x_high: float
    balance: Strip
    drawdown: Strip
    place_ticks: tuple[PlaceTick, ...]
    tags: tuple[Tag, ...]
    notes: tuple[Text, ...]
    texts: tuple[Text, ...]
    badge: Badge
    backdrop: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture. Indices from `x_low` to `x_high` fill the plot from left to right."""

    x_low: float
    x_high: float
    candles: Candles
    volume_high: float
    price: Panel
    rsi: Panel
    stochastic: Panel
    band: Band | None
    zones: tuple[Zone, ...]
    levels: tuple[Level, ...]
    markers: tuple[Marker, ...]
    tags: tuple[Tag, ...]
    notes: tuple[Text, ...]
    texts: tuple[Text, ...]
    badge: Badge | None
    time_ticks: tuple[TimeTick, ...]
    pauses: tuple[int, ...]
    backdrop: str
