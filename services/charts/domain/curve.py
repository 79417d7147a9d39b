"""Puts the scene of an equity curve together: heading, the curve over its zero line, and how far it fell, under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

from contracts.messages import CurvePoint, DrawCurve
from services.charts.domain import canvas, curve_heading
from services.charts.domain.amounts import number
from services.charts.domain.curve_axis import closed_at, place_ticks
from services.charts.domain.curve_marks import marks
from services.charts.domain.request import BrokenSeriesError, NothingToDrawError
from services.charts.domain.scale import Scale, fit, round_values
from services.charts.domain.scene import Anchor, CurveScene, Line, Marker, Role, Span, Strip, Tag, Text, ValueTick
from services.charts.domain.time_axis import zone_name
from services.charts.domain.words import words_for

MAX_POINTS = 1000
"""More would stand on each other."""
_DOTTED_UP_TO = 40
_MARK_PX = 58
"""Room for the name of a mark over or under the curve."""
_END_PX = 16
"""Room right of the last trade."""
_LABEL_PX = 190
_HALF_PX = 75
"""Half of the broadest label: nearer to an edge it would be cut."""


@dataclass(frozen=True, slots=True)
class CurvePicture:
    """All that decides how the picture of a curve looks."""

    wish: DrawCurve
    zone: ZoneInfo
    watermark: str = ""


def compose_curve(picture: CurvePicture) -> CurveScene:
    """Compose the whole scene.

    Raises:
        NothingToDrawError: there is no trade.
        BrokenSeriesError: the points run back, or are too many.
    """
    wish = picture.wish
    _check(wish.points)
    words = words_for(wish.language)
    last = wish.points[-1].number
    x_high = last * (1 + _END_PX / _plot_px())
    per_px = x_high / _plot_px()
    balance = _balance(wish, x_high)
    return CurveScene(
        x_low=0,
        x_high=x_high,
        balance=balance,
        drawdown=_drawdown(wish),
        place_ticks=place_ticks(
            wish.points,
            picture.zone,
            words,
            room=_LABEL_PX * per_px,
            edges=(_HALF_PX * per_px, x_high - _HALF_PX * per_px),
        ),
        tags=(_net_tag(wish, balance.scale),),
        notes=tuple(mark.note for mark in marks(wish, balance.scale, x_high)),
        texts=(*curve_heading.heading(picture.wish, picture.zone), _caption(wish), *_signatures(picture)),
        badge=curve_heading.badge(wish),
        backdrop=f"P/L, {wish.currency}",
    )


def _check(points: Sequence[CurvePoint]) -> None:
    if not points:
        raise NothingToDrawError("no trade to draw")
    if len(points) > MAX_POINTS:
        raise BrokenSeriesError(f"{len(points)} trades are more than {MAX_POINTS}")
    if points[0].number < 1 or any(after.number <= before.number for before, after in pairwise(points)):
        raise BrokenSeriesError("trades are not in their order")


def _plot_px() -> float:
    return canvas.PLOT_RIGHT_PX - canvas.PLOT_LEFT_PX


# --- the curve --------------------------------------------------------------------------------------------------------


def _balance(wish: DrawCurve, x_high: float) -> Strip:
    x, y = _line_of(wish)
    scale = fit(min(0.0, *y), max(0.0, *y), canvas.BALANCE, above_px=canvas.LEGEND_PX + _MARK_PX, below_px=_MARK_PX + 6)
    role = curve_heading.result_role(wish.figures.pnl)
    above, below = split_at_zero(x, y)
    return Strip(
        scale=scale,
        ticks=_ticks(wish, scale, about=9, covered_px=scale.px(y[-1])),
        areas=(Line(Role.UP, *above), Line(Role.DOWN, *below)),
        lines=(Line(role, x, y, has_dots=len(wish.points) <= _DOTTED_UP_TO),),
        markers=tuple(mark.marker for mark in marks(wish, scale, x_high)),
    )


def _line_of(wish: DrawCurve) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The curve begins at nothing, before the first trade."""
    x = (0.0, *(float(point.number) for point in wish.points))
    return x, (0.0, *(float(point.balance) for point in wish.points))


