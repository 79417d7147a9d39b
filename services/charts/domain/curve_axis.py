"""What stands under an equity curve: x counts trades, so a quiet week takes no room; labels tell when they closed."""

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.messages import CurvePoint
from services.charts.domain.scene import PlaceTick
from services.charts.domain.time_axis import day_text, local, zone_name
from services.charts.domain.words import Words

_FEW_LABELS = 3
_Written = Callable[[datetime, Words], str]


def closed_at(point: CurvePoint, zone: ZoneInfo) -> datetime:
    """Tell when the trade of a point closed, in a zone."""
    return local(point.closed_ms // 1000, zone)


def _clock(moment: datetime, _: Words) -> str:
    return f"{moment:%H:%M}"


def _month(moment: datetime, words: Words) -> str:
    return f"{words.months[moment.month - 1]} {moment.year}"


_UNITS: tuple[tuple[str, _Written], ...] = (("%Y-%m", _month), ("%Y-%m-%d", day_text), ("%Y-%m-%d %H:%M", _clock))
"""How a moment is grouped and written, the coarsest first."""


def place_ticks(
    points: Sequence[CurvePoint], zone: ZoneInfo, words: Words, *, room: float, edges: tuple[float, float]
) -> tuple[PlaceTick, ...]:
    """Label the first trade of each month, of each day where that gives too few labels, or its time: labels stand at
    least `room` trades from each other, and between the `edges`.
    """
    found: tuple[PlaceTick, ...] = ()
    for form, written in _UNITS:
        found = _labels(points, zone, words, room, edges, form, written)
        if len(found) >= _FEW_LABELS:
            return found
    return found


def _labels(  # noqa: PLR0913, PLR0917  # one try of the caller's loop
    points: Sequence[CurvePoint],
    zone: ZoneInfo,
    words: Words,
    room: float,
    edges: tuple[float, float],
    form: str,
    written: _Written,
) -> tuple[PlaceTick, ...]:
    ticks: list[PlaceTick] = []
    before = None
    for point in points:
        moment = closed_at(point, zone)
        group = moment.strftime(form)
        is_free = edges[0] <= point.number <= edges[1] and (not ticks or point.number - ticks[-1].number >= room)
        if group != before and is_free:
            ticks.append(PlaceTick(point.number, written(moment, words)))
            before = group
    return tuple(ticks)


def span_text(points: Sequence[CurvePoint], zone: ZoneInfo, words: Words) -> str:
    """Write from when to when the trades closed: `5 Jan – 22 Nov 2026 14:32 WIB`."""
    first, last = closed_at(points[0], zone), closed_at(points[-1], zone)
    end = f"{day_text(last, words)} {last.year} {last:%H:%M} {zone_name(last)}"
    if first.date() == last.date():
        return end
    year = "" if first.year == last.year else f" {first.year}"
    return f"{day_text(first, words)}{year} – {end}"
