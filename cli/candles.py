"""`sinyal candles`: the candles of a tape, folded by the very code that the feed runs."""

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, TextIO

import typer

from contracts.messages import Interval
from sandbox.exchange.tape import Quote as TapeQuote
from sandbox.exchange.tape import TapeError, open_tape
from services.feed.domain.fold import Fold
from services.feed.domain.quotes import Candle, Ticks

PRICES = ("mid", "bid", "ask")
HEADER = "epoch_s,open,high,low,close,volume"
DEFAULT_SYMBOL = "XAUUSD"

BATCH = 10_000
"""So many quotes are folded at a time: the memory that they need is small, and what a batch costs is nothing."""


def candles(
    tape: Annotated[Path, typer.Option(help="CSV epoch_ms,bid,ask (or .gz, .zip), or a folder of YYYYMMDD_quote.zip.")],
    interval: Annotated[str, typer.Option(help="M1, M5, M15 or H1.")] = "M1",
    price: Annotated[str, typer.Option(help="Which price is folded: mid, bid or ask.")] = "mid",
    symbol: Annotated[str, typer.Option(help="The instrument on the tape.")] = DEFAULT_SYMBOL,
) -> None:
    """Write the candles of a tape as CSV, oldest first; minutes without a quote have none.

    The first and the last candle hold what the tape has of them.
    """
    try:
        wanted, side = _interval(interval), _price(price)
        write_csv(fold_tape(open_tape(tape, symbol=symbol).quotes(), wanted, side), sys.stdout)
    except TapeError as e:
        typer.echo(str(e), err=True)
        raise typer.Exit(2) from None
    except BrokenPipeError:
        raise typer.Exit(1) from None  # the reader, such as head, has seen enough


def fold_tape(quotes: Iterator[TapeQuote], interval: Interval, price: str) -> Iterator[Candle]:
    """Fold quotes into the candles of one interval; `price` is `mid`, `bid` or `ask`. Raises TapeError."""
    fold = Fold()
    while batch := list(islice(quotes, BATCH)):
        closed = fold.add_all(_columns(batch, price))
        yield from (candle for candle in closed if candle.interval is interval)
    yield from (candle for candle in fold.finish() if candle.interval is interval)


def write_csv(found: Iterator[Candle], stream: TextIO) -> None:
    """Write candles as CSV with a header."""
    stream.write(f"{HEADER}\n")
    for candle in found:
        prices = f"{candle.open!r},{candle.high!r},{candle.low!r},{candle.close!r}"
        stream.write(f"{candle.open_s},{prices},{candle.volume}\n")


def _interval(name: str) -> Interval:
    try:
        return Interval(name.upper())
    except ValueError:
        raise TapeError(f"--interval {name}: one of {', '.join(Interval)} would be right") from None


def _price(name: str) -> str:
    if name.lower() not in PRICES:
        raise TapeError(f"--price {name}: one of {', '.join(PRICES)} would be right")
    return name.lower()


def _columns(batch: Sequence[TapeQuote], price: str) -> Ticks:
    """Quotes whose mid is the wanted price."""
    bids = [quote.bid if price != "ask" else quote.ask for quote in batch]
    asks = [quote.ask if price != "bid" else quote.bid for quote in batch]
    return Ticks([quote.epoch_ms for quote in batch], bids, asks)
