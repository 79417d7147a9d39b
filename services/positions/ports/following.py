"""Who follows the ticks of a symbol, how far, and what he must look at anew."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from chassis.errors import SinyalError
from services.positions.domain.calm import Pause
from services.positions.ports.signals import Span


class TenureOverError(SinyalError):
    """Another copy follows the ticks of the symbol now: drop what is not stored, it will work it out again."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far ticks were followed, and from where a restart reads again (sequence of TICKS, market time)."""

    sequence: int
    epoch_ms: int
    rewind_sequence: int
    rewind_epoch_ms: int


class Progress(Protocol):
    """How far ticks were followed, per symbol, and whether signals pause."""

    async def begin(self, symbol: str) -> tuple[int, Mark | None]:
        """Start a tenure: returns its number, which no earlier owner has, and the mark; None where there is none."""
        ...

    async def is_current(self, symbol: str, tenure: int) -> bool:
        """Tell whether a tenure is still the last one."""
        ...

    async def pausing(self, symbol: str) -> Pause | None:
        """Read the pause that has not ended."""
        ...

    async def pause(self, symbol: str, pause: Pause) -> None:
        """Store that a pause began or ended."""
        ...

    async def save(self, symbol: str, tenure: int, mark: Mark) -> None:
        """Store the mark.

        Raises:
            TenureOverError: another tenure has begun.
        """
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """Positions that the follower must look at: those of a new signal (`people` None: of all its subscribers), or one
    that is void.
    """

    symbol: str
    signal_id: str | None = None
    voided_id: str | None = None
    people: Span | None = None


class Lease(Protocol):
    """The right to follow the ticks of one symbol; bound to a connection, gone with it."""

    async def take(self) -> None:
        """Wait until the right is ours, however long; the database may be away meanwhile."""
        ...

    async def retake(self) -> None:
        """Get a lost right back.

        Raises:
            TenureOverError: somebody else has it.
        """
        ...

    def changes(self) -> AsyncIterator[Change]:
        """Hear what is announced for the symbol, for ever.

        Raises:
            TransientError: the connection is gone, and with it the right.
        """
        ...


class Leases(Protocol):
    """Where leases come from."""

    def lease(self, symbol: str) -> AbstractAsyncContextManager[Lease]:
        """Open a lease that is not taken yet; it is given back at the end."""
        ...
