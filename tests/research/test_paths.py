"""The search for the next price that matters leaves nothing out."""

import itertools
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.messages import ExitReason, Interval, Side, SignalRaised
from research.backtest import run_backtest
from research.candle_path import CandlePath
from research.candles import market_of
from research.market import Market, Ticks
from research.paths import Look
from research.trades import Entry, Trade
from services.positions.domain.course import Followed, StopMoved, TargetReached, after, step
from services.positions.domain.exits import Price
from services.positions.domain.plans import Bracket, Plan, Targets, course_of, targets_of
from services.positions.domain.terms import price_signal
from tests.research.builders import GOLD, NOON_S, Told, a_signal, candles_of, rules, tick_lists
from tests.research.naive import Seen, follow

plans = st.builds(
    Plan,
    targets=st.sampled_from(Targets),
    break_even=st.booleans(),
    trailing=st.booleans(),
    tightening=st.booleans(),
    time_limit_s=st.sampled_from([None, 1, 90, 600]),
)
distances = st.sampled_from([0.5, 1.0, 2.0, 5.0])


@settings(max_examples=150, deadline=None)
@given(
    ticks=tick_lists(least=60),
    side=st.sampled_from(Side),
    plan=plans,
    stop=distances,
    target=distances,
    at=st.integers(0, 5),
)
def test_a_trade_ends_as_if_every_quote_were_looked_at(
    ticks: Ticks, side: Side, plan: Plan, stop: float, target: float, at: int
) -> None:
    market = market_of("XAUUSD", ticks, Interval.M1)
    candle = at % len(market.candles)
    row = market.candles.rows[candle]
    strategy = Told({row.open_time_s: a_signal(side, row.close, stop=stop, target=target)})

    found = run_backtest(strategy, market, rules(plan=plan))

    assert len(found.signals) == 1
    price = _handed_out_at(found.signals[0], ticks)
    if found.refused:
        assert GOLD.pips(price.ask - price.bid) > GOLD.max_spread_pips
        return
    one = _opened(found.signals[0], price, plan)
    seen, has_ended = follow(ticks, one)
    assert bool(found.trades) == has_ended
    assert (found.unfinished is None) == has_ended
    for trade in found.trades:
        assert told_by(trade) == [one for one in seen if one.reason is not None]
        assert [(m.stop, m.moved_ms) for m in trade.stop_moves] == [
            (one.level, one.moment_ms) for one in seen if one.reason is None
        ]
        assert sum(part.share for part in trade.parts) == 1


def _handed_out_at(signal: SignalRaised, ticks: Ticks) -> Price:
    """Find the quote a signal opens at: its own, or the one that closed its candle when that is far from it."""
    terms, end_ms = price_signal(signal, GOLD), (signal.candle_open_s + 60) * 1000
    for row in zip(ticks.epoch_ms.tolist(), ticks.bid.tolist(), ticks.ask.tolist(), strict=True):
        if end_ms <= row[0]:
            price = Price(*row)
            is_in_time = price.epoch_ms <= end_ms + 2_000
            return price if is_in_time and terms.has_left(price) else Price(signal.quote_ms, signal.bid, signal.ask)
    return Price(signal.quote_ms, signal.bid, signal.ask)


def told_by(trade: Trade) -> list[Seen]:
    return [Seen(part.exit.reason, part.exit.level, part.price, part.exit.closed_ms) for part in trade.parts]


candle_moves = st.tuples(st.integers(-40, 40), st.integers(0, 30), st.integers(0, 30), st.integers(-6, 6))
walks = st.lists(candle_moves, min_size=20, max_size=60)


@settings(max_examples=150, deadline=None)
@given(
    moves=walks, side=st.sampled_from(Side), plan=plans, stop=distances, target=distances, entry=st.sampled_from(Entry)
)
def test_a_trade_on_candles_ends_as_if_every_candle_were_looked_into(
    moves: list[tuple[int, int, int, int]], side: Side, plan: Plan, stop: float, target: float, entry: Entry
) -> None:
    candles = candles_of((4000.0, 4000.0, 4000.0, 4000.0), *_candle_rows(moves))
    strategy = Told({NOON_S: a_signal(side, 4000.0, stop=stop, target=target)})

    found = run_backtest(strategy, Market("XAUUSD", candles), rules(plan=plan, entry=entry, spread=0.2))

    path = CandlePath(candles, 0.2)
    price = path.closing_price(0) if entry is Entry.CLOSE else path.next_price(0)
    if price is None:
        assert not found.trades
        return
    one = _opened(found.signals[0], price, plan)
    looks = itertools.chain.from_iterable(path.looks(side, at, price.epoch_ms) for at in range(1, len(candles)))
    parts, has_ended = _looked_at(one, looks)
    assert bool(found.trades) == has_ended
    assert [(p.exit.reason, p.exit.level, p.price, p.exit.closed_ms) for t in found.trades for p in t.parts] == (
        parts if has_ended else []
    )


def _candle_rows(moves: list[tuple[int, int, int, int]]) -> list[tuple[float, float, float, float]]:
    rows, last = [], 4000.0
    for move, above, below, gap in moves:
        start = last + gap / 10
        last = start + move / 10
        rows.append((start, max(start, last) + above / 10, min(start, last) - below / 10, last))
    return rows


def _opened(signal: SignalRaised, price: Price, plan: Plan) -> Followed:
    terms = price_signal(signal, GOLD, price)
    bracket = Bracket(side=signal.side, entry=terms.entry, initial_stop=terms.stop)
    targets = targets_of(plan, bracket, GOLD, terms.targets[0])
    course = course_of(plan, bracket, GOLD, price.epoch_ms)
    return Followed("p", signal.side, terms.stop, targets[0], price.epoch_ms, targets[1:], course)


def _looked_at(one: Followed, looks: Iterable[Look]) -> tuple[list[tuple[ExitReason, float, float, int]], bool]:
    """Show a trade every price of every candle."""
    parts: list[tuple[ExitReason, float, float, int]] = []
    standing: Followed | None = one
    for look in looks:
        happenings = step(standing, look.price)
        for happening in happenings:
            if isinstance(happening, StopMoved):
                continue
            reason = getattr(happening, "reason", None)
            reason = reason or (ExitReason.TARGET if isinstance(happening, TargetReached) else ExitReason.TIME)
            price = happening.level if look.is_passed else look.price.closing(one.side)
            parts.append((reason, happening.level, price, look.closed_ms))
        standing = after(standing, happenings)
        if standing is None:
            return parts, True
    return parts, False
