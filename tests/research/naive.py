"""A trade followed plainly: every quote later than its opening is shown to the positions' own rule, one by one."""

from dataclasses import dataclass

from contracts.messages import ExitReason
from research.market import Ticks
from services.positions.domain.course import Followed, StopMoved, TargetReached, after, step
from services.positions.domain.exits import Price


@dataclass(frozen=True)
class Seen:
    """What happened to a trade: reason (None: the stop moved), level, price of the closing side, moment."""

    reason: ExitReason | None
    level: float
    price: float
    moment_ms: int


def follow(ticks: Ticks, one: Followed) -> tuple[list[Seen], bool]:
    """Show a trade every quote; returns what happened and whether it ended."""
    seen: list[Seen] = []
    standing: Followed | None = one
    for row in zip(ticks.epoch_ms.tolist(), ticks.bid.tolist(), ticks.ask.tolist(), strict=True):
        price = Price(*row)
        happenings = step(standing, price)
        for happening in happenings:
            if isinstance(happening, StopMoved):
                seen.append(Seen(None, happening.stop, price.closing(one.side), price.epoch_ms))
            else:
                reason = getattr(happening, "reason", None)
                reason = reason or (ExitReason.TARGET if isinstance(happening, TargetReached) else ExitReason.TIME)
                seen.append(Seen(reason, happening.level, price.closing(one.side), price.epoch_ms))
        standing = after(standing, happenings)
        if standing is None:
            return seen, True
    return seen, False
