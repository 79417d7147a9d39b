"""One subscriber on paper: which signals open a trade, and how each trade ends.

Everything is decided by the positions' own domain: what a signal's terms are, which gates are closed, what a price
does to a trade, what it earned. Only time is different: a trade's end is looked up the moment it is opened, since
nothing that happens later to the account can change it, and the gates are asked as of the signal's own quote.
"""

from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal

from contracts.messages import ExitReason, FeedState, SignalRaised
from research.paths import Look, Path, band_of
from research.trades import Part, Rules, StopMove, Trade, Unfinished
from services.positions.domain import gates, money
from services.positions.domain.course import Followed, Happening, StopMoved, TargetReached, TimedOut, after, step
from services.positions.domain.exits import Exit, Price, exit_at
from services.positions.domain.gates import Given, Refusal
from services.positions.domain.holding import Holding, close, part
from services.positions.domain.life import State
from services.positions.domain.plans import Bracket, course_of, targets_of
from services.positions.domain.terms import Terms, price_signal


@dataclass(frozen=True, slots=True)
class Opened:
    """A trade at its opening; `entry` is what was paid, slippage included."""

    terms: Terms
    followed: Followed
    entry: float
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
        """Open a trade on a signal and follow it to its end, or keep why not. No trade may be open at its quote."""
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

    def refuse(self, signal_id: str, reason: Refusal) -> None:
        """Keep why a signal became no trade."""
        self.refused.append((signal_id, (reason,)))

    def is_open_at(self, moment_ms: int) -> bool:
        """Tell whether a trade was open when a quote of this moment was the last: later quotes are not known yet."""
        return self.unfinished is not None or (bool(self.trades) and self.trades[-1].closed_ms > moment_ms)

    def _refusals(self, terms: Terms) -> tuple[Refusal, ...]:
        signal, rules = terms.signal, self._rules
        while self._given and self._given[0].quote_ms <= signal.quote_ms - rules.gates.memory_ms:
            self._given.popleft()
        return gates.market_refusals(
            terms.instrument, feed=FeedState.LIVE, spread=signal.ask - signal.bid
        ) + gates.personal_refusals(rules.gates, terms.instrument, terms.offer, has_position=False, given=self._given)

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
        entry = rules.instrument.rounded(terms.entry + rules.slippage * signal.side.sign)
        return Opened(terms, followed, entry, candle)

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
        self._holding = _holding(rules, opened)
        self._parts: list[Part] = []
        self._moves: list[StopMove] = []

    def hear(self, look: Look, happenings: tuple[Happening, ...]) -> None:
        """Take in what a price did."""
        for happening in happenings:
            match happening:
                case StopMoved(stop, reason):
                    self._moves.append(StopMove(moved_ms=look.closed_ms, stop=stop, reason=reason))
                case TargetReached(level, is_last=False):
                    self._close_part(self._exit(look, ExitReason.TARGET, level))
                case TargetReached(level):
                    self._close_rest(self._exit(look, ExitReason.TARGET, level))
                case TimedOut(level):
                    self._close_rest(self._exit(look, ExitReason.TIME, level))
                case _:
                    self._close_rest(self._exit(look, happening.reason, happening.level))

    def trade(self) -> Trade:
        """Tell the whole."""
        terms, opened, holding = self._opened.terms, self._opened, self._holding
        exit_price = float(sum(money.exact(part.price) * part.share for part in self._parts))
        return Trade(
            id=terms.signal.id,
            candle=opened.candle,
            side=holding.side,
            opened_ms=holding.quote_ms,
            entry=holding.entry,
            stop=terms.stop,
            targets=holding.targets,
            lots=holding.lots,
            strength=terms.signal.strength,
            parts=tuple(self._parts),
            stop_moves=tuple(self._moves),
            exit=exit_price,
            pnl=sum((part.pnl for part in self._parts), Decimal("0.00")),
            r=round(sum(part.r for part in self._parts), 4),
        )

    def _close_part(self, end: Exit) -> None:
        leg = part(self._holding, self._rules.instrument, end)
        assert leg is not None  # targets come in order
        self._holding = replace(self._holding, legs=(*self._holding.legs, leg))
        self._parts.append(Part(exit=end, share=leg.share, pnl=leg.pnl, r=leg.r))

    def _close_rest(self, end: Exit) -> None:
        holding = self._holding
        closing = close(holding, self._rules.instrument, end)
        pnl, r = closing.pnl - holding.realised, closing.r - holding.realised_r
        self._parts.append(Part(exit=end, share=holding.share_left, pnl=pnl, r=round(r, 4)))

    def _exit(self, look: Look, reason: ExitReason, level: float) -> Exit:
        rules, side = self._rules, self._opened.terms.signal.side
        had = level if look.is_passed else look.price.closing(side)
        if rules.slippage and reason is not ExitReason.TARGET:
            had = rules.instrument.rounded(had - rules.slippage * side.sign)
        price = Price(look.closed_ms, had, had)
        return exit_at(rules.instrument, side, reason=reason, level=level, price=price, detected_late=False)


def _holding(rules: Rules, opened: Opened) -> Holding:
    """The position as the store would hold it, of nobody."""
    terms = opened.terms
    signal = terms.signal
    return Holding(
        position_id=signal.id, subscriber_id=0, chat_id=0, language="en", time_zone="UTC",
        signal_id=signal.id, symbol=signal.symbol, side=signal.side, mode=signal.mode, state=State.OPEN,
        entry=opened.entry, initial_stop=terms.stop, stop=terms.stop, targets=opened.followed.targets,
        lots=rules.lots, quote_ms=signal.quote_ms, version=1, plan=rules.plan,
    )  # fmt: skip
