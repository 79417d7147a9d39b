"""One client's stream connection to Binance: SUBSCRIBE and its kin, the life of the connection, strict words.

Source: Binance's "WebSocket streams" page: 1024 streams, 5 incoming messages a second, 24 hours, `serverShutdown`.
"""

import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from sandbox.exchange.binance_streams import MOST_STREAMS, Event, Stream, UnknownStreamError
from sandbox.exchange.day_sheet import Spot
from sandbox.exchange.link import Link
from sandbox.exchange.market import Market

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
NAME_ID = re.compile(r"^[A-Za-z0-9]{1,36}$")
MESSAGES_PER_S = 5
DAY_S = 86_400.0
NORMAL, POLICY = 1000, 1008


class Life(NamedTuple):
    """How long a connection may last, and how long before its end that is told; `clock` is `wall` or `market`."""

    seconds: float = DAY_S
    clock: str = "wall"
    notice_s: float = 600.0


class _WrongRequestError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BinanceTalk:
    """A connection to `/ws` or, `is_combined`, to `/stream`: there every event is wrapped with its stream's name."""

    def __init__(
        self,
        market: Market,
        link: Link,
        *,
        life: Life,
        is_combined: bool,
        names: list[str],
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with the streams that the path named."""
        self._market = market
        self._link = link
        self._wall = wall
        self._life = life
        self._is_combined = is_combined
        self._began = self._clock_s()
        self._is_warned = False
        self._heard: deque[float] = deque(maxlen=MESSAGES_PER_S)
        self._streams: dict[str, Stream] = {name: Stream(name, market) for name in names}

    def _clock_s(self) -> float:
        return self._market.now_ms() / 1000 if self._life.clock == "market" else self._wall()

    # --- what is told -------------------------------------------------------------------------------------------------

    def tell(self, spot: Spot) -> int:
        """Put a new spot on every stream; returns how many frames that took."""
        count = 0
        for name, stream in self._streams.items():
            for event in stream.events(spot):
                self._put(name, event)
                count += 1
        return count

    def tell_garbage(self, number: int, spot: Spot) -> None:
        """Put broken frame `number` on every stream."""
        for name, stream in self._streams.items():
            event = stream.broken(number, spot)
            if isinstance(event, str):
                self._link.put(event.encode())
            else:
                self._put(name, event)

    def beat(self, now_ms: int) -> None:
        """Close klines by the clock, and the connection when its life is over, told beforehand."""
        for name, stream in self._streams.items():
            for event in stream.overdue(now_ms):
                self._put(name, event)
        left_s = self._life.seconds - (self._clock_s() - self._began)
        if left_s <= self._life.notice_s and not self._is_warned:
            self._is_warned = True
            self._link.put(msgspec.json.encode({"e": "serverShutdown", "E": now_ms}))
        if left_s <= 0:
            self._link.end(NORMAL, "the connection has reached its age")
            self._life = Life(float("inf"))

    def _put(self, name: str, event: Event) -> None:
        self._link.put(msgspec.json.encode({"stream": name, "data": event} if self._is_combined else event))

    # --- what is asked ------------------------------------------------------------------------------------------------

    async def hear(self, text: str | bytes) -> None:
        """Answer one frame, with a result or with an error."""
        now = self._wall()
        if len(self._heard) == MESSAGES_PER_S and now - self._heard[0] < 1.0:
            self._link.end(POLICY, "Too many requests")
            return
        self._heard.append(now)
        number: Any = None
        try:
            request = _parse(text)
            number = _id_of(request)
            body = {"result": self._answer(request), "id": number}
        except _WrongRequestError as error:
            body = {"error": {"code": error.code, "msg": str(error)}, "id": number}
        self._link.put(msgspec.json.encode(body))

    def _answer(self, request: dict[str, Any]) -> Any:
        method, params = request.get("method"), request.get("params")
        if method not in METHODS:
            expected = ", ".join(f"`{name}`" for name in METHODS)
            raise _WrongRequestError(2, f"Invalid request: unknown variant `{method}`, expected one of {expected}")
        if method == "LIST_SUBSCRIPTIONS":
            return list(self._streams)
        if not isinstance(params, list) or not params:
            raise _WrongRequestError(2, "Invalid request: params must be an array that is not empty")
        if method in ("SET_PROPERTY", "GET_PROPERTY"):
            return self._property(params, is_set=method == "SET_PROPERTY")
        return self._change(params, is_added=method == "SUBSCRIBE")

    def _change(self, names: list[Any], *, is_added: bool) -> None:
        try:
            asked = {name: Stream(name, self._market) for name in names if _is_text(name)}
        except UnknownStreamError as error:
            raise _WrongRequestError(2, f"Invalid request: unknown stream {error}") from error
        if not is_added:
            for name in asked:
                self._streams.pop(name, None)
        elif len(self._streams.keys() | asked.keys()) > MOST_STREAMS:
            raise _WrongRequestError(2, "Invalid request: too many streams")
        else:
            self._streams = {**asked, **self._streams}

    def _property(self, params: list[Any], *, is_set: bool) -> bool | None:
        if params[0] != "combined":
            raise _WrongRequestError(0, "Unknown property")
        if len(params) != 1 + is_set:
            raise _WrongRequestError(2, "Invalid request: too many parameters")
        if not is_set:
            return self._is_combined
        if not isinstance(params[1], bool):
            raise _WrongRequestError(1, "Invalid value type: expected Boolean")
        self._is_combined = params[1]
        return None


def _parse(text: str | bytes) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _WrongRequestError(3, f"Invalid JSON: {error}") from error
    if not isinstance(request, dict):
        raise _WrongRequestError(2, "Invalid request: expected an object")
    if unknown := sorted(request.keys() - {"method", "params", "id"}):
        raise _WrongRequestError(2, f"Invalid request: unknown field `{unknown[0]}`")
    return request


def _id_of(request: dict[str, Any]) -> int | str | None:
    number = request.get("id")
    if type(number) is int or number is None or (isinstance(number, str) and NAME_ID.fullmatch(number)):
        return number
    raise _WrongRequestError(2, "Invalid request: request ID must be an integer, a short word or null")


def _is_text(name: Any) -> bool:
    if not isinstance(name, str):
        raise _WrongRequestError(2, "Invalid request: a stream must be a string")
    return True