def split_at_zero(
    x: Sequence[float], y: Sequence[float]
) -> tuple[tuple[tuple[float, ...], tuple[float, ...]], tuple[tuple[float, ...], tuple[float, ...]]]:
    """Cut a line into what lies above zero and what lies below; each is zero where the other is not."""
    places, values = [x[0]], [y[0]]
    for (from_x, from_y), (to_x, to_y) in pairwise(zip(x, y, strict=True)):
        if from_y * to_y < 0:
            places.append(from_x + (to_x - from_x) * from_y / (from_y - to_y))
            values.append(0.0)
        places.append(to_x)
        values.append(to_y)
    at = tuple(places)
    return (at, tuple(max(0.0, value) for value in values)), (at, tuple(min(0.0, value) for value in values))


def _ticks(wish: DrawCurve, scale: Scale, *, about: int, covered_px: float | None = None) -> tuple[ValueTick, ...]:
    values = round_values(scale.low, scale.high, about=about)
    digits = 0 if all(value == round(value) for value in values) else 2
    reach_px = (canvas.TAG_HEIGHT_PX + canvas.DIGIT_HEIGHT_PX) / 2
    ticks = []
    for value in values:
        at_px = scale.px(value)
        is_covered = covered_px is not None and abs(at_px - covered_px) < reach_px
        is_cut = min(at_px - scale.frame.top_px, scale.frame.bottom_px - at_px) < canvas.LABEL_PX / 2
        ticks.append(ValueTick(value, "" if is_covered or is_cut else number(value, digits, wish.language)))
    return tuple(ticks)


def _net_tag(wish: DrawCurve, scale: Scale) -> Tag:
    at_px = scale.px(float(wish.points[-1].balance))
    value = number(wish.figures.pnl, 2, wish.language, has_sign=True)
    return Tag("", value, curve_heading.result_role(wish.figures.pnl), at_px, at_px)


# --- under the curve --------------------------------------------------------------------------------------------------


def _drawdown(wish: DrawCurve) -> Strip:
    """Draw how far the balance was under its highest, downwards from zero."""
    x = (0.0, *(float(point.number) for point in wish.points))
    y = (0.0, *(-float(point.below) for point in wish.points))
    deepest = min(y)
    scale = fit(deepest or -1.0, 0.0, canvas.DRAWDOWN, above_px=6, below_px=canvas.LEGEND_PX + 10)
    fallen = Line(Role.DOWN if deepest else Role.MUTED, x, y)
    at = x[y.index(deepest)]
    sign = (Marker(at, deepest, Role.DOWN, None),) if deepest else ()
    return Strip(scale, _ticks(wish, scale, about=4) if deepest else (), (fallen,), (fallen,), sign)


# --- words ------------------------------------------------------------------------------------------------------------


def _caption(wish: DrawCurve) -> Text:
    words = words_for(wish.language).curve
    text = f"{words.balance}, {wish.currency}"
    return Text(canvas.PLOT_LEFT_PX + 8, canvas.BALANCE.top_px + 22, (Span(text),), canvas.LABEL_PX, is_backed=True)


def _signatures(picture: CurvePicture) -> tuple[Text, ...]:
    """The name of the strip under the curve, the zone's beside the axis, and the watermark."""
    wish = picture.wish
    name = Text(
        canvas.PLOT_LEFT_PX + 8,
        canvas.DRAWDOWN.bottom_px - 20,
        (Span(words_for(wish.language).curve.drawdown_strip),),
        canvas.LABEL_PX,
        is_backed=True,
    )
    zone = Text(
        canvas.TAG_LEFT_PX,
        canvas.AXIS_Y_PX,
        (Span(zone_name(closed_at(wish.points[-1], picture.zone))),),
        canvas.LABEL_PX,
    )
    mark = Text(
        canvas.NOTE_RIGHT_PX,
        canvas.DRAWDOWN.bottom_px - 20,
        (Span(picture.watermark, Role.FAINT),),
        canvas.LABEL_PX,
        Anchor.RIGHT,
    )
    return (name, zone, mark) if picture.watermark else (name, zone)
