"""What this room needs from outside, beside the bus.

Every method of a store may raise `TransientError` (the database cannot do it now: try again) and `RejectedError` (the
database refuses this very row for good).
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from chassis.bus import Outgoing
from services.positions.ports.answers import Answers, Counts, Drawn, Page, Story
from services.positions.ports.books import (
    Archive,
    Erasure,
    Export,
    Jobs,
    Leaving,
    OwnStatistics,
    Scope,
    Statistics,
    Summaries,
    Turn,
    TurnOverError,
)
from services.positions.ports.following import Change, Lease, Leases, Mark, Progress, TenureOverError
from services.positions.ports.holdings import Chapter, Positions
from services.positions.ports.people import Applicant, Subscribers
from services.positions.ports.signals import NOBODY, Candidate, Look, Proposal, Proposals, Refused, Span

__all__ = [
    "NOBODY",
    "Answers",
    "Applicant",
    "Archive",
    "Candidate",
    "Change",
    "Chapter",
    "Counts",
    "Drawn",
    "Erasure",
    "Export",
    "Jobs",
    "Lease",
    "Leases",
    "Leaving",
    "Look",
    "Mark",
    "OwnStatistics",
    "Page",
    "Positions",
    "Progress",
    "Proposal",
    "Proposals",
    "Refused",
    "Scope",
    "Span",
    "Statistics",
    "Store",
    "Story",
    "Subscribers",
    "Summaries",
    "TenureOverError",
    "Turn",
    "TurnOverError",
    "View",
    "Work",
]


class View(Protocol):
    """What can be looked up. Of `Store.view` one subscriber's rows, whatever is asked; and it takes no change."""

    @property
    def subscribers(self) -> Subscribers:
        """People."""
        ...

    @property
    def answers(self) -> Answers:
        """What people ask."""
        ...

    @property
    def statistics(self) -> OwnStatistics:
        """What the person's closed trades come to."""
        ...

    @property
    def export(self) -> Export:
        """All that is kept of one person."""
        ...


class Work(View, Protocol):
    """One transaction: all that is done through it happens, or nothing."""

    @property
    def proposals(self) -> Proposals:
        """Signals on their way."""
        ...

    @property
    def positions(self) -> Positions:
        """Positions that live and end."""
        ...

    @property
    def statistics(self) -> Statistics:
        """What closed trades come to, whoever's they are."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Scheduled work."""
        ...

    @property
    def summaries(self) -> Summaries:
        """Whose day is to be summed up."""
        ...

    @property
    def erasure(self) -> Erasure:
        """People who want to be forgotten."""
        ...

    @property
    def archive(self) -> Archive:
        """What is over for long."""
        ...

    @property
    def progress(self) -> Progress:
        """How far ticks were followed."""
        ...

    async def is_first_time(self, consumer: str, message_id: str) -> bool:
        """Record a message; False when it was handled before."""
        ...

    async def was_handled(self, consumer: str, message_id: str) -> bool:
        """Look whether a message is recorded."""
        ...

    async def forget_handled(self, days: int, limit: int) -> int:
        """Forget at most `limit` messages that were handled more than `days` ago; returns how many."""
        ...

    async def say(self, messages: Sequence[Outgoing]) -> None:
        """Have messages published once this transaction is done."""
        ...

    async def announce(self, change: Change) -> None:
        """Tell the copy that follows the ticks what changed, once this transaction is done."""
        ...

    def part(self) -> AbstractAsyncContextManager[None]:
        """Open a part that can fail by itself (a savepoint)."""
        ...


class Store(Protocol):
    """The database of this room."""

    def work(self) -> AbstractAsyncContextManager[Work]:
        """Begin a transaction; it commits when the block ends, and rolls back when the block raises."""
        ...

    def view(self, subscriber_id: int) -> AbstractAsyncContextManager[View]:
        """Begin to read as one subscriber."""
        ...
