"""In-sample and out-of-sample: what the best trials come to on a span that the search has never seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from research.backtest import TooShortError
from research.market import Market
from research.runs import run_in_parts
from research.search.objectives import Objective, score
from research.search.trials import Job, Outcome, ends_until
from research.trades import Rules

NEUTRAL = {
    Objective.PROFIT_FACTOR: 1.0,
    Objective.EXPECTANCY_R: 0.0,
    Objective.SHARPE: 0.0,
    Objective.CALMAR: 0.0,
}
"""The value of a strategy that neither wins nor loses."""

KEPT_AT_LEAST = 0.5
"""Of what was found above neutral; less is a sign that noise was fitted."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a set of parameters came to out of sample; `value` is None with too few trades."""

    value: float | None
    trades: int
    pnl: float


@dataclass(frozen=True, slots=True)
class Split:
    """A span in two: [from_ms, at_ms) to search in, [at_ms, until_ms) to be proven on."""

    from_ms: int
    at_ms: int
    until_ms: int


def split_of(market: Market, rules: Rules, share: float) -> Split:
    """Put the last `share` (0 to 1, of the candles) of what is to be tested aside."""
    candles = market.candles
    ends_ms = candles.end_ms
    opens_ms = candles.open_time_s * 1000
    first = 0 if rules.from_ms is None else int((ends_ms <= rules.from_ms).sum())
    if first >= len(candles):
        raise TooShortError("there is no candle in the span to be searched")
    cut = first + round((len(candles) - first) * (1 - share))
    at_ms = int(opens_ms[cut]) if cut < len(candles) else int(ends_ms[-1])
    return Split(int(opens_ms[first]), at_ms, int(ends_ms[-1]))


def try_unseen(job: Job, outcomes: Sequence[Outcome], split: Split, *, fewest: int) -> list[Unseen]:
    """Run trials over the span that was put aside; each begins there without a position."""
    rules = replace(job.rules, from_ms=split.at_ms)
    return [_try_one(replace(job, rules=rules), outcome, split, fewest) for outcome in outcomes]


def overfit_warnings(objective: Objective, found: float, unseen: Unseen) -> list[str]:
    """Say why the best of a search should not be believed."""
    name = objective.value.replace("_", " ")
    if unseen.value is None:
        return [f"Out of sample the best made {unseen.trades} trades: too few to prove anything."]
    neutral = NEUTRAL[objective]
    if found <= neutral:
        return [f"Nothing found: even in sample the best has a {name} of {found:.2f}; {neutral:g} is what luck gives."]
    if unseen.value <= neutral:
        told = f"Overfit: the best has a {name} of {found:.2f} in sample and {unseen.value:.2f} out of sample;"
        return [f"{told} {neutral:g} is what luck gives."]
    if (unseen.value - neutral) < KEPT_AT_LEAST * (found - neutral):
        kept = (unseen.value - neutral) / (found - neutral)
        return [f"Overfit: out of sample the best keeps {kept:.0%} of its {name} above {neutral:g}."]
    return []


def _try_one(job: Job, outcome: Outcome, split: Split, fewest: int) -> Unseen:
    *_, trades = run_in_parts(job.build(outcome.parameters), job.market, job.rules, [split.until_ms])
    ends_ms = ends_until(job.market, job.rules, split.until_ms)
    value = score(job.objective, trades, candle_ends_ms=ends_ms, fewest=fewest)
    return Unseen(value, len(trades), float(sum(trade.pnl for trade in trades)))
