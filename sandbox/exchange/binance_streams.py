"""The streams of one Binance connection: their names, and the events each sends for a new spot.

A kline stream sends its last state once more with `x` true when its interval is over: at the next spot, or by the
clock, whichever comes first.
"""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.exchange import binance_words as words
from sandbox.exchange.binance_history import GRANULARITIES_S, Kline
from sandbox.exchange.binance_symbols import Pair, find_pair
from sandbox.exchange.day_sheet import Candle, Spot
from sandbox.exchange.market import Market

MOST_STREAMS = 1024
NAME = re.compile(r"^([a-z0-9]{1,20})@(bookTicker|trade|aggTrade|kline_([0-9]{1,2}[smhd]))$")

Event = dict[str, Any]


class UnknownStreamError(ValueError):
    """A name that is no stream of this venue."""


class Stream:
    """One subscription. A symbol that the venue does not know is accepted and stays silent, as it does in life."""

    def __init__(self, name: str, market: Market) -> None:
        """Read a stream's name. Raises UnknownStreamError."""
        match = NAME.fullmatch(name)
        interval = match[3] if match else None
        if match is None or (interval is not None and interval not in GRANULARITIES_S):
            raise UnknownStreamError(name)
        self.name = name
        self._market = market
        self._pair = find_pair(match[1].upper())
        self._kind = "kline" if interval else match[2]
        self._interval = interval or ""
        self._granularity_s = GRANULARITIES_S.get(self._interval, 0)
        self._forming: Kline | None = None

    def events(self, spot: Spot) -> Iterator[Event]:
        """Word what this stream sends for a new spot of the tape."""
        pair = self._pair
        if pair is None or pair.instrument != self._market.instrument:
            return
        if self._kind == "bookTicker":
            yield words.book_ticker(pair, spot)
        elif self._kind == "kline":
            yield from self._kline(pair, spot)
        else:
            yield self._trade(pair, spot)

    def overdue(self, now_ms: int) -> Iterator[Event]:
        """Word the closed kline whose end has passed without another spot."""
        forming = self._forming
        if forming is not None and self._pair is not None:
            end_ms = (forming.candle.epoch + self._granularity_s) * 1000
            if now_ms >= end_ms:
                self._forming = None
                yield self._kline_event(self._pair, forming, now_ms, is_closed=True)

    def broken(self, number: int, spot: Spot) -> str | Event:
        """Word broken event `number`; numbers go round through all kinds."""
        good = words.book_ticker(self._pair or Pair("NOTHING", "", "", None), spot)
        good["u"] += 1
        kinds: tuple[str | Event, ...] = (
            '{"u": 1, "s": "PAXG',
            {key: value for key, value in good.items() if key not in "ba"},
            {**good, "b": words.price(spot.ask + 1), "a": good["b"]},
            {**good, "b": words.price(-spot.bid), "a": words.price(-spot.ask)},
            {**good, "b": words.price(spot.bid * 1.5), "a": words.price(spot.ask * 1.5)},
            {**good, "s": "NOTHINGUSDT"},
            {**good, "u": good["u"] - 36_000},
            "[1, null]",
            {**good, "a": "a lot"},
        )
        return kinds[number % len(kinds)]

    def _trade(self, pair: Pair, spot: Spot) -> Event:
        told = {"e": self._kind, "E": spot.epoch_ms, "s": pair.symbol}
        row = words.aggregate(spot)
        if self._kind == "aggTrade":
            return {**told, **row}
        return {**told, "t": spot.epoch, **{key: row[key] for key in ("p", "q", "T", "m", "M")}}

    def _kline(self, pair: Pair, spot: Spot) -> Iterator[Event]:
        candle = self._candle(spot)
        last = self._forming
        if last is not None and last.candle.epoch != candle.epoch:
            yield self._kline_event(pair, last, spot.epoch_ms, is_closed=True)
            last = None
        self._forming = Kline(candle, last.trades + 1 if last else self._traded(candle, spot))
        yield self._kline_event(pair, self._forming, spot.epoch_ms, is_closed=False)

    def _candle(self, spot: Spot) -> Candle:
        if self._granularity_s == 1:
            return Candle(spot.epoch, *(spot.quote,) * 4)
        return self._market.forming(self._granularity_s, spot)

    def _traded(self, candle: Candle, spot: Spot) -> int:
        return sum(1 for _ in self._market.book.spots(candle.epoch * 1000, spot.epoch_ms + 1))

    def _kline_event(self, pair: Pair, kline: Kline, at_ms: int, *, is_closed: bool) -> Event:
        body = words.live_kline(pair.symbol, self._interval, kline, self._granularity_s, is_closed=is_closed)
        return {"e": "kline", "E": at_ms, "s": pair.symbol, "k": body}
