"""What Deriv sends, typed. Tolerant: only what the feed uses is read, and `echo_req` and `pip_size` may be missing."""

from typing import Annotated, Any

import msgspec

Epoch = Annotated[int, msgspec.Meta(ge=946_684_800, le=4_102_444_800)]
"""UTC seconds between 2000 and 2100: anything else is no time of a market."""


class Fault(msgspec.Struct, frozen=True):
    """Why a request was refused."""

    code: str = "Unknown"
    message: str = ""


class TickFrame(msgspec.Struct, frozen=True):
    """One live price. `epoch` is in whole seconds; the sides may be missing."""

    epoch: Epoch
    symbol: str
    bid: float | None = None
    ask: float | None = None


class HistoryFrame(msgspec.Struct, frozen=True):
    """Past prices and their epochs in seconds, equally long, oldest first. There are no sides in it."""

    prices: list[float]
    times: list[Epoch]


class CandleFrame(msgspec.Struct, frozen=True):
    """One bar of the history; `epoch` is its open time in seconds."""

    epoch: Epoch
    open: float
    high: float
    low: float
    close: float


class TradingEvent(msgspec.Struct, frozen=True):
    """A change of hours, in words: `Fridays` or a date, and `Closes early (at 20:55)`."""

    dates: str = ""
    descrip: str = ""


class TradingTimes(msgspec.Struct, frozen=True):
    """Open and close times of a day (UTC, `HH:MM:SS`, `--` for none)."""

    open: list[str] = []
    close: list[str] = []


class Listing(msgspec.Struct, frozen=True):
    """One symbol in `active_symbols` or `trading_times`; each dialect has its own key for the name."""

    symbol: str | None = None
    underlying_symbol: str | None = None
    events: list[TradingEvent] = []
    times: TradingTimes = TradingTimes()
    trading_days: list[str] = []


class Submarket(msgspec.Struct, frozen=True):
    """A part of a market."""

    symbols: list[Listing] = []


class Market(msgspec.Struct, frozen=True):
    """A market in `trading_times`."""

    submarkets: list[Submarket] = []


class MarketTable(msgspec.Struct, frozen=True):
    """The body of `trading_times`."""

    markets: list[Market] = []


class Frame(msgspec.Struct, frozen=True):
    """Any message; `req_id` is that of the request it answers, or of the one that subscribed."""

    msg_type: str = ""
    req_id: int | None = None
    error: Fault | None = None
    tick: TickFrame | None = None
    history: HistoryFrame | None = None
    candles: list[CandleFrame] | None = None
    time: Epoch | None = None
    trading_times: MarketTable | None = None
    active_symbols: list[Listing] | None = None


class Envelope(msgspec.Struct, frozen=True):
    """What is read of a message whose body cannot be."""

    msg_type: str = ""
    req_id: int | None = None


class NotJsonError(ValueError):
    """The bytes are no JSON."""


class MalformedFrameError(ValueError):
    """JSON that is no message of this venue; `req_id` where it could be read."""

    def __init__(self, message: str, req_id: int | None) -> None:
        super().__init__(message)
        self.req_id = req_id


_frames = msgspec.json.Decoder(Frame, strict=False)
_envelopes = msgspec.json.Decoder(Envelope, strict=False)
_encoder = msgspec.json.Encoder()


def encode(request: dict[str, Any]) -> str:
    """Write a request."""
    return _encoder.encode(request).decode()


def decode(body: str | bytes) -> Frame:
    """Read a message. Raises NotJsonError or MalformedFrameError."""
    try:
        return _frames.decode(body)
    except msgspec.ValidationError as e:
        raise MalformedFrameError(str(e), _req_id(body)) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise NotJsonError(str(e)) from e


def _req_id(body: str | bytes) -> int | None:
    try:
        return _envelopes.decode(body).req_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
