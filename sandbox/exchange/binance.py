"""Binance spot's public market data on the simulator: REST and streams on the port that Deriv has too."""

from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request

from sandbox.exchange.binance_rest import Rest
from sandbox.exchange.binance_streams import MOST_STREAMS, Stream, UnknownStreamError
from sandbox.exchange.binance_talk import BinanceTalk, Life
from sandbox.exchange.faults import Faults
from sandbox.exchange.link import Link
from sandbox.exchange.market import Market
from sandbox.exchange.venue import Answer, Refusal

REST, RAW, COMBINED = "/api/v3/", "/ws", "/stream"


class BinanceVenue:
    """Binance on `/api/v3/…`, `/ws`, `/ws/<stream>` and `/stream?streams=…`. `life` is that of its connections."""

    def __init__(self, life: Life | None = None) -> None:
        """Begin with a full request budget."""
        self._life = life or Life()
        self._rest = Rest()

    def claims(self, path: str) -> bool:
        """Tell whether Binance is spoken on a path."""
        return path in (RAW, COMBINED) or path.startswith((REST, RAW + "/", COMBINED + "/"))

    async def answer(self, request: Request, market: Market, faults: Faults) -> Answer | None:
        """Answer a REST request; None where a path is for streams."""
        parts = urlsplit(request.path)
        if not parts.path.startswith(REST):
            return None
        return await self._rest.answer(parts.path, parts.query, market, faults)

    def greet(self, request: Request) -> Refusal | None:
        """Refuse a path that asks for too many streams."""
        if len(_names(request.path)) > MOST_STREAMS:
            return Refusal(400, f"more than {MOST_STREAMS} streams\n")
        return None

    def converse(self, path: str, market: Market, link: Link, faults: Faults) -> BinanceTalk:  # noqa: ARG002
        """Begin a conversation with the streams that the whole path (query included) names."""
        names = [name for name in _names(path) if _is_stream(name, market)]
        is_combined = urlsplit(path).path.startswith(COMBINED)
        return BinanceTalk(market, link, life=self._life, is_combined=is_combined, names=names)


def _names(path: str) -> list[str]:
    """Read the streams out of a path. A path that ends in a bare number is how some clients tell connections apart."""
    parts = urlsplit(path)
    if parts.path.startswith(COMBINED):
        told = "/".join(parse_qs(parts.query).get("streams", []))
    else:
        told = parts.path.removeprefix(RAW)
    return [name for name in told.split("/") if name]


def _is_stream(name: str, market: Market) -> bool:
    """Tell whether a name of a path is a stream; the venue takes the others without a word."""
    try:
        Stream(name, market)
    except UnknownStreamError:
        return False
    return True
