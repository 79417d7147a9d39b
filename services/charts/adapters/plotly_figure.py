"""Turns a scene into a plotly figure as plain dicts: nothing is validated here, the tests hold it to plotly's schema.

All margins are zero, so plotly's paper coordinates are the canvas: x = px / width, y = 1 − px / height.
"""

from collections.abc import Sequence

from services.charts.adapters import plotly_theme as theme
from services.charts.adapters.plotly_paper import LEFT, RIGHT, Json, y_share
from services.charts.adapters.plotly_shapes import shapes
from services.charts.adapters.plotly_words import annotations
from services.charts.domain import canvas
from services.charts.domain.scale import Scale
from services.charts.domain.scene import Marker, Panel, Role, Scene, ValueTick


def figure(scene: Scene) -> Json:
    """Build the figure: `data` and `layout`."""
    return {"data": _traces(scene), "layout": _layout(scene)}


# --- traces -----------------------------------------------------------------------------------------------------------


def _traces(scene: Scene) -> list[Json]:
    """List the traces from back to front."""
    traces = [_volume(scene), *_band(scene), _candles(scene)]
    for panel, axis in ((scene.price, "y"), (scene.rsi, "y2"), (scene.stochastic, "y3")):
        traces += [_line(curve.values, axis, curve.role) for curve in panel.curves]
    return traces + [sign(marker, "y") for marker in scene.markers]


def _volume(scene: Scene) -> Json:
    candles = scene.candles
    colours = [
        theme.faded(Role.UP if close >= opened else Role.DOWN, 0.42)
        for opened, close in zip(candles.open, candles.close, strict=True)
    ]
    return {
        "type": "bar",
        "y": candles.volume,
        "yaxis": "y4",
        "marker": {"color": colours, "line": {"width": 0}},
        "width": 0.72,
    }


def _candles(scene: Scene) -> Json:
    candles = scene.candles
    return {
        "type": "candlestick",
        "open": candles.open,
        "high": candles.high,
        "low": candles.low,
        "close": candles.close,
        "yaxis": "y",
        "whiskerwidth": 0,
        "increasing": _candle_paint(Role.UP),
        "decreasing": _candle_paint(Role.DOWN),
    }


def _candle_paint(role: Role) -> Json:
    return {"line": {"color": theme.COLOURS[role], "width": 1.6}, "fillcolor": theme.COLOURS[role]}


def _band(scene: Scene) -> list[Json]:
    if scene.band is None:
        return []
    line = {"color": theme.faded(scene.band.role, 0.45), "width": 1.4}
    lower = _scatter(scene.band.lower, "y", line)
    upper = _scatter(scene.band.upper, "y", line)
    return [lower, upper | {"fill": "tonexty", "fillcolor": theme.faded(scene.band.role, 0.09)}]


def _line(values: Sequence[float | None], axis: str, role: Role) -> Json:
    return _scatter(
        values, axis, {"color": theme.COLOURS[role], "width": theme.WIDTHS_PX.get(role, theme.DEFAULT_WIDTH_PX)}
    )


def _scatter(values: Sequence[float | None], axis: str, line: Json) -> Json:
    return {"type": "scatter", "mode": "lines", "y": values, "yaxis": axis, "line": line}


def sign(marker: Marker, axis: str) -> Json:
    """Draw a triangle or a dot."""
    symbol = {True: "triangle-up", False: "triangle-down", None: "circle"}[marker.points_up]
    size_px = 20 if marker.points_up is None else 28
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [marker.index],
        "y": [marker.price],
        "yaxis": axis,
        "cliponaxis": False,
        "marker": {
            "symbol": symbol,
            "size": size_px,
            "color": theme.COLOURS[marker.role],
            "line": {"color": "#ffffff", "width": 2.5},
        },
    }


# --- layout -----------------------------------------------------------------------------------------------------------


def _layout(scene: Scene) -> Json:
    return {
        **sheet(),
        "bargap": 0,
        "xaxis": _time_axis(scene),
        "yaxis": _value_axis(scene.price),
        "yaxis2": _value_axis(scene.rsi),
        "yaxis3": _value_axis(scene.stochastic),
        "yaxis4": _volume_axis(scene),
        "shapes": shapes(scene),
        "annotations": annotations(scene),
    }


def sheet() -> Json:
    """Lay out what all pictures have in common: size, ground, type, and that nobody touches them."""
    return {
        "width": canvas.WIDTH_PX,
        "height": canvas.HEIGHT_PX,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0, "autoexpand": False},
        "paper_bgcolor": theme.BACKGROUND,
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": theme.FONT, "size": canvas.SMALL_PX, "color": theme.COLOURS[Role.MUTED]},
        "showlegend": False,
        "hovermode": False,
        "dragmode": False,
    }


def _time_axis(scene: Scene) -> Json:
    return {
        "domain": [LEFT, RIGHT],
        "range": [scene.x_low, scene.x_high],
        "anchor": "y3",
        "tickmode": "array",
        "tickvals": [tick.index for tick in scene.time_ticks],
        "ticktext": [f"<b>{tick.text}</b>" if tick.is_bold else tick.text for tick in scene.time_ticks],
        "tickangle": 0,
        "ticklabelstandoff": 4,
        "rangeslider": {"visible": False},
        **QUIET,
    }


QUIET = {"gridcolor": theme.GRID, "gridwidth": 1, "zeroline": False, "showline": False, "fixedrange": True}


def _value_axis(panel: Panel) -> Json:
    return value_axis(panel.scale, panel.ticks) | {"showgrid": panel.guides is None}


def value_axis(scale: Scale, ticks: Sequence[ValueTick]) -> Json:
    """Stand values right of the plot, where tags stand too."""
    frame = scale.frame
    return {
        "domain": [y_share(frame.bottom_px), y_share(frame.top_px)],
        "range": [scale.low, scale.high],
        "anchor": "x",
        "side": "right",
        "tickmode": "array",
        "tickvals": [tick.value for tick in ticks],
        "ticktext": [tick.text for tick in ticks],
        "ticklabelstandoff": canvas.TAG_LEFT_PX - canvas.PLOT_RIGHT_PX,
        **QUIET,
    }


def _volume_axis(scene: Scene) -> Json:
    return {
        "domain": [y_share(canvas.PRICE.bottom_px), y_share(canvas.PRICE.top_px)],
        "range": [0, scene.volume_high],
        "overlaying": "y",
        "visible": False,
        "fixedrange": True,
    }
