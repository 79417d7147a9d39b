"""The trade on a picture: zones of risk and reward, level lines, the distances written in them, markers, tags."""

from dataclasses import dataclass
from itertools import pairwise

from contracts.messages import ChartLevels, Side
from services.charts.domain import canvas
from services.charts.domain.instrument import Instrument
from services.charts.domain.request import Outcome
from services.charts.domain.scale import Scale
from services.charts.domain.scene import Anchor, Candles, Level, Marker, Role, Span, Tag, Text, Zone
from services.charts.domain.spreading import spread


@dataclass(frozen=True, slots=True)
class Mark:
    """A price that gets a tag."""

    name: str
    price: float
    role: Role


def zones(levels: ChartLevels, from_index: int) -> tuple[Zone, ...]:
    """Fill the risk between entry and stop, and one step of reward up to each target."""
    edges = (levels.entry, *levels.targets)
    risk = _zone(Role.DOWN, from_index, levels.entry, levels.stop)
    return risk, *(_zone(Role.UP, from_index, *ends, depth=depth) for depth, ends in enumerate(pairwise(edges)))


def _zone(role: Role, from_index: int, one: float, other: float, *, depth: int = 0) -> Zone:
    return Zone(role, from_index, min(one, other), max(one, other), depth)


def lines(levels: ChartLevels, from_index: int) -> tuple[Level, ...]:
    """Draw the stop, the targets and, over both, the entry."""
    return (
        Level(Role.DOWN, levels.stop, from_index),
        *(Level(Role.UP, target, from_index) for target in levels.targets),
        Level(Role.ENTRY, levels.entry, from_index),
    )


def marks(levels: ChartLevels) -> tuple[Mark, ...]:
    """Name the levels in the words that a copier reads. One target is TP, several are TP1, TP2, ..."""
    is_many = len(levels.targets) > 1
    targets = (
        Mark(f"TP{number}" if is_many else "TP", price, Role.UP) for number, price in enumerate(levels.targets, 1)
    )
    return Mark("SL", levels.stop, Role.DOWN), Mark(levels.side.value, levels.entry, Role.ENTRY), *targets


def tags(marked: tuple[Mark, ...], scale: Scale, instrument: Instrument) -> tuple[Tag, ...]:
    """Place the tags so that none covers another. A price beyond the frame has its tag at the edge."""
    at_px = [scale.clamped_px(mark.price) for mark in marked]
    # equal pixels keep the order of the prices: higher price, higher tag
    order = sorted(range(len(marked)), key=lambda index: (at_px[index], -marked[index].price))
    places = spread(
        [at_px[index] for index in order],
        height_px=canvas.TAG_HEIGHT_PX,
        low_px=scale.frame.top_px,
        high_px=scale.frame.bottom_px,
    )
    placed = dict(zip(order, places, strict=True))
    return tuple(
        Tag(mark.name, instrument.price(mark.price), mark.role, placed[index], at_px[index])
        for index, mark in enumerate(marked)
    )


def notes(levels: ChartLevels, scale: Scale, instrument: Instrument) -> tuple[Text, ...]:
    """Write the distance of the stop and of each target into its zone: pips and multiples of the risk."""
    risk = abs(levels.entry - levels.stop)
    sign = levels.side.sign
    ends = (levels.stop, *levels.targets)
    starts = (levels.entry, levels.entry, *levels.targets)
    middles_px = [
        (scale.clamped_px(start) + scale.clamped_px(end)) / 2 for start, end in zip(starts, ends, strict=False)
    ]
    places = spread(
        middles_px, height_px=canvas.NOTE_HEIGHT_PX, low_px=scale.frame.top_px, high_px=scale.frame.bottom_px
    )
    return tuple(
        _note(instrument.distance((end - levels.entry) * sign, levels.entry), _multiple(end, levels, risk), y_px)
        for end, y_px in zip(ends, places, strict=True)
    )


def _multiple(end: float, levels: ChartLevels, risk: float) -> str:
    if end == levels.stop or risk == 0:
        return ""
    return f"{abs(end - levels.entry) / risk:.1f}R"


def _note(distance: str, multiple: str, y_px: float) -> Text:
    spans = [Span(distance, Role.TEXT)]
    if multiple:
        spans.append(Span(f"  {multiple}", Role.TEXT, is_bold=True))
    return Text(canvas.NOTE_RIGHT_PX, y_px, tuple(spans), canvas.SMALL_PX, Anchor.RIGHT)


def signal_marker(side: Side, index: int, candles: Candles, scale: Scale) -> Marker:
    """Point at the signal's candle: from below for BUY, from above for SELL."""
    if side is Side.BUY:
        return Marker(index, scale.value(scale.px(candles.low[index]) + canvas.MARKER_GAP_PX), Role.UP, points_up=True)
    return Marker(index, scale.value(scale.px(candles.high[index]) - canvas.MARKER_GAP_PX), Role.DOWN, points_up=False)


def exit_marker(outcome: Outcome, index: int) -> Marker:
    """Mark the candle and the price at which the trade ended."""
    return Marker(index, outcome.exit, result_role(outcome), None)


def result_role(outcome: Outcome) -> Role:
    """Colour a result: won, lost, or neither."""
    if outcome.r == 0:
        return Role.MUTED
    return Role.UP if outcome.r > 0 else Role.DOWN
