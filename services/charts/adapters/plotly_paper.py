"""From the canvas's pixels to plotly's paper coordinates: shares of width and height, y upwards, margins zero."""

from typing import Any

from services.charts.domain import canvas
from services.charts.domain.scene import Anchor

Json = dict[str, Any]


def x_share(px: float) -> float:
    """Place a pixel column."""
    return round(px / canvas.WIDTH_PX, 6)


def y_share(px: float) -> float:
    """Place a pixel row."""
    return round(1 - px / canvas.HEIGHT_PX, 6)


LEFT = x_share(canvas.PLOT_LEFT_PX)
RIGHT = x_share(canvas.PLOT_RIGHT_PX)


def rect(left_px: float, top_px: float, right_px: float, bottom_px: float, colour: str) -> Json:
    """Fill a rectangle."""
    return {
        "type": "rect",
        "xref": "paper",
        "yref": "paper",
        "x0": x_share(left_px),
        "x1": x_share(right_px),
        "y0": y_share(bottom_px),
        "y1": y_share(top_px),
        "fillcolor": colour,
        "line": {"width": 0},
    }


def segment(start_px: tuple[float, float], end_px: tuple[float, float], colour: str, width_px: float) -> Json:
    """Draw a straight line."""
    return {
        "type": "line",
        "xref": "paper",
        "yref": "paper",
        "x0": x_share(start_px[0]),
        "y0": y_share(start_px[1]),
        "x1": x_share(end_px[0]),
        "y1": y_share(end_px[1]),
        "line": {"color": colour, "width": width_px},
    }


def annotation(place_px: tuple[float, float], anchor: Anchor, words: str, size_px: int, colour: str) -> Json:
    """Write words (plotly's markup) with their anchor side at a place, vertically centred on it."""
    return {
        "xref": "paper",
        "yref": "paper",
        "x": x_share(place_px[0]),
        "y": y_share(place_px[1]),
        "xanchor": anchor.value,
        "yanchor": "middle",
        "showarrow": False,
        "borderpad": 0,
        "text": words,
        "font": {"size": size_px, "color": colour},
    }
