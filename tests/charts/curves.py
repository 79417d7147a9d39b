"""Curves for tests: trades that closed one after the other, as positions asks for their picture."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import accumulate

from contracts.messages import CurveFigures, CurveMark, CurvePoint, CurveSubject, DrawCurve
from services.charts.domain.curve import CurvePicture
from tests.charts.builders import JAKARTA

FIRST_MS = int(datetime(2026, 1, 5, 3, 0, tzinfo=UTC).timestamp() * 1000)
HOUR_MS = 3_600_000


def results(*amounts: str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


def wandering(count: int, *, drift_cents: int = 40) -> list[Decimal]:
    """Results of a generator that is always the same: losses of about 2, wins of about 3."""
    state, found = 20261123, []
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        is_win = (state >> 8) % 1000 < 400 + drift_cents
        found.append(Decimal((300 if is_win else -200) + (state >> 16) % 61 - 30) / 100)
    return found


def curve_wish(pnls: Sequence[Decimal], *, most: int = 600, step_ms: int = 7 * HOUR_MS, **changes: object) -> DrawCurve:
    """Make a request as positions does; of more than `most` trades about so many are kept."""
    balances = list(accumulate(pnls))
    highest = list(accumulate(balances, max, initial=Decimal(0)))[1:]
    wins, losses = [one for one in pnls if one > 0], [one for one in pnls if one < 0]
    best, worst = pnls.index(max(pnls)), pnls.index(min(pnls))
    kept = {best, worst, len(pnls) - 1} | set(range(0, len(pnls), max(1, len(pnls) // most)))
    parts: dict[str, object] = {
        "id": "draw:own-1",
        "at": datetime(2026, 11, 22, tzinfo=UTC),
        "key": "own-1",
        "subject": CurveSubject.OWN,
        "points": tuple(
            CurvePoint(place + 1, FIRST_MS + place * step_ms, balances[place], highest[place] - balances[place])
            for place in sorted(kept)
        ),
        "figures": CurveFigures(
            trades=len(pnls),
            wins=len(wins),
            losses=len(losses),
            win_rate=len(wins) / (len(wins) + len(losses)) if wins or losses else None,
            pnl=balances[-1],
            profit_factor=float(sum(wins)) / -float(sum(losses)) if losses else None,
            max_drawdown=max(high - now for high, now in zip(highest, balances, strict=True)),
        ),
        "best": CurveMark(number=best + 1, pnl=pnls[best]),
        "worst": CurveMark(number=worst + 1, pnl=pnls[worst]),
        "language": "id",
        "time_zone": "Asia/Jakarta",
    }
    return DrawCurve(**(parts | changes))  # type: ignore[arg-type]


def curve_picture(pnls: Sequence[Decimal], **changes: object) -> CurvePicture:
    """Make a picture of results."""
    return CurvePicture(curve_wish(pnls, **changes), JAKARTA, "@SinyalBot")  # type: ignore[arg-type]
