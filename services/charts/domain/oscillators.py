"""The two strips under the price: RSI and Stochastic, both from 0 to 100."""

from collections.abc import Iterable, Sequence

from contracts.asks import Series
from services.charts.domain import canvas
from services.charts.domain.canvas import Frame
from services.charts.domain.scale import Scale
from services.charts.domain.scene import Curve, Panel, Role, Span, Tag, Text, ValueTick

_MARGIN = 4.0


def rsi_panel(series: Series) -> tuple[Panel, Text, tuple[Tag, ...]]:
    """Compose the RSI strip: panel, caption and the tag of its last value."""
    return _strip(series, canvas.RSI, "RSI 14", (Role.RSI,), (30.0, 70.0))


def stochastic_panel(series: Series) -> tuple[Panel, Text, tuple[Tag, ...]]:
    """Compose the Stochastic strip; its tag tells K."""
    return _strip(series, canvas.STOCHASTIC, "Stoch 14,3,3", (Role.STOCH_K, Role.STOCH_D), (20.0, 80.0))


def _strip(
    series: Series, frame: Frame, name: str, roles: tuple[Role, ...], guides: tuple[float, float]
) -> tuple[Panel, Text, tuple[Tag, ...]]:
    empty: list[float | None] = [None] * len(series.open_time_s)
    curves = tuple(Curve(role, series.indicators.get(role.value, empty)) for role in roles)
    scale = _scale(curves, guides, frame)
    lasts = [(curve.role, curve.values[-1]) for curve in curves]
    tags = tuple(_tag(role, value, scale) for role, value in lasts[:1] if value is not None)
    ticks = tuple(ValueTick(value, _tick_text(value, scale, tags)) for value in guides)
    spans = [Span(name), *(Span(f"  {value:.1f}", role, is_bold=True) for role, value in lasts if value is not None)]
    caption = Text(canvas.PLOT_LEFT_PX + 8, frame.top_px + 18, tuple(spans), canvas.SMALL_PX, is_backed=True)
    return Panel(scale, ticks, curves, guides), caption, tags


def _scale(curves: Iterable[Curve], guides: tuple[float, float], frame: Frame) -> Scale:
    values = [value for curve in curves for value in curve.values if value is not None]
    return Scale(min([guides[0] - 10, *values]) - _MARGIN, max([guides[1] + 10, *values]) + _MARGIN, frame)


def _tag(role: Role, value: float, scale: Scale) -> Tag:
    at_px = scale.px(value)
    half_px = canvas.SMALL_TAG_HEIGHT_PX / 2
    y_px = min(max(at_px, scale.frame.top_px + half_px), scale.frame.bottom_px - half_px)
    return Tag("", f"{value:.1f}", role, y_px, at_px, is_small=True)


def _tick_text(value: float, scale: Scale, tags: Sequence[Tag]) -> str:
    reach_px = (canvas.SMALL_TAG_HEIGHT_PX + canvas.DIGIT_HEIGHT_PX) / 2
    is_covered = any(abs(tag.y_px - scale.px(value)) < reach_px for tag in tags)
    return "" if is_covered else f"{value:.0f}"
