"""A person's closed trades as a table for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts import ids

COLUMNS = (
    "id", "symbol", "strategy", "side", "mode", "lots", "opened_at", "closed_at", "entry", "exit", "reason",
    "slippage_pips", "pnl_usd", "r",
)  # fmt: skip


def trades_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Write trades as CSV (RFC 4180), times in UTC.

    A row holds the position's id, symbol, strategy, side, mode, lots, opened and closed (market ms), entry, exit,
    reason, slippage, P/L and R.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for position_id, symbol, strategy, side, mode, lots, opened_ms, closed_ms, *rest in rows:
        times = (_utc(opened_ms), _utc(closed_ms))
        writer.writerow((ids.short_id(position_id), symbol, strategy, side, mode, lots, *times, *rest))
    return text.getvalue()


def _utc(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")
