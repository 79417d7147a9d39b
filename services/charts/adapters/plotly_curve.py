"""Turns the scene of an equity curve into a plotly figure as plain dicts, in the look of the signal's chart."""

from services.charts.adapters import plotly_theme as theme
from services.charts.adapters.plotly_badge import badge_shapes
from services.charts.adapters.plotly_figure import QUIET, sheet, sign, value_axis
from services.charts.adapters.plotly_paper import LEFT, RIGHT, Json, segment
from services.charts.adapters.plotly_shapes import tag_shapes
from services.charts.adapters.plotly_words import annotations
from services.charts.domain import canvas
from services.charts.domain.scene import CurveScene, Line, Role, Strip

_LINE_PX, _FINE_LINE_PX = 4.5, 3.0
_MANY = 200
"""So many trades stand so close that a broad line would smear."""
_FALLEN_PX = 2.2
_DOT_PX = 13
_TICKS: Json = {"tickfont": {"size": canvas.LABEL_PX}}
_AREA_OPACITY = {Role.UP: 0.20, Role.DOWN: 0.26}


def curve_figure(scene: CurveScene) -> Json:
    """Build the figure: `data` and `layout`."""
    width_px = _LINE_PX if len(scene.balance.lines[0].x) < _MANY else _FINE_LINE_PX
    traces = [*_traces(scene.balance, "y", width_px), *_traces(scene.drawdown, "y2", _FALLEN_PX)]
    layout = sheet() | {
        "xaxis": _place_axis(scene),
        "yaxis": value_axis(scene.balance.scale, scene.balance.ticks) | _TICKS,
        "yaxis2": value_axis(scene.drawdown.scale, scene.drawdown.ticks) | _TICKS,
        "shapes": _shapes(scene),
        "annotations": annotations(scene),
    }
    return {"data": traces, "layout": layout}


def _traces(strip: Strip, axis: str, width_px: float) -> list[Json]:
    """List the traces from back to front."""
    areas = [_area(area, axis) for area in strip.areas]
    lines = [_line(line, axis, width_px) for line in strip.lines]
    return [*areas, *lines, *(sign(marker, axis) for marker in strip.markers)]


def _area(area: Line, axis: str) -> Json:
    fill = theme.faded(area.role, _AREA_OPACITY.get(area.role, 0.2))
    place = {"type": "scatter", "mode": "lines", "x": area.x, "y": area.y, "yaxis": axis}
    return place | {"line": {"width": 0}, "fill": "tozeroy", "fillcolor": fill}


def _line(line: Line, axis: str, width_px: float) -> Json:
    colour = theme.COLOURS[line.role]
    drawn = {"type": "scatter", "x": line.x, "y": line.y, "yaxis": axis, "cliponaxis": False}
    drawn |= {"line": {"color": colour, "width": width_px, "shape": "linear"}}
    if not line.has_dots:
        return drawn | {"mode": "lines"}
    edge = {"color": theme.BACKGROUND, "width": 2}
    return drawn | {"mode": "lines+markers", "marker": {"size": _DOT_PX, "color": colour, "line": edge}}


def _place_axis(scene: CurveScene) -> Json:
    return QUIET | {
        "domain": [LEFT, RIGHT],
        "range": [scene.x_low, scene.x_high],
        "anchor": "y2",
        "tickmode": "array",
        "tickvals": [tick.number for tick in scene.place_ticks],
        "ticktext": [tick.text for tick in scene.place_ticks],
        "tickangle": 0,
        "ticklabelstandoff": 4,
        **_TICKS,
    }


def _shapes(scene: CurveScene) -> list[Json]:
    """List the shapes from back to front: rules over and between the frames, the zero line, tags, the badge's box."""
    edges = (canvas.BALANCE.top_px - 8, (canvas.BALANCE.bottom_px + canvas.DRAWDOWN.top_px) / 2)
    return [
        *(segment((0, edge_px), (canvas.WIDTH_PX, edge_px), theme.RULE, 2) for edge_px in edges),
        _zero_line(),
        *(shape for tag in scene.tags for shape in tag_shapes(tag)),
        *badge_shapes(scene.badge),
    ]


def _zero_line() -> Json:
    place = {"type": "line", "xref": "paper", "x0": LEFT, "x1": RIGHT, "yref": "y", "y0": 0, "y1": 0}
    return place | {"layer": "below", "line": {"color": theme.COLOURS[Role.MUTED], "width": 2, "dash": "dash"}}
