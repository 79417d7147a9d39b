"""A backtest as a document: the JSON that other programs read, and the rows of a CSV.

Moments are ISO 8601 in UTC with milliseconds, money and prices are numbers, what is undefined is null.
"""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from research.statistics import Summary
from research.trades import BacktestResult, Trade

CSV_COLUMNS = (
    "id", "side", "opened_at", "entry", "stop", "target", "lots", "strength",
    "closed_at", "exit", "reason", "parts", "slippage_pips", "pnl", "r",
)  # fmt: skip


def as_document(result: BacktestResult, summary: Summary) -> dict[str, Any]:
    """Write a result: `bars`, `ticks`, `trades`, and `summary` with what was run and all its numbers."""
    return {
        "bars": result.bars,
        "ticks": result.ticks,
        "trades": [trade_document(trade) for trade in result.trades],
        "summary": setup_document(result) | plain(dataclasses.asdict(summary)),
    }


def trade_document(trade: Trade) -> dict[str, Any]:
    """Write a trade. `target` is the farthest one; `exit` is the mean price of what was closed, by share."""
    return {
        "id": trade.id,
        "side": trade.side.value,
        "opened_at": iso(trade.opened_ms),
        "entry": trade.entry,
        "stop": trade.stop,
        "target": trade.targets[-1],
        "closed_at": iso(trade.closed_ms),
        "exit": trade.exit,
        "reason": trade.reason.value,
        "pnl": float(trade.pnl),
        "r": trade.r,
    }


def setup_document(result: BacktestResult) -> dict[str, Any]:
    """Write what was run, on what, and what became of the signals that made no finished trade."""
    rules = result.rules
    return {
        "strategy": result.strategy,
        "strategy_version": result.strategy_version,
        "parameters": result.parameters,
        "symbol": result.symbol,
        "interval": result.interval.value,
        "from": iso(result.from_ms),
        "to": iso(result.until_ms),
        "warm_up_bars": result.warm_up,
        "plan": str(rules.plan),
        "entry": rules.entry.value,
        "lots": float(rules.lots),
        "spread": rules.spread,
        "slippage": rules.slippage,
        "signals": len(result.signals),
        "refused": refusal_counts(result),
        "withheld": result.withheld,
        "open_at_end": int(result.unfinished is not None),
    }


def refusal_counts(result: BacktestResult) -> dict[str, int]:
    """Count signals by the first gate that was closed to each."""
    counts: dict[str, int] = {}
    for _, reasons in result.refused:
        counts[reasons[0].value] = counts.get(reasons[0].value, 0) + 1
    return dict(sorted(counts.items()))


def csv_rows(result: BacktestResult) -> Iterator[tuple[Any, ...]]:
    """Write each trade as a row of `CSV_COLUMNS`; `parts` are share@price, the worst slippage is told."""
    for trade in result.trades:
        told = trade_document(trade)
        told["lots"], told["strength"] = trade.lots, trade.strength
        told["parts"] = " ".join(f"{part.share}@{part.price}" for part in trade.parts)
        told["slippage_pips"] = max(part.exit.slippage_pips for part in trade.parts)
        yield tuple(told[name] for name in CSV_COLUMNS)


def iso(moment_ms: int) -> str:
    """Write a moment."""
    moment = datetime.fromtimestamp(moment_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment_ms % 1000:03d}Z"


def plain(value: Any) -> Any:
    """Turn what JSON has no word for into what it has; keys become text."""
    match value:
        case Decimal():
            return float(value)
        case Enum():
            return value.value
        case dict():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case _:
            return value
