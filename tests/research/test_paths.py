"""The search for the next price that matters leaves nothing out."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import Interval, Side
from research.backtest import run_backtest
from research.candles import market_of
from research.market import Ticks
from research.trades import Trade
from services.positions.domain.course import Followed
from services.positions.domain.plans import Bracket, Plan, Targets, course_of, targets_of
from services.positions.domain.terms import price_signal
from tests.research.builders import GOLD, Told, a_signal, rules, tick_lists
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


@given(ticks=tick_lists(), side=st.sampled_from(Side), plan=plans, stop=distances, target=distances, at=st.integers(0))
def test_a_trade_ends_as_if_every_quote_were_looked_at(
    ticks: Ticks, side: Side, plan: Plan, stop: float, target: float, at: int
) -> None:
    market = market_of("XAUUSD", ticks, Interval.M1)
    candle = at % len(market.candles)
    row = market.candles.rows[candle]
    strategy = Told({row.open_time_s: a_signal(side, row.close, stop=stop, target=target)})

    found = run_backtest(strategy, market, rules(plan=plan))

    assert len(found.signals) == 1
    if found.refused:
        assert GOLD.pips(found.signals[0].ask - found.signals[0].bid) > GOLD.max_spread_pips
        return
    terms = price_signal(found.signals[0], GOLD)
    bracket = Bracket(side=side, entry=terms.entry, initial_stop=terms.stop)
    targets = targets_of(plan, bracket, GOLD, terms.targets[0])
    opened_ms = found.signals[0].quote_ms
    course = course_of(plan, bracket, GOLD, opened_ms)
    one = Followed("p", side, terms.stop, targets[0], opened_ms, targets[1:], course)
    seen, has_ended = follow(ticks, one)
    assert bool(found.trades) == has_ended
    assert (found.unfinished is None) == has_ended
    for trade in found.trades:
        assert told_by(trade) == [one for one in seen if one.reason is not None]
        assert [(m.stop, m.moved_ms) for m in trade.stop_moves] == [
            (one.level, one.moment_ms) for one in seen if one.reason is None
        ]
        assert sum(part.share for part in trade.parts) == 1


def told_by(trade: Trade) -> list[Seen]:
    return [Seen(part.exit.reason, part.exit.level, part.price, part.exit.closed_ms) for part in trade.parts]
