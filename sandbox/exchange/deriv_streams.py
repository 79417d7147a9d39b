"""The streams of one Deriv connection: ticks of a symbol, or a forming candle of it, and how each is written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec

from sandbox.exchange.day_sheet import Candle, Spot
from sandbox.exchange.deriv_garbage import garbage
from sandbox.exchange.deriv_requests import DerivError, Request
from sandbox.exchange.market import PRICE_DECIMALS, Market
from sandbox.exchange.symbols import Listing

encode = msgspec.json.Encoder().encode


def envelope(request: Request) -> dict[str, Any]:
    """Copy what every answer to a request carries: the request itself, its req_id and its passthrough."""
    echoed: dict[str, Any] = {name: request[name] for name in ("req_id", "passthrough") if name in request}
    return {"echo_req": request, **echoed}


def tick_body(listing: Listing, spot: Spot) -> dict[str, Any]:
    """Write a spot as Deriv writes a tick, without the id that only a stream has."""
    return {
        "ask": spot.ask,
        "bid": spot.bid,
        "epoch": spot.epoch,
        "pip_size": listing.decimals,
        "quote": spot.quote,
        "symbol": listing.symbol,
    }


@dataclass
class Stream:
    """One subscription; `granularity_s` is None for ticks. `base` is what all its messages carry."""

    listing: Listing
    request: Request
    granularity_s: int | None = None
    stream_id: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        """Word the envelope once."""
        self.base = {**envelope(self.request), "subscription": {"id": self.stream_id}}

    @property
    def kind(self) -> str:
        """The name `forget_all` knows it by."""
        return "ticks" if self.granularity_s is None else "candles"

    def tick(self, spot: Spot) -> dict[str, Any]:
        """Write a spot as this stream's tick."""
        return {**tick_body(self.listing, spot), "id": self.stream_id}

    def frame(self, spot: Spot, market: Market) -> bytes:
        """Word the message that this stream sends for a new spot."""
        if self.granularity_s is None:
            return encode({**self.base, "msg_type": "tick", "tick": self.tick(spot)})
        candle = market.forming(self.granularity_s, spot)
        return encode({**self.base, "msg_type": "ohlc", "ohlc": self._ohlc(candle, spot)})

    def broken_frame(self, number: int, spot: Spot) -> bytes:
        """Word broken frame `number`."""
        return garbage(number, self.base, self.tick(spot), spot)

    def _ohlc(self, candle: Candle, spot: Spot) -> dict[str, Any]:
        return {
            "open": _price(candle.open),
            "high": _price(candle.high),
            "low": _price(candle.low),
            "close": _price(candle.close),
            "epoch": spot.epoch,
            "open_time": candle.epoch,
            "granularity": self.granularity_s,
            "id": self.stream_id,
            "pip_size": self.listing.decimals,
            "symbol": self.listing.symbol,
        }


class Streams:
    """All streams of one connection, by id; never two of the same kind."""

    def __init__(self) -> None:
        """Start without any."""
        self._by_id: dict[str, Stream] = {}

    def __iter__(self) -> Iterator[Stream]:
        """Go through them in the order they were asked for."""
        return iter(list(self._by_id.values()))

    def refuse_double(self, listing: Listing, granularity_s: int | None, call: str) -> None:
        """Raise DerivError AlreadySubscribed where this stream is there already."""
        for stream in self._by_id.values():
            if stream.listing == listing and stream.granularity_s == granularity_s:
                raise DerivError("AlreadySubscribed", f"You are already subscribed to {listing.symbol}.", call)

    def add(self, stream: Stream) -> None:
        """Keep a stream."""
        self._by_id[stream.stream_id] = stream

    def forget(self, stream_id: str) -> int:
        """Drop one stream; 1 where it was there, else 0."""
        return int(self._by_id.pop(stream_id, None) is not None)

    def forget_all(self, kinds: list[str]) -> list[str]:
        """Drop the streams of these kinds; returns their ids."""
        ids = [stream_id for stream_id, stream in self._by_id.items() if stream.kind in kinds]
        for stream_id in ids:
            del self._by_id[stream_id]
        return ids


def _price(value: float) -> str:
    return f"{value:.{PRICE_DECIMALS + 1}f}"
