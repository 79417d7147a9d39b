"""People, as the store keeps them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from services.positions.domain.preferences import Chosen
from services.positions.domain.subscriber import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """A person as he introduces himself."""

    subscriber_id: int
    chat_id: int
    name: str
    language: str
    time_zone: str
    lots: Decimal


class Subscribers(Protocol):
    """People."""

    async def register(self, applicant: Applicant) -> tuple[Person, bool]:
        """Store a person, or welcome one back with his new chat and name; True when he is new."""
        ...

    async def find(self, subscriber_id: int) -> Person | None:
        """Look a person up."""
        ...

    async def set_language(self, subscriber_id: int, language: str) -> Person | None:
        """Change the language; None where there is no such person."""
        ...

    async def set_auto(self, subscriber_id: int, auto: bool) -> Person | None:
        """Switch automatic signals; None where there is no such person. Who switches them on can be reached again."""
        ...

    async def choose(self, subscriber_id: int, chosen: Chosen) -> Person | None:
        """Store what a person chose; None where there is no such person."""
        ...

    async def deactivate(self, subscriber_id: int, reason: str, seen_at: datetime) -> None:
        """Give a person nothing until he comes back: he could not be reached at `seen_at` (wall clock). One who has
        been heard of since stays.
        """
        ...
