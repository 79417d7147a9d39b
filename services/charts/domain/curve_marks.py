"""The best and the worst trade on an equity curve: a sign where each stands, and its result beside it."""

from dataclasses import dataclass

from contracts.messages import CurveMark, DrawCurve
from services.charts.domain import canvas
from services.charts.domain.amounts import number
from services.charts.domain.curve_heading import result_role
from services.charts.domain.scale import Scale
from services.charts.domain.scene import Anchor, Marker, Span, Text
from services.charts.domain.words import words_for

_AWAY_PX = 38
"""From the curve to the middle of the words."""
_LETTER_PX = 17
"""How broad a letter of LABEL_PX type is, about."""
_LEFT_PX, _RIGHT_PX = canvas.PLOT_LEFT_PX + 8, canvas.PLOT_RIGHT_PX - 8


@dataclass(frozen=True, slots=True)
class Marked:
    """A trade that is pointed out."""

    marker: Marker
    note: Text


@dataclass(frozen=True, slots=True)
class Ground:
    """The curve as it stands on the canvas: where each trade does, from left to right, and the scale of its values."""

    wish: DrawCurve
    scale: Scale
    x_high: float

    def x_px(self, number_: int) -> float:
        """Place a trade."""
        return canvas.PLOT_LEFT_PX + number_ / self.x_high * (canvas.PLOT_RIGHT_PX - canvas.PLOT_LEFT_PX)

    def y_px(self, number_: int) -> float:
        """Place the balance after a trade."""
        return self.scale.px(float(next(one.balance for one in self.wish.points if one.number == number_)))

    def between(self, left_px: float, right_px: float) -> list[float]:
        """List the heights of the curve over a stretch."""
        points = self.wish.points
        return [self.scale.px(float(one.balance)) for one in points if left_px <= self.x_px(one.number) <= right_px]


def marks(wish: DrawCurve, scale: Scale, x_high: float) -> tuple[Marked, ...]:
    """Mark the best and the worst trade of several. The one that stands higher has its words above the curve, the other
    below, so that they never meet each other, nor cover the curve.
    """
    if wish.best.number == wish.worst.number:
        return ()
    words, ground = words_for(wish.language).curve, Ground(wish, scale, x_high)
    is_best_above = ground.y_px(wish.best.number) <= ground.y_px(wish.worst.number)
    best = _marked(ground, wish.best, words.best, is_best=True, is_above=is_best_above)
    return best, _marked(ground, wish.worst, words.worst, is_best=False, is_above=not is_best_above)


def _marked(ground: Ground, mark: CurveMark, name: str, *, is_best: bool, is_above: bool) -> Marked:
    role = result_role(mark.pnl)
    text = f"{name} {number(mark.pnl, 2, ground.wish.language, has_sign=True)}"
    half_px = len(text) * _LETTER_PX / 2
    x_px, y_px = ground.x_px(mark.number), ground.y_px(mark.number)
    middle_px = min(max(x_px, _LEFT_PX + half_px), _RIGHT_PX - half_px)
    near = [y_px, *ground.between(middle_px - half_px, middle_px + half_px)]
    note = Text(
        x_px=middle_px,
        y_px=min(near) - _AWAY_PX if is_above else max(near) + _AWAY_PX,
        spans=(Span(text, role),),
        size_px=canvas.LABEL_PX,
        anchor=Anchor.CENTRE,
        is_backed=True,
    )
    return Marked(Marker(mark.number, ground.scale.value(y_px), role, points_up=is_best), note)
