"""Reading the query of a Binance request, as strictly as Binance does; and the words of its refusals.

Source: Binance's "Errors" page for spot: HTTP status and `{"code", "msg"}`.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

SYMBOL = re.compile(r"^[A-Z0-9-_.]{1,20}$")
LONG = re.compile(r"^[0-9]{1,19}$")
TOO_MUCH = -1003


class BinanceError(Exception):
    """A refusal as Binance words it. `status` is HTTP's; `retry_after_s` is told in a header."""

    def __init__(self, code: int, message: str, *, status: int = 400, retry_after_s: int | None = None) -> None:
        """Word a refusal."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s


class Span(NamedTuple):
    """A stretch of time in milliseconds, both ends included; None: open. `limit` is the most items wanted."""

    start_ms: int | None
    end_ms: int | None
    limit: int


class Query:
    """The parameters of one request. `allowed` are all it may have."""

    def __init__(self, text: str, allowed: frozenset[str]) -> None:
        """Read a query string. Raises BinanceError for parameters that are unknown, empty or told twice."""
        pairs = parse_qsl(text, keep_blank_values=True)
        self.values: Mapping[str, str] = dict(pairs)
        if len(self.values) < len(pairs):
            raise BinanceError(-1101, "Duplicate values for a parameter detected.")
        read = sum(name in allowed for name in self.values)
        if read < len(self.values):
            words = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(self.values)}'."
            raise BinanceError(-1104, words)
        for name, value in self.values.items():
            if not value:
                raise BinanceError(-1105, f"Parameter '{name}' was empty.")

    def text(self, name: str) -> str:
        """Read a parameter that must be there."""
        if name not in self.values:
            raise BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return self.values[name]

    def symbol(self) -> str:
        """Read `symbol`; whether the venue knows it is not asked here."""
        return legal_symbol(self.text("symbol"), "symbol")

    def number(self, name: str) -> int | None:
        """Read a whole number, None where it was not sent."""
        value = self.values.get(name)
        if value is None:
            return None
        if not LONG.fullmatch(value):
            words = f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
            raise BinanceError(-1100, words)
        return int(value)

    def span(self, most: int = 1000, default: int = 500) -> Span:
        """Read `startTime`, `endTime` and `limit`; a limit over `most` is cut, as the venue does."""
        limit = self.number("limit")
        if limit == 0:
            raise BinanceError(-1130, "Data sent for parameter 'limit' is not valid.")
        return Span(self.number("startTime"), self.number("endTime"), min(limit or default, most))


def legal_symbol(value: str, name: str) -> str:
    """Check the letters of a symbol. Raises BinanceError."""
    if not SYMBOL.fullmatch(value):
        words = f"Illegal characters found in parameter '{name}'; legal range is '^[A-Z0-9-_.]{{1,20}}$'."
        raise BinanceError(-1100, words)
    return value
