"""What a venue's protocol must offer to stand on the simulator: who it greets, and how it holds a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from websockets.http11 import Request

from sandbox.exchange.day_sheet import Spot
from sandbox.exchange.faults import Faults
from sandbox.exchange.link import Link
from sandbox.exchange.market import Market


@dataclass(frozen=True)
class Refusal:
    """A handshake that is refused: an HTTP status and a body."""

    status: int
    body: str


@dataclass(frozen=True)
class Answer:
    """The answer to a plain HTTP request."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Conversation(Protocol):
    """One client's connection, spoken in one protocol."""

    async def hear(self, text: str | bytes) -> None:
        """Answer one frame of the client."""
        ...

    def tell(self, spot: Spot) -> int:
        """Put a new spot on the streams the client asked for; return how many frames that took."""
        ...

    def tell_garbage(self, number: int, spot: Spot) -> None:
        """Put broken frame `number` on the streams; numbers go round through all kinds."""
        ...

    def beat(self, now_ms: int) -> None:
        """Do what is due by the clock alone; called many times a second."""
        ...


class Venue(Protocol):
    """One protocol, spoken on the paths it claims."""

    def claims(self, path: str) -> bool:
        """Tell whether this protocol is spoken on a path (without its query)."""
        ...

    async def answer(self, request: Request, market: Market, faults: Faults) -> Answer | None:
        """Answer a plain HTTP request on a claimed path; None where it is a handshake."""
        ...

    def greet(self, request: Request) -> Refusal | None:
        """Look at a handshake on a claimed path; None lets it in."""
        ...

    def converse(self, path: str, market: Market, link: Link, faults: Faults) -> Conversation:
        """Begin a conversation on a claimed path, its query included."""
        ...
