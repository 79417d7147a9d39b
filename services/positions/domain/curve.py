"""The picture of what closed trades came to: its points, and the name that everything on it makes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from contracts import ids
from contracts.asks import Statistics
from contracts.messages import CurveFigures, CurveMark, CurvePoint, CurveSubject, DrawCurve

STYLE = "1"
"""Raise it when the look of the pictures changes, so that no old one is shown."""
WANTED_FOR = timedelta(minutes=10)
"""How long a drawn curve is worth joining to its text."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The balance after each trade in the order in which they closed, thinned where they are many, and the trades that
    brought most and least.
    """

    points: tuple[CurvePoint, ...]
    best: CurveMark
    worst: CurveMark


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Whose curve it is and who reads it. With the `secret` of its owner it is one person's alone; without one it is
    the same picture for all who read alike.
    """

    subject: CurveSubject
    language: str
    symbol: str | None = None
    strategy: str | None = None
    secret: str | None = None


def curve_wish(curve: Curve, told: Statistics, frame: Frame, *, at: datetime, trace: str) -> DrawCurve:
    """Ask for the picture of a curve under the very figures that its text tells. Nothing of the moment is in its name:
    the same trades, read alike, are the same picture.
    """
    drawn = DrawCurve(
        id="",
        at=at,
        trace=trace,
        key="",
        subject=frame.subject,
        points=curve.points,
        figures=_figures(told),
        best=curve.best,
        worst=curve.worst,
        language=frame.language,
        time_zone=told.time_zone,
        days=told.days,
        symbol=frame.symbol,
        strategy=frame.strategy,
        expires_at=at + WANTED_FOR,
    )
    key = _key(drawn, frame.secret)
    return msgspec.structs.replace(drawn, id=f"draw:{key}", key=key)


def _figures(told: Statistics) -> CurveFigures:
    return CurveFigures(
        trades=told.trades,
        wins=told.wins,
        losses=told.losses,
        win_rate=told.win_rate,
        pnl=told.pnl,
        profit_factor=told.profit_factor,
        max_drawdown=told.max_drawdown,
    )


def _key(drawn: DrawCurve, secret: str | None) -> str:
    parts = (
        STYLE, drawn.subject, drawn.points, drawn.figures, drawn.best, drawn.worst, drawn.language, drawn.time_zone,
        drawn.currency, drawn.days, drawn.symbol, drawn.strategy,
    )  # fmt: skip
    return ids.chart_key(parts) if secret is None else ids.own_chart_key((secret, *parts))
