"""Binance's REST calls: within the budget, each with a deadline, its refusals in the port's words."""

import asyncio
import time
from typing import TypeVar

import msgspec
import structlog
from aiohttp import ClientError, ClientResponse, ClientSession

from services.feed.adapters.binance_budget import WeightBudget
from services.feed.adapters.binance_frames import Fault
from services.feed.ports import VenueLostError, VenueRefusedError, WrongVenueError

T = TypeVar("T")

TRIES = 3
"""How often one request is made when the venue says that it is too much."""

TOO_MUCH = {418, 429}
RESTRICTED = 451
SERVER_FAULTS = 500
DEFAULT_HOLD_S = 60.0

logger = structlog.get_logger()


class BinanceRest:
    """Asks over HTTP. `url` is without a path: `https://data-api.binance.vision`."""

    def __init__(self, http: ClientSession, url: str, budget: WeightBudget, deadline_s: float) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._budget = budget
        self._deadline_s = deadline_s

    async def get(self, call: str, shape: type[T], *, weight: int, **parameters: str | int) -> T:
        """Make a request and read its answer. Raises as `get_timed` does."""
        told, _ = await self.get_timed(call, shape, weight=weight, **parameters)
        return told

    async def get_timed(self, call: str, shape: type[T], *, weight: int, **parameters: str | int) -> tuple[T, float]:
        """Make a request; return its answer and the seconds there and back, without what it waited for its turn.

        Raises:
            VenueLostError: no answer, no answer in time, or the venue is ill or bans us.
            VenueRefusedError: the venue refused just this request.
            WrongVenueError: what answers is not Binance, or Binance serves this place nothing.
        """
        for _ in range(TRIES):
            async with self._budget.slot(weight):
                began_at = time.perf_counter()
                status, retry_s, body = await self._fetch(call, parameters)
                took_s = time.perf_counter() - began_at
            if status not in TOO_MUCH:
                return self._read(call, status, body, shape), took_s
            self._budget.hold(retry_s)
            logger.warning("venue.limited", venue="binance", topic=call)
        raise VenueLostError("the rate limit does not end")

    async def _fetch(self, call: str, parameters: dict[str, str | int]) -> tuple[int, float, bytes]:
        """Return the HTTP status, the seconds to wait where it is too much, and the body."""
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                self._http.get(f"{self._url}/api/v3/{call}", params=parameters, allow_redirects=False) as response,
            ):
                self._budget.learn_used(int(_whole(response, "x-mbx-used-weight-1m", 0)))
                return response.status, float(_whole(response, "Retry-After", DEFAULT_HOLD_S)), await response.read()
        except TimeoutError as e:
            raise VenueLostError(f"no answer to {call} within {self._deadline_s:g} s") from e
        except (ClientError, OSError) as e:
            raise VenueLostError(f"cannot ask {call}: {type(e).__name__}: {e}") from e

    def _read(self, call: str, status: int, body: bytes, shape: type[T]) -> T:
        if status >= SERVER_FAULTS:
            raise VenueLostError(f"{call} answered HTTP {status}")
        if status == RESTRICTED:
            raise WrongVenueError("binance_url", f"{self._url} serves nobody where this machine stands (HTTP 451)")
        if status != 200:
            raise self._refusal(call, status, body)
        try:
            return msgspec.json.decode(body, type=shape, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise VenueRefusedError("undecodable", f"{call}: {e}") from e

    def _refusal(self, call: str, status: int, body: bytes) -> Exception:
        try:
            fault = msgspec.json.decode(body, type=Fault)
        except (msgspec.DecodeError, UnicodeDecodeError):
            fault = Fault()
        if fault.code == 0 or status == 404:
            return WrongVenueError(
                "binance_url", f"{self._url} answers HTTP {status} to {call}: it is not Binance's API"
            )
        return VenueRefusedError(str(fault.code), fault.msg)


def _whole(response: ClientResponse, header: str, default: float) -> float:
    text = response.headers.get(header, "")
    return int(text) if text.isdecimal() else default
