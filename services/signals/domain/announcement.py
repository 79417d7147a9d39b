"""How an opinion becomes the message that the other rooms and the public record read."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts import ids
from contracts.messages import CandleClosed, Mode, SignalRaised
from services.signals.domain.opinion import Evaluation, Signal
from services.signals.domain.strategy import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an announcement needs beside the opinion: wall time, trace, the instrument's digits, validity in seconds."""

    at: datetime
    trace: str
    price_digits: int
    valid_for_s: int


def announce(
    candle: CandleClosed, strategy: Strategy[Any], mode: Mode, evaluation: Evaluation, terms: Terms
) -> SignalRaised:
    """Return the message for the signal that `evaluation` holds in `mode` about `candle`, which closed with a quote.

    Its id is a pure function of symbol, strategy, mode and candle: saying it twice is saying it once. Prices are
    rounded to the instrument's digits here, where they leave the calculation.
    """
    signal = evaluation.verdict(mode)
    assert isinstance(signal, Signal)
    assert candle.bid is not None and candle.ask is not None and candle.quote_ms is not None  # noqa: PT018
    return SignalRaised(
        id=ids.signal_id(candle.symbol, strategy.name, mode, candle.interval, candle.open_time_s),
        at=terms.at,
        trace=terms.trace,
        symbol=candle.symbol,
        interval=candle.interval,
        strategy=strategy.name,
        strategy_version=strategy.version,
        mode=mode,
        side=signal.side,
        entry=round(signal.entry, terms.price_digits),
        stop=round(signal.stop, terms.price_digits),
        targets=(round(signal.target, terms.price_digits),),
        rr=round(signal.rr, 4),
        strength=signal.strength,
        score=evaluation.scores.get(signal.side) if mode is Mode.AUTO else None,
        reasons=signal.reasons,
        lots=Decimal(str(signal.lots)),
        candle_open_s=candle.open_time_s,
        bid=candle.bid,
        ask=candle.ask,
        quote_ms=candle.quote_ms,
        valid_for_s=terms.valid_for_s,
    )
