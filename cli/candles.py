"""`sinyal candles`: the candles of a tape, folded by the very code that the feed runs."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TextIO

import typer

from contracts.messages import Interval
from sandbox.exchange.tape import Quote as TapeQuote
from sandbox.exchange.tape import TapeError, open_tape
from services.feed.domain.fold import Fold
from services.feed.domain.quotes import Candle, Quote

PRICES = ("mid", "bid", "ask")
HEADER = "epoch_s,open,high,low,close,volume"
DEFAULT_SYMBOL = "XAUUSD"


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
    for quote in quotes:
        for candle in fold.add(_sided(quote, price)):
            if candle.interval is interval:
                yield candle
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


def _sided(quote: TapeQuote, price: str) -> Quote:
    """A quote whose mid is the wanted price."""
    if price == "bid":
        return Quote(quote.epoch_ms, quote.bid, quote.bid)
    if price == "ask":
        return Quote(quote.epoch_ms, quote.ask, quote.ask)
    return Quote(quote.epoch_ms, quote.bid, quote.ask)
