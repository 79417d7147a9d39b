"""What the feed can be told. Variables are `SINYAL_FEED_<FIELD>`.

One process hears several venues: a symbol names its own (`BTCUSDT=binance:BTCUSDT`), else `venue` is meant.
"""

import json
import re
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from chassis.settings import RoomSettings


class InstrumentSettings(BaseModel):
    """A symbol that the feed does not know by itself, or knows otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digits: int = Field(ge=0, le=8, description="decimals of a price")
    pip: float = Field(gt=0, description="one pip in price")
    max_spread_pips: float = Field(100.0, gt=0, description="a wider quote is a fault of the venue")
    hours: Literal["metals", "always"] = Field("metals", description="the weekly table behind the venue's own hours")


VenueName = Literal["deriv", "binance"]
VENUES: tuple[str, ...] = ("deriv", "binance")
_PAIR = re.compile(r"^ *([A-Za-z0-9_]+) *= *(?:([a-z]+):)?([A-Za-z0-9_]+) *$")


class Route(NamedTuple):
    """One of our symbols, the venue it is heard from, and what it is called there."""

    ours: str
    venue: str
    theirs: str


class FeedSettings(RoomSettings):
    """The feed's settings."""

    venue: VenueName = Field("deriv", description="the venue of symbols that name none")
    dialect: Literal["new", "legacy"] = Field("new", description="Deriv's newer public API, or its legacy v3")
    venue_url: str | None = Field(None, description="ws:// or wss:// address of Deriv; none: the dialect's own")
    binance_url: str = Field(
        "https://data-api.binance.vision",
        description="http:// or https:// address of Binance's REST API, without /api/v3",
    )
    binance_stream_url: str = Field(
        "wss://data-stream.binance.vision", description="ws:// or wss:// address of Binance's streams, without /ws"
    )
    app_id: str = Field("1089", pattern="^[0-9]+$", description="application id of Deriv's legacy dialect")
    symbols: str = Field(
        "XAUUSD=frxXAUUSD",
        description="our symbol = the venue's, of one or more venues: XAUUSD=frxXAUUSD,BTCUSDT=binance:BTCUSDT",
    )
    instruments: Annotated[dict[str, InstrumentSettings], NoDecode] = Field(
        default_factory=dict, description='more instruments, as JSON: {"EURUSD": {"digits": 5, "pip": 0.0001}}'
    )
    history_candles: int = Field(1000, ge=60, le=5000, description="closed M1 candles asked for at the first start")
    history_counted_minutes: int = Field(
        100, ge=0, le=1440, description="of those, minutes whose ticks are counted for the volume: a strategy's window"
    )
    repair_by_ticks_hours: float = Field(
        12.0,
        gt=0,
        le=48,
        description="holes up to this many market hours are filled tick by tick, older ones by candles",
    )
    stale_after_s: float = Field(10.0, gt=0, description="market seconds of silence that make an open market STALE")
    reconnect_after_s: float = Field(30.0, gt=0, description="market seconds of silence that force a new connection")
    reconnect_first_s: float = Field(1.0, gt=0, description="wall seconds before the first try to connect again")
    reconnect_most_s: float = Field(60.0, gt=0, description="wall seconds between two tries at most")
    request_deadline_s: float = Field(10.0, gt=0, description="wall seconds the venue has to answer a request")
    backlog: int = Field(50_000, ge=1000, description="messages kept while the broker is away; then all begins anew")

    @field_validator("instruments", mode="before")
    @classmethod
    def _read_json(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as e:
            raise ValueError(f"not JSON ({e})") from e

    @field_validator("venue_url", "binance_stream_url")
    @classmethod
    def _is_socket(cls, value: str | None) -> str | None:
        if value is not None:
            _refuse_address(value, ("ws", "wss"), "WebSocket")
        return value

    @field_validator("binance_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        _refuse_address(value, ("http", "https"), "HTTP")
        return value

    @field_validator("symbols")
    @classmethod
    def _are_pairs(cls, value: str) -> str:
        routes = []
        for pair in value.split(","):
            match = _PAIR.fullmatch(pair)
            if match is None:
                raise ValueError(f"{value!r} should be pairs such as XAUUSD=frxXAUUSD, comma separated")
            if match[2] is not None and match[2] not in VENUES:
                raise ValueError(f"{match[2]!r} is no venue of ours: {', '.join(VENUES)}")
            routes.append(match.groups())
        if len({ours for ours, _, _ in routes}) < len(routes) or len({told[1:] for told in routes}) < len(routes):
            raise ValueError(f"{value!r} names a symbol twice")
        return value

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.stale_after_s >= self.reconnect_after_s:
            raise ValueError("STALE_AFTER_S must be less than RECONNECT_AFTER_S")
        return self

    @property
    def routes(self) -> tuple[Route, ...]:
        """Where each symbol is heard from, in the order they were named."""
        matches = (_PAIR.fullmatch(pair) for pair in self.symbols.split(","))
        return tuple(Route(match[1], match[2] or self.venue, match[3]) for match in matches if match)

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues that are needed, in the order they were named."""
        return tuple(dict.fromkeys(route.venue for route in self.routes))

    @property
    def symbol_map(self) -> dict[str, str]:
        """Our symbol to the venue's, of all venues."""
        return {route.ours: route.theirs for route in self.routes}

    def symbols_of(self, venue: str) -> dict[str, str]:
        """Our symbol to the venue's, of one venue."""
        return {route.ours: route.theirs for route in self.routes if route.venue == venue}


def _refuse_address(value: str, schemes: tuple[str, str], kind: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"{value!r} is no {kind} address: {schemes[0]}:// or {schemes[1]}:// and a host")
