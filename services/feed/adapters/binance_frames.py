"""What Binance sends, typed. Prices come as text; only what the feed uses is read."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """Why a request was refused; REST and streams write it alike."""

    code: int = 0
    msg: str = ""


class ServerTime(msgspec.Struct, frozen=True):
    """The answer to `time`, milliseconds."""

    serverTime: int  # noqa: N815  # the venue's word


class Listing(msgspec.Struct, frozen=True):
    """One symbol of `exchangeInfo`; anything but `TRADING` is halted."""

    symbol: str
    status: str


class ExchangeInfo(msgspec.Struct, frozen=True):
    """The answer to `exchangeInfo`."""

    symbols: list[Listing]


class Kline(msgspec.Struct, frozen=True, array_like=True):
    """One row of `klines`: times in milliseconds; `trades` 0 is a minute in which nothing happened."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    close_ms: int
    quote_volume: float
    trades: int


class Trade(msgspec.Struct, frozen=True):
    """One aggregate trade: its id, price and time."""

    a: int
    p: float
    T: int


class StreamFrame(msgspec.Struct, frozen=True):
    """Anything a stream connection sends.

    A best bid and ask (`u` its id, `s` symbol, `b`, `a`; no time), an event (`e`), or the answer to a request (`id`).
    """

    u: int | None = None
    s: str | None = None
    b: float | None = None
    a: float | None = None
    e: str = ""
    id: int | None = None
    error: Fault | None = None
    code: int | None = None
    msg: str = ""

    @property
    def fault(self) -> Fault | None:
        """The refusal it tells, in either of the two forms that were seen."""
        return self.error or (None if self.code is None else Fault(self.code, self.msg))


class NotJsonError(ValueError):
    """The bytes are no JSON."""


class MalformedFrameError(ValueError):
    """JSON that is no message of this venue."""


_frames = msgspec.json.Decoder(StreamFrame, strict=False)


def encode(request: Mapping[str, Any]) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()


def decode(body: str | bytes) -> StreamFrame:
    """Read a stream's message. Raises NotJsonError or MalformedFrameError."""
    try:
        return _frames.decode(body)
    except msgspec.ValidationError as e:
        raise MalformedFrameError(str(e)) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise NotJsonError(str(e)) from e
