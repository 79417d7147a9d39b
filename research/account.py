"""One subscriber on paper: which signals open a trade, and how each trade ends.

Everything is decided by the positions' own domain: what a signal's terms are, which gates are closed, what a price
does to a trade, what it earned. Only time is different: a trade's end is looked up the moment it is opened, since
nothing that happens later to the account can change it, and the gates are asked as of the signal's own quote.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from contracts.messages import ExitReason, FeedState, SignalRaised
from research.paths import Look, Path, band_of
from research.trades import Part, Rules, StopMove, Trade, Unfinished
from services.positions.domain import gates, money
from services.positions.domain.course import Followed, Happening, StopMoved, TargetReached, TimedOut, after, step
from services.positions.domain.gates import Given, Refusal
from services.positions.domain.plans import Bracket, course_of, targets_of
from services.positions.domain.terms import Terms, price_signal

SLIPS = frozenset({ExitReason.STOP, ExitReason.BREAK_EVEN, ExitReason.TRAILING, ExitReason.TIME})
"""Exits that are market orders when they happen, and so give up the slippage that a test asks for."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A trade at its opening. `shares` are closed at the targets, nearest first."""

    terms: Terms
    followed: Followed
    entry: float
    shares: tuple[Decimal, ...]
    candle: int


class Account:
    """Takes signals in the order of their quotes."""

    def __init__(self, rules: Rules, path: Path) -> None:
        self._rules = rules
        self._path = path
        self._given: deque[Given] = deque()
        self.trades: list[Trade] = []
        self.refused: list[tuple[str, tuple[Refusal, ...]]] = []
        self.unfinished: Unfinished | None = None

    def take(self, signal: SignalRaised, candle: int) -> None:
        """Open a trade on a signal and follow it to its end, or keep why not."""
        terms = price_signal(signal, self._rules.instrument)
        refusals = self._refusals(terms)
        if refusals:
            self.refused.append((signal.id, refusals))
            return
        self._given.append(Given(signal.side, terms.entry, signal.quote_ms))
        opened = self._open(terms, candle)
        ended = self._follow(opened)
        if ended is None:
            it = opened.followed
            self.unfinished = Unfinished(
                id=signal.id,
                side=it.side,
                opened_ms=signal.quote_ms,
                entry=opened.entry,
                stop=it.stop,
                targets=it.targets,
            )
        else:
            self.trades.append(ended)

    def is_open_at(self, moment_ms: int) -> bool:
        """Tell whether a trade was open when a quote of this moment was the last: later quotes are not known yet."""
        return self.unfinished is not None or (bool(self.trades) and self.trades[-1].closed_ms > moment_ms)

    def _refusals(self, terms: Terms) -> tuple[Refusal, ...]:
        signal, rules = terms.signal, self._rules
        while self._given and self._given[0].quote_ms <= signal.quote_ms - rules.gates.memory_ms:
            self._given.popleft()
        is_open = self.is_open_at(signal.quote_ms)
        return gates.market_refusals(
            terms.instrument, feed=FeedState.LIVE, spread=signal.ask - signal.bid
        ) + gates.personal_refusals(rules.gates, terms.instrument, terms.offer, has_position=is_open, given=self._given)

    def _open(self, terms: Terms, candle: int) -> Opened:
        signal, rules = terms.signal, self._rules
        bracket = Bracket(side=signal.side, entry=terms.entry, initial_stop=terms.stop)
        targets = targets_of(rules.plan, bracket, rules.instrument, terms.targets[0])
        followed = Followed(
            position_id=signal.id,
            side=signal.side,
            stop=terms.stop,
            target=targets[0],
            in_force_ms=signal.quote_ms,
            later_targets=targets[1:],
            course=course_of(rules.plan, bracket, rules.instrument, signal.quote_ms),
        )
        shares = rules.plan.shares if len(rules.plan.shares) == len(targets) else (Decimal(1),)
        entry = rules.instrument.rounded(terms.entry + rules.slippage * signal.side.sign)
        return Opened(terms, followed, entry, shares, candle)

    def _follow(self, opened: Opened) -> Trade | None:
        """Let prices pass until nothing is left open; None where the data ends first."""
        one: Followed | None = opened.followed
        walk = self._path.walk(opened.followed.side, opened.candle, opened.followed.in_force_ms)
        ending = _Ending(self._rules, opened)
        while one is not None:
            look = walk.next(band_of(one))
            if look is None:
                return None
            happenings = step(one, look.price)
            ending.hear(look, happenings)
            one = after(one, happenings)
        return ending.trade()


class _Ending:
    """The parts of one trade as they are closed."""

    def __init__(self, rules: Rules, opened: Opened) -> None:
        self._rules = rules
        self._opened = opened
        self._left: Iterator[Decimal] = iter(opened.shares)
        self._open_share = Decimal(1)
        self._parts: list[Part] = []
        self._moves: list[StopMove] = []

    def hear(self, look: Look, happenings: tuple[Happening, ...]) -> None:
        """Take in what a price did."""
        for happening in happenings:
            match happening:
                case StopMoved(stop, reason):
                    self._moves.append(StopMove(moved_ms=look.closed_ms, stop=stop, reason=reason))
                case TargetReached(level, is_last):
                    share = self._open_share if is_last else next(self._left)
                    self._close(look, ExitReason.TARGET, level, share)
                case TimedOut(level):
                    self._close(look, ExitReason.TIME, level, self._open_share)
                case _:
                    self._close(look, happening.reason, happening.level, self._open_share)

    def trade(self) -> Trade:
        """Add up the parts."""
        terms, opened = self._opened.terms, self._opened
        side, signal = terms.signal.side, terms.signal
        price = sum(part.price * float(part.share) for part in self._parts)
        single = self._parts[0].price if len(self._parts) == 1 else price
        return Trade(
            id=signal.id,
            candle=opened.candle,
            side=side,
            opened_ms=signal.quote_ms,
            entry=opened.entry,
            stop=terms.stop,
            targets=opened.followed.targets,
            lots=self._rules.lots,
            strength=signal.strength,
            parts=tuple(self._parts),
            stop_moves=tuple(self._moves),
            pnl=sum((part.pnl for part in self._parts), Decimal("0.00")),
            r=money.r_multiple(side=side, entry=opened.entry, initial_stop=terms.stop, exit_price=single),
        )

    def _close(self, look: Look, reason: ExitReason, level: float, share: Decimal) -> None:
        rules, side = self._rules, self._opened.terms.signal.side
        instrument = rules.instrument
        had = level if look.is_passed else look.price.closing(side)
        price = instrument.rounded(had - rules.slippage * side.sign) if reason in SLIPS and rules.slippage else had
        pnl = money.pnl(instrument, side=side, entry=self._opened.entry, exit_price=price, lots=rules.lots * share)
        self._open_share -= share
        slippage = instrument.pips(abs(price - level))
        self._parts.append(
            Part(
                reason=reason, level=level, price=price, slippage_pips=slippage, closed_ms=look.closed_ms,
                share=share, pnl=pnl,
            )
        )  # fmt: skip
