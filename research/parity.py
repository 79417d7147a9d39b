"""Whether the running rooms and the backtest say the same of the same tape: signal by signal, trade by trade.

Both sides come as what each told by itself; nothing is forgiven and nothing rounded here. Money is compared as Decimal,
prices to the last bit. What is of delivery and not of trading, such as when a message arrived, is not looked at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from contracts.messages import (
    ExitReason,
    PositionClosed,
    PositionProposed,
    PositionReduced,
    Side,
    SignalRaised,
)
from research.trades import BacktestResult, Trade, Unfinished

SIGNAL_FIELDS = (
    "strategy", "strategy_version", "side", "entry", "stop", "targets", "rr", "strength", "score", "reasons", "bid",
    "ask", "quote_ms",
)  # fmt: skip
"""What a signal says of the market. The other fields are of its delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """A part that was closed before the last one. `number` counts the targets from 1."""

    number: int
    share: Decimal
    level: float
    exit: float
    closed_ms: int
    pnl: Decimal
    r: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the last part was closed, and what all of them earned."""

    reason: ExitReason
    level: float
    exit: float
    slippage_pips: float
    closed_ms: int
    pnl: Decimal
    r: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A signal that became a trade. `outcome` is None for one that is still open."""

    signal_id: str
    side: Side
    entry: float
    stop: float
    targets: tuple[float, ...]
    opened_ms: int
    reductions: tuple[Reduction, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """All that one side told: the signals, whoever took them, and the trades of one subscriber."""

    signals: Sequence[SignalRaised]
    trades: Sequence[Taken]

    @property
    def exits(self) -> int:
        """How many trades ended."""
        return sum(trade.outcome is not None for trade in self.trades)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two sides tell differently. `what` is signal, entry, reduction or exit."""

    what: str
    signal_id: str
    field: str
    live: object
    tested: object


def compare(live: Account, tested: Account) -> tuple[Difference, ...]:
    """List every difference, signals first, each in the order of time."""
    signals = _by_id(live.signals, tested.signals, "id")
    trades = _by_id(live.trades, tested.trades, "signal_id")
    found: list[Difference] = []
    for signal_id, (told, expected) in signals.items():
        found += _unlike("signal", signal_id, told, expected, SIGNAL_FIELDS)
    for signal_id, (told, expected) in trades.items():
        found += _trade(signal_id, told, expected)
    return tuple(found)


def as_document(live: Account, differences: Sequence[Difference]) -> dict[str, Any]:
    """Tell the verdict as plain values."""
    return {
        "identical": not differences,
        "signals": len(live.signals),
        "exits": live.exits,
        "differences": [
            {"what": one.what, "signal": one.signal_id, "field": one.field, "live": _plain(one.live),
             "tested": _plain(one.tested)}
            for one in differences
        ],
    }  # fmt: skip


def account_of_backtest(result: BacktestResult) -> Account:
    """Tell a backtest's own account."""
    trades = [_taken(trade) for trade in result.trades]
    if result.unfinished is not None:
        trades.append(_unfinished(result.unfinished))
    return Account(result.signals, trades)


def account_of_rooms(
    signals: Sequence[SignalRaised],
    proposed: Iterable[PositionProposed],
    reduced: Iterable[PositionReduced],
    closed: Iterable[PositionClosed],
) -> Account:
    """Tell the account of one subscriber from what the rooms said of him."""
    parts: dict[str, list[Reduction]] = {}
    for one in reduced:
        parts.setdefault(one.position_id, []).append(_reduction(one))
    ends = {one.position_id: one for one in closed}
    return Account(
        signals,
        [
            Taken(
                signal_id=one.signal_id,
                side=one.side,
                entry=one.entry,
                stop=one.stop,
                targets=one.targets,
                opened_ms=one.quote_ms,
                reductions=tuple(parts.get(one.position_id, ())),
                outcome=_outcome(ends[one.position_id]) if one.position_id in ends else None,
            )
            for one in proposed
        ],
    )


# --- both sides in the same words -------------------------------------------------------------------------------------


def _taken(trade: Trade) -> Taken:
    *early, last = trade.parts
    return Taken(
        signal_id=trade.id,
        side=trade.side,
        entry=trade.entry,
        stop=trade.stop,
        targets=trade.targets,
        opened_ms=trade.opened_ms,
        reductions=tuple(
            Reduction(
                number=number,
                share=part.share,
                level=part.exit.level,
                exit=part.exit.price,
                closed_ms=part.exit.closed_ms,
                pnl=part.pnl,
                r=part.r,
            )
            for number, part in enumerate(early, 1)
        ),
        outcome=Outcome(
            reason=last.exit.reason,
            level=last.exit.level,
            exit=last.exit.price,
            slippage_pips=last.exit.slippage_pips,
            closed_ms=last.exit.closed_ms,
            pnl=trade.pnl,
            r=trade.r,
        ),
    )


def _unfinished(trade: Unfinished) -> Taken:
    return Taken(
        signal_id=trade.id,
        side=trade.side,
        entry=trade.entry,
        stop=trade.stop,
        targets=trade.targets,
        opened_ms=trade.opened_ms,
    )


def _reduction(told: PositionReduced) -> Reduction:
    return Reduction(**{item.name: getattr(told, item.name) for item in fields(Reduction)})


def _outcome(told: PositionClosed) -> Outcome:
    return Outcome(**{item.name: getattr(told, item.name) for item in fields(Outcome)})


# --- one beside the other ---------------------------------------------------------------------------------------------


def _by_id(live: Sequence[Any], tested: Sequence[Any], key: str) -> Mapping[str, tuple[Any, Any]]:
    """Pair what is of the same signal, in the order of time; None where a side lacks it."""
    ours = {getattr(one, key): one for one in live}
    theirs = {getattr(one, key): one for one in tested}
    known = {**theirs, **ours}
    ordered = sorted(known, key=lambda name: _moment(known[name]))
    return {name: (ours.get(name), theirs.get(name)) for name in ordered}


def _moment(one: SignalRaised | Taken) -> int:
    return one.quote_ms if isinstance(one, SignalRaised) else one.opened_ms


def _trade(signal_id: str, live: Taken | None, tested: Taken | None) -> Iterator[Difference]:
    yield from _unlike("entry", signal_id, live, tested, ("side", "entry", "stop", "targets", "opened_ms"))
    if live is None or tested is None:
        return
    for ours, theirs in zip_longest(live.reductions, tested.reductions):
        yield from _unlike("reduction", signal_id, ours, theirs, [item.name for item in fields(Reduction)])
    yield from _unlike("exit", signal_id, live.outcome, tested.outcome, [item.name for item in fields(Outcome)])


def _unlike(what: str, signal_id: str, live: Any, tested: Any, names: Sequence[str]) -> Iterator[Difference]:
    """Tell the fields that differ; where one side lacks the thing, what the other has is told in one piece."""
    if live is None and tested is None:
        return
    if live is None or tested is None:
        yield Difference(what, signal_id, "is there", live is not None, tested is not None)
        return
    for name in names:
        ours, theirs = getattr(live, name), getattr(tested, name)
        if ours != theirs:
            yield Difference(what, signal_id, name, ours, theirs)


def _plain(value: object) -> object:
    """Tell a value in JSON's words; money keeps its digits."""
    if isinstance(value, Decimal):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
