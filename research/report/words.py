"""What a report says in words: the rules of the test, and how each number is counted."""

from research.trades import BacktestResult, Entry
from services.positions.domain import plans
from services.positions.domain.calm import CALM_TICKS, MOST_SLIPPAGE_PIPS
from services.positions.domain.terms import MOST_MOVED

FEW_TRADES = 30

COUNTED = {
    "P/L": "(exit − entry) × side × contract size × lots, to the cent, on fixed lots; a BUY opens at the ask and closes"
    " at the bid, a SELL the other way round.",
    "R": "The distance from entry to the first stop. A result in R is the P/L over what that stop would have lost.",
    "Win rate": "Wins ÷ (wins + losses). A trade whose P/L is zero is neither.",
    "Profit factor": "The sum of all wins ÷ the sum of all losses.",
    "Expectancy": "The mean P/L of a trade, and its mean R.",
    "Max drawdown": "The deepest fall of the running P/L of closed trades below its highest point so far.",
    "Sharpe": "Mean ÷ standard deviation of the daily P/L × √252 (Sharpe 1994), days without trades included.",
    "Sortino": "Mean ÷ root mean square of the losing days × √252 (Sortino and Price 1994).",
    "Exposure": "The share of candles at whose end a trade was open.",
    "Hours, weekdays": "In UTC, by when the trade was opened. Months: by when it was closed.",
}


def rules_in_words(result: BacktestResult) -> list[str]:
    """State the rules that were used, one sentence each."""
    rules = result.rules
    return [
        *_opening(result),
        *_inside(result),
        *_plan(rules.plan),
        *_gates(result),
    ]


def warnings(result: BacktestResult) -> list[str]:
    """Say what a reader must know before believing a number."""
    found = []
    if len(result.trades) < FEW_TRADES:
        found.append(f"Only {len(result.trades)} trades: fewer than {FEW_TRADES} prove nothing.")
    if not result.ticks:
        found.append("Tested on candles without quotes: what happened inside a candle is a stated guess, not a fact.")
    if result.unfinished is not None:
        found.append(f"One {result.unfinished.side} was still open at the end; it is in no number.")
    return found


def _opening(result: BacktestResult) -> list[str]:
    rules, pip = result.rules, result.rules.instrument.pip
    where = {
        Entry.CLOSE: "the quote that its candle closed with, as live, however long its delivery takes",
        Entry.NEXT: "the first quote after its candle's last one",
    }[rules.entry]
    told = [f"A signal opens at {where}; quotes later than that one can end the trade."]
    if result.ticks and rules.entry is Entry.CLOSE:
        told.append(f"If the price has moved over {MOST_MOVED:.0%} of the stop by then, it opens at the newer one.")
    if rules.slippage:
        told.append(f"Each entry, stop and time limit gives up {_pips(rules.slippage / pip)} more.")
    return told


def _inside(result: BacktestResult) -> list[str]:
    if result.ticks:
        return [
            "Every quote counts. A trade closes at the first price of its closing side at or beyond the level.",
            "What lies between level and price is slippage, and is in the result.",
        ]
    spread = result.rules.spread / result.rules.instrument.pip
    return [
        "Inside a candle prices go from the open to the extreme that hurts, to the one that helps, to the close.",
        "So the stop comes first. Levels inside a candle are had exactly, those jumped over at an open are not.",
        f"The spread is {_pips(spread)}.",
    ]


def _plan(plan: plans.Plan) -> list[str]:
    parts = [part for part in plans.PARTS[plan.targets] if part.r is not None]
    told = ["One target, where the signal puts it."]
    if parts:
        shares = ", ".join(f"{float(part.share):.0%} at {part.r:g} R" for part in parts)
        told = [f"Three targets: {shares}; the stop goes to the entry after the first."]
    if plan.break_even:
        told.append(f"At +{plans.BREAK_EVEN_R:g} R the stop goes to the entry.")
    if plan.trailing:
        told.append(
            f"From +{plans.TRAILING_FROM_R:g} R on the stop follows {plans.TRAILING_PIPS:g} pips behind,"
            f" in steps of {plans.TRAILING_STEP_PIPS:g} pip or more."
        )
    if plan.tightening:
        told.append(f"At −{plans.TIGHTEN_AT_R:g} R the stop tightens to half its distance.")
    if plan.time_limit_s is not None:
        told.append(f"A trade ends after {plan.time_limit_s / 60:g} minutes at the latest.")
    return told


def _pips(count: float) -> str:
    return f"{count:g} pip" if count == 1 else f"{count:g} pips"


def _gates(result: BacktestResult) -> list[str]:
    gates, instrument = result.rules.gates, result.rules.instrument
    told = f"One trade at a time; none while the spread is over {instrument.max_spread_pips:g} pips"
    if gates.cooldown_s:
        told += f", within {gates.cooldown_s:g} s of the last one"
    if gates.same_side_s:
        told += f", or within {gates.same_side_s:g} s and {gates.same_side_pips:g} pips of one of the same side"
    if not result.ticks:
        return [f"{told}."]
    return [
        f"{told}.",
        f"None after a stop that slips over {MOST_SLIPPAGE_PIPS:g} pips, until {CALM_TICKS} quotes in a row are calm.",
        f"A feed that is silent for {result.rules.silence_ms / 1000:g} s raises nothing.",
    ]
