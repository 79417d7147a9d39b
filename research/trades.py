"""What a backtest is asked, and what it found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from contracts.messages import ExitReason, Interval, Side, SignalRaised
from services.positions.domain.exits import Exit
from services.positions.domain.gates import GateRules, Refusal
from services.positions.domain.instrument import Instrument
from services.positions.domain.plans import STANDARD, Plan

SILENCE_MS = 10_000
"""A feed that is silent for so long is not live, and raises no signal (product specification, section 2)."""

GRACE_MS = 2_000
"""A candle is closed this long after its end when no quote has closed it before (product specification, section 1)."""


class Entry(StrEnum):
    """Which price a signal opens at."""

    CLOSE = "close"
    """The quote that its candle closed with: as live, whatever the delivery took."""
    NEXT = "next"
    """The first quote after it; on candles the open of the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How signals become trades. `spread` is for candles without quotes, `slippage` is given up at every entry, stop
    and time limit; both are in price. `silence_ms` and `grace_ms` are the feed's, in market time. Trades begin on
    candles that end in (from_ms, until_ms]; None: no bound.
    """

    instrument: Instrument
    plan: Plan = STANDARD
    entry: Entry = Entry.CLOSE
    gates: GateRules = field(default_factory=GateRules)
    lots: Decimal = Decimal("0.01")
    spread: float = 0.0
    slippage: float = 0.0
    silence_ms: int = SILENCE_MS
    grace_ms: int = GRACE_MS
    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A share of a trade that was closed: how, and what it earned. `share` is of the lots opened, `r` of the whole."""

    exit: Exit
    share: Decimal
    pnl: Decimal
    r: float

    @property
    def price(self) -> float:
        """The price it was closed at."""
        return self.exit.price


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMove:
    """The stop came nearer: where it is from then on."""

    moved_ms: int
    stop: float
    reason: ExitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A trade from its signal to its end. `candle` is the place of the signal's candle in the market.

    `reason` is that of the last part, `exit` the mean price of all of them by share; `pnl` and `r` are of all.
    """

    id: str
    candle: int
    side: Side
    opened_ms: int
    entry: float
    stop: float
    targets: tuple[float, ...]
    lots: Decimal
    strength: float
    parts: tuple[Part, ...]
    stop_moves: tuple[StopMove, ...]
    exit: float
    pnl: Decimal
    r: float

    @property
    def closed_ms(self) -> int:
        """When the last of it was closed."""
        return self.parts[-1].exit.closed_ms

    @property
    def reason(self) -> ExitReason:
        """Why the last of it was closed."""
        return self.parts[-1].exit.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A trade that the data left open: it is told, and counts in no number."""

    id: str
    side: Side
    opened_ms: int
    entry: float
    stop: float
    targets: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """All that a backtest found. `bars` and `ticks` are those of the span that was asked for; `warm_up` counts the
    candles before the first one that could be judged, whether they lie before the span or in it.

    `signals` are all that were raised; what became of each is in `trades`, `refused` (by the place of its candle) or
    `unfinished`. A signal refused because a trade is open tells that reason alone. `withheld` counts what the strategy
    said while the feed was not live: it was never raised.
    """

    symbol: str
    interval: Interval
    strategy: str
    strategy_version: str
    parameters: dict[str, int | float]
    rules: Rules
    bars: int
    ticks: int
    warm_up: int
    from_ms: int
    until_ms: int
    signals: Sequence[SignalRaised]
    trades: tuple[Trade, ...]
    refused: tuple[tuple[int, tuple[Refusal, ...]], ...]
    withheld: int
    unfinished: Unfinished | None
