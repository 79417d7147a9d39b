"""The badge at the top right: a coloured box, a triangle up or down, a word.

The triangle is a shape and not a character: not every font has one.
"""

from html import escape

from services.charts.adapters import plotly_theme as theme
from services.charts.adapters.plotly_paper import Json, annotation, rect, x_share, y_share
from services.charts.domain import canvas
from services.charts.domain.scene import Anchor, Badge

_TOP_PX, _BOTTOM_PX = 14, 68
_RIGHT_PX = canvas.WIDTH_PX - 12
_PAD_PX = 18
_TYPE_PX = 38
_TRIANGLE_PX = 32
_GAP_PX = 12


def _word_px(word: str) -> float:
    """Estimate how broad a word of bold capitals is."""
    return sum(0.3 if letter in "I -." else 0.64 for letter in word) * _TYPE_PX


def _triangle_px(badge: Badge) -> float:
    return 0 if badge.points_up is None else _TRIANGLE_PX + _GAP_PX


def _left_px(badge: Badge) -> float:
    return _RIGHT_PX - 2 * _PAD_PX - _triangle_px(badge) - _word_px(badge.word)


def badge_shapes(badge: Badge) -> list[Json]:
    """Draw the box and the triangle."""
    box = rect(_left_px(badge), _TOP_PX, _RIGHT_PX, _BOTTOM_PX, theme.TAG_FILLS[badge.role])
    return [box] if badge.points_up is None else [box, _triangle(_left_px(badge) + _PAD_PX, points_up=badge.points_up)]


def _triangle(left_px: float, *, points_up: bool) -> Json:
    rows_px = (_BOTTOM_PX - 15, _TOP_PX + 15)
    base_px, tip_px = rows_px if points_up else rows_px[::-1]
    corners = ((left_px, base_px), (left_px + _TRIANGLE_PX, base_px), (left_px + _TRIANGLE_PX / 2, tip_px))
    path = "M" + " L".join(f"{x_share(x_px)} {y_share(y_px)}" for x_px, y_px in corners) + " Z"
    place = {"type": "path", "xref": "paper", "yref": "paper", "path": path}
    return place | {"fillcolor": "#ffffff", "line": {"width": 0}}


def badge_word(badge: Badge) -> Json:
    """Write the word in the middle of what the triangle leaves."""
    x_px = (_left_px(badge) + _PAD_PX + _triangle_px(badge) + _RIGHT_PX - _PAD_PX) / 2
    y_px = (_TOP_PX + _BOTTOM_PX) / 2
    return annotation((x_px, y_px), Anchor.CENTRE, f"<b>{escape(badge.word)}</b>", _TYPE_PX, "#ffffff")
