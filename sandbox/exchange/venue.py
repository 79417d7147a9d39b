"""What a venue's protocol must offer to stand on the simulator: who it greets, and how it holds a conversation."""

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


class Venue(Protocol):
    """One protocol, spoken on the paths it claims."""

    def claims(self, path: str) -> bool:
        """Tell whether this protocol is spoken on a path (without its query)."""
        ...

    def greet(self, request: Request) -> Refusal | None:
        """Look at a handshake on a claimed path; None lets it in."""
        ...

    def converse(self, path: str, market: Market, link: Link, faults: Faults) -> Conversation:
        """Begin a conversation."""
        ...
