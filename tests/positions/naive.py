"""The level index said plainly: look at every position at every tick."""

from contracts.messages import ExitReason
from services.positions.domain.course import (
    Followed,
    Happening,
    StopMoved,
    Stopped,
    TargetReached,
    TimedOut,
    after,
    step,
)
from services.positions.domain.exits import Price

Found = tuple[str, ExitReason, float, bool]
"""Whose level, why, which price, and whether it ended the trade."""


class NaiveLoop:
    """What the index must be equal to."""

    def __init__(self) -> None:
        self.followed: dict[str, Followed] = {}
        self.moved: set[str] = set()

    def add(self, one: Followed) -> None:
        self.followed.setdefault(one.position_id, one)

    def remove(self, position_id: str) -> None:
        self.followed.pop(position_id, None)
        self.moved.discard(position_id)

    def cross(self, price: Price) -> set[Found]:
        found: set[Found] = set()
        for one in list(self.followed.values()):
            happenings = step(one, price)
            for happening in happenings:
                if isinstance(happening, StopMoved):
                    self.moved.add(one.position_id)
                else:
                    found.add((one.position_id, *_told(happening)))
            left = after(one, happenings)
            if left is None:
                self.remove(one.position_id)
            else:
                self.followed[one.position_id] = left
        return found

    def stops(self) -> dict[str, tuple[float, ExitReason]]:
        return {name: (one.stop, one.stop_reason) for name, one in self.followed.items()}


def _told(happening: Happening) -> tuple[ExitReason, float, bool]:
    match happening:
        case TargetReached(level, is_last):
            return ExitReason.TARGET, level, is_last
        case Stopped(level, reason):
            return reason, level, True
        case TimedOut(level):
            return ExitReason.TIME, level, True
        case StopMoved():
            raise AssertionError("a moved stop crosses nothing")
