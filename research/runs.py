"""A backtest that is looked at on the way: the trades closed so far, at the end of each part of its span.

A search asks no more of a run than its trades. Where the strategy knows how to read whole columns they are found the
fast way, which comes to the same trades (see `vectorised`); else candle by candle.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from research.backtest import Desk, raised, span_of
from research.market import Market
from research.trades import Rules, Trade
from research.vectorised import Reading, found, is_vectorisable
from services.signals.domain.strategy import Strategy


def run_in_parts(
    strategy: Strategy[Any], market: Market, rules: Rules, bounds_ms: Sequence[int]
) -> Iterator[tuple[Trade, ...]]:
    """Run up to the last of `bounds_ms` (rising); yields at each the trades that had closed by then.

    Trading ends with the last bound. Whoever stops listening spares the rest.
    Raises TooShortError as `run_backtest` does.
    """
    rules = dataclasses.replace(rules, until_ms=bounds_ms[-1])
    span = span_of(strategy, market.candles, rules)
    desk = Desk(strategy, market, rules)
    signals = (
        found(Reading(strategy, market.candles, market.calendar), span, desk)
        if is_vectorisable(strategy)
        else ((place, signal) for place, signal, _ in raised(strategy, market, span, None))
    )
    ends = np.searchsorted(market.candles.end_ms, np.asarray(bounds_ms), side="right").tolist()
    part = 0
    for place, signal in signals:
        while part < len(ends) - 1 and place >= ends[part]:
            yield _closed(desk, bounds_ms[part])
            part += 1
        desk.hear(place, signal)
    for bound_ms in bounds_ms[part:]:
        yield _closed(desk, bound_ms)


def _closed(desk: Desk, bound_ms: int) -> tuple[Trade, ...]:
    return tuple(trade for trade in desk.account.trades if trade.closed_ms <= bound_ms)
