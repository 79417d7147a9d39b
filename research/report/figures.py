"""The numbers behind the pictures of a backtest, small enough to lie in a page."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from contracts.messages import Interval
from research.candles import roll_up
from research.market import Candles, Floats, Market
from research.statistics import Summary, Tally, drawdowns
from research.trades import BacktestResult, Trade

MOST_CANDLES = 40_000
"""About 600 kB of page; a longer test is kept in longer candles."""
MOST_POINTS = 4_000
MOST_TRADES = 3_000
RESULT_STEP_R = 0.25
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def figures(result: BacktestResult, summary: Summary, market: Market) -> dict[str, Any]:
    """Gather what the page's script draws."""
    digits = result.rules.instrument.digits
    weekdays = {WEEKDAYS[day]: tally for day, tally in summary.by_weekday.items()}
    return {
        "candles": _candles(market, digits),
        "trades": [_trade(trade) for trade in result.trades[-MOST_TRADES:]],
        "equity": _equity(result),
        "hours": _bars({f"{hour:02d}": summary.by_hour.get(hour) for hour in range(24)}),
        "weekdays": _bars({day: weekdays.get(day) for day in WEEKDAYS if day in weekdays or day not in {"Sat", "Sun"}}),
        "results": _results([trade.r for trade in result.trades]),
    }


def _trade(trade: Trade) -> dict[str, Any]:
    return {
        "sign": trade.side.sign,
        "opened": trade.opened_ms,
        "closed": trade.closed_ms,
        "entry": trade.entry,
        "exit": round(trade.exit, 5),
        "stop": trade.stop,
        "target": trade.targets[-1],
        "reason": trade.reason.value.replace("_", " "),
        "pnl": float(trade.pnl),
        "r": trade.r,
    }


def _equity(result: BacktestResult) -> dict[str, Any]:
    """Running P/L and drawdown after each trade; of very many only the lowest and highest of each stretch are kept."""
    pnls = [trade.pnl for trade in result.trades]
    moments = [result.from_ms, *(trade.closed_ms for trade in result.trades)]
    equity = np.concatenate([[0.0], np.cumsum([float(pnl) for pnl in pnls])]).round(2)
    depth = [0.0, *(float(one) for one in drawdowns(pnls))]
    kept = _kept(equity)
    return {
        "at": [moments[place] for place in kept],
        "equity": [float(equity[place]) for place in kept],
        "drawdown": [depth[place] for place in kept],
    }


def _kept(values: Floats) -> list[int]:
    """Choose the places that a line of at most MOST_POINTS needs to keep its ups and downs."""
    if len(values) <= MOST_POINTS:
        return list(range(len(values)))
    places = {0, len(values) - 1}
    for stretch in np.array_split(np.arange(len(values)), MOST_POINTS // 2):
        part = values[stretch]
        places |= {int(stretch[part.argmin()]), int(stretch[part.argmax()])}
    return sorted(places)


def _bars(tallies: dict[str, Tally | None]) -> list[dict[str, Any]]:
    bars = []
    for name, tally in tallies.items():
        told = f"{name}: no trade"
        if tally is not None:
            rate = "" if tally.win_rate is None else f", {tally.win_rate:.0%} won"
            told = f"{name}: {float(tally.pnl):+.2f}, {tally.trades} trades{rate}"
        bars.append({"name": name, "pnl": 0.0 if tally is None else float(tally.pnl), "told": told})
    return bars


def _results(results: Sequence[float]) -> dict[str, Any]:
    """Count results in R by steps of a quarter around zero; beyond ±10 R everything lies in the last step."""
    steps = np.rint(np.clip(np.array(results, dtype=np.float64), -10, 10) / RESULT_STEP_R).astype(int)
    places, counts = np.unique(steps, return_counts=True)
    return {"starts": ((places - 0.5) * RESULT_STEP_R).tolist(), "counts": counts.tolist(), "width": RESULT_STEP_R}


def _candles(market: Market, digits: int) -> dict[str, Any]:
    """Pack candles as small whole numbers: closes as steps, the rest as distances from the close."""
    candles = _short_enough(market.candles)
    scale = 10 ** (digits + 1)  # a mid has one decimal more than its quotes
    close, open_, high, low = (
        np.rint(column * scale).astype(np.int64) for column in (candles.close, candles.open, candles.high, candles.low)
    )
    length_s = candles.interval.seconds
    return {
        "begin_s": int(candles.open_time_s[0]),
        "length_s": length_s,
        "scale": scale,
        "steps": np.diff(candles.open_time_s // length_s, prepend=candles.open_time_s[0] // length_s).tolist(),
        "close": np.diff(close, prepend=0).tolist(),
        "open": (open_ - close).tolist(),
        "high": (high - close).tolist(),
        "low": (close - low).tolist(),
    }


def _short_enough(candles: Candles) -> Candles:
    """Take candles of the shortest interval of which there are few enough; the longest are cut off at the beginning."""
    for interval in Interval:
        if interval.seconds >= candles.interval.seconds:
            rolled = roll_up(candles, interval)
            if len(rolled) <= MOST_CANDLES:
                return rolled
    rolled = roll_up(candles, Interval.H1)
    return rolled.slice(max(0, len(rolled) - MOST_CANDLES), len(rolled))
