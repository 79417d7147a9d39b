"""Which candles get a time under them, and where the market paused.

The x axis counts candles, so a weekend takes no room; its labels are times in the reader's zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.charts.domain.words import Words

_STEPS_MIN = (5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 10080)
_PAUSE_S = 1800
"""A break this long is a closed market, not a quiet one: gold was quiet for 217 s inside a session."""


@dataclass(frozen=True, slots=True)
class TimeTick:
    """A label under the candle at `index`; bold where a day begins."""

    index: int
    text: str
    is_bold: bool = False


def local(epoch_s: int, zone: ZoneInfo) -> datetime:
    """Tell a UTC epoch in a zone."""
    return datetime.fromtimestamp(epoch_s, UTC).astimezone(zone)


def day_text(moment: datetime, words: Words) -> str:
    """Write a day such as `9 Mei`."""
    return f"{moment.day} {words.months[moment.month - 1]}"


def zone_name(moment: datetime) -> str:
    """Name the zone of a moment: its abbreviation where it has one (`WIB`), else its offset (`UTC+3`)."""
    name = moment.tzname() or "UTC"
    if name[0] not in "+-":
        return name
    minutes = int((moment.utcoffset() or moment - moment).total_seconds() // 60)
    sign = "+" if minutes >= 0 else "-"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def time_ticks(times_s: Sequence[int], zone: ZoneInfo, words: Words, *, apart: int) -> tuple[TimeTick, ...]:
    """Label the candles that open a round time in the zone, at least `apart` candles from each other.

    A new day is labelled with its date and wins over a time beside it.
    """
    moments = [local(epoch_s, zone) for epoch_s in times_s]
    step_min = _step_min(times_s, apart)
    ticks: list[TimeTick] = []
    for index, moment in enumerate(moments):
        is_day, is_round = _beginnings(moment, moments[index - 1] if index else None, step_min)
        is_close = bool(ticks) and index - ticks[-1].index < apart
        if not is_round or (is_close and not is_day):
            continue
        if is_close:
            ticks.pop()
        ticks.append(TimeTick(index, day_text(moment, words) if is_day else f"{moment:%H:%M}", is_day))
    return tuple(ticks)


def pauses(times_s: Sequence[int], interval_s: int) -> tuple[int, ...]:
    """List the indices of candles that open after the market was closed."""
    limit_s = max(_PAUSE_S, 3 * interval_s)
    return tuple(
        index for index in range(1, len(times_s)) if times_s[index] - times_s[index - 1] - interval_s >= limit_s
    )


def _step_min(times_s: Sequence[int], apart: int) -> int:
    """Choose the smallest round step that keeps labels apart; candles on both sides of a pause count as one step."""
    steps_s = sorted(after - before for before, after in pairwise(times_s))
    interval_min = steps_s[len(steps_s) // 2] / 60 if steps_s else 1
    return next((step for step in _STEPS_MIN if step >= interval_min * apart), _STEPS_MIN[-1])


def _beginnings(moment: datetime, before: datetime | None, step_min: int) -> tuple[bool, bool]:
    """Tell whether a candle is the first of its day, and of its step (a new day always is)."""
    if before is None:
        return False, (moment.hour * 60 + moment.minute) % step_min == 0
    return moment.date() != before.date(), _round_number(moment, step_min) != _round_number(before, step_min)


def _round_number(moment: datetime, step_min: int) -> int:
    """Number the steps since the local calendar began, so that a day always starts a new one."""
    return (moment.toordinal() * 1440 + moment.hour * 60 + moment.minute) // step_min
