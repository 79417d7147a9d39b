"""What ticks decided and no transaction has stored yet."""

from dataclasses import dataclass

from services.positions.domain.calm import Pause
from services.positions.domain.exits import Exit, Price
from services.positions.domain.levels import Standing
from services.positions.ports import Mark


@dataclass(frozen=True, slots=True)
class PendingExit:
    """A decided exit that is not stored yet, or, unless it `is_last`, the part that a target closed; then `standing` is
    where the stop of the rest is behind that tick. `received_ms` is when the feed got the tick, 0 when it does not say.
    """

    position_id: str
    exit: Exit
    trace: str
    received_ms: int
    is_last: bool = True
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class PendingMove:
    """A stop that was moved and is not stored yet: where it is behind the tick of `at_ms` (market time)."""

    position_id: str
    standing: Standing
    at_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be stored in one transaction. `mark` is None while more waits."""

    exits: list[PendingExit]
    moves: list[PendingMove]
    pauses: list[Pause]
    mark: Mark | None

    def __bool__(self) -> bool:
        return bool(self.exits or self.moves or self.pauses)


@dataclass(frozen=True, slots=True)
class Seen:
    """A tick that was followed."""

    sequence: int
    seen_s: float
    price: Price
    is_late: bool
    trace: str
    received_ms: int
