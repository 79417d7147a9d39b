"""The level index said plainly: look at every position at every tick."""

from contracts.messages import ExitReason
from services.positions.domain.exits import Price, crossed
from services.positions.domain.levels import Followed


class NaiveLoop:
    """What the index must be equal to."""

    def __init__(self) -> None:
        self._followed: dict[str, Followed] = {}

    def add(self, one: Followed) -> None:
        self._followed.setdefault(one.position_id, one)

    def remove(self, position_id: str) -> None:
        self._followed.pop(position_id, None)

    def cross(self, price: Price) -> set[tuple[str, ExitReason, float]]:
        found = set()
        for one in list(self._followed.values()):
            reason = crossed(one.side, stop=one.stop, target=one.target, price=price)
            if reason is not None and price.epoch_ms > one.in_force_ms:
                level = one.target if reason is ExitReason.TARGET else one.stop
                found.add((one.position_id, reason, level))
                del self._followed[one.position_id]
        return found
