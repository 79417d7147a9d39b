"""One subscriber on paper: which signals open a trade, and how each trade ends.

Everything is decided by the positions' own domain: what a signal's terms are, which gates are closed, what a price
does to a trade, what it earned. Only time is different: a trade's end is looked up the moment it is opened, since
nothing that happens later to the account can change it, and the gates are asked as of the signal's own quote.
"""

from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal

from contracts.messages import ExitReason, FeedState, Side, SignalRaised
from research.paths import Look, Path, band_of
from research.trades import Entry, Part, Rules, StopMove, Trade, Unfinished
from services.positions.domain import gates, money
from services.positions.domain.calm import CALM_TICKS, Pause, begins_pause, calm_ticks
from services.positions.domain.course import Followed, Happening, StopMoved, TargetReached, TimedOut, after, step
from services.positions.domain.exits import Exit, Price, exit_at
from services.positions.domain.gates import Given, Refusal
from services.positions.domain.holding import Holding, close, part
from services.positions.domain.life import State
from services.positions.domain.plans import Bracket, course_of
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
        self._pause: Pause | None = None
        self.trades: list[Trade] = []
        self.refused: list[tuple[int, tuple[Refusal, ...]]] = []
        self.unfinished: Unfinished | None = None

    def take(self, signal: SignalRaised, candle: int) -> None:
        """Open a trade on a signal and follow it to its end, or keep why not."""
        offered = self._offered(signal, candle)
        if offered is None:
            return  # the data ends before there is a price to open at
        terms, spread = offered
        refusals = self._refusals(terms, spread)
        if refusals:
            self.refused.append((candle, refusals))
            return
        self._given.append(Given(signal.side, terms.entry, terms.quote_ms))
        opened = self._open(terms, candle)
        ended = self._follow(opened)
        if ended is None:
            self._leave_open(opened)
        else:
            self.trades.append(ended)

    def refuse(self, candle: int, reasons: tuple[Refusal, ...]) -> None:
        """Keep why the signal of a candle became no trade."""
        self.refused.append((candle, reasons))

    def is_open_at(self, moment_ms: int) -> bool:
        """Tell whether a trade was open when a quote of this moment was the last: later quotes are not known yet."""
        return self.unfinished is not None or (bool(self.trades) and self.trades[-1].closed_ms > moment_ms)

    def _offered(self, signal: SignalRaised, candle: int) -> tuple[Terms, float] | None:
        """Work out at which quote a signal opens, and that quote's spread. As live, a price that has gone away when
        the candle is known to be closed is taken instead of the candle's own.
        """
        instrument = self._rules.instrument
        if self._rules.entry is Entry.NEXT:
            price = self._path.next_price(candle)
            return None if price is None else (price_signal(signal, instrument, price), price.ask - price.bid)
        terms, price = price_signal(signal, instrument), self._path.known_price(candle)
        if price is not None and terms.has_left(price):
            return price_signal(signal, instrument, price), price.ask - price.bid
        return terms, signal.ask - signal.bid

    def _refusals(self, terms: Terms, spread: float) -> tuple[Refusal, ...]:
        rules, quote_ms = self._rules, terms.quote_ms
        while self._given and self._given[0].quote_ms <= quote_ms - rules.gates.memory_ms:
            self._given.popleft()
        is_paused = self._pause is not None and self._pause.holds(quote_ms)
        return gates.market_refusals(
            terms.instrument, feed=FeedState.LIVE, spread=spread, is_paused=is_paused
        ) + gates.personal_refusals(
            rules.gates, terms.instrument, terms.offer, has_position=self.is_open_at(quote_ms), given=self._given
        )

    def _open(self, terms: Terms, candle: int) -> Opened:
        terms, signal, rules = terms.with_plan(self._rules.plan), terms.signal, self._rules
        bracket = Bracket(side=signal.side, entry=terms.entry, initial_stop=terms.stop)
        followed = Followed(
            position_id=signal.id,
            side=signal.side,
            stop=terms.stop,
            target=terms.targets[0],
            in_force_ms=terms.quote_ms,
            later_targets=terms.targets[1:],
            course=course_of(rules.plan, bracket, rules.instrument, terms.quote_ms),
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
        trade = ending.trade()
        self._pause = self._pause_after(ending.natural[-1]) or self._pause
        return trade

    def _pause_after(self, end: Exit) -> Pause | None:
        """Work out for how long signals pause after slippage: until as many quotes in a row have a normal spread."""
        if not begins_pause(end) or not self._path.has_quotes:
            return None  # candles alone do not know when spreads are normal again
        calm = 0
        for price in self._path.prices_after(end.closed_ms):
            calm = calm_ticks(self._rules.instrument, price, calm)
            if calm >= CALM_TICKS:
                return Pause(end.closed_ms, end.slippage_pips, price.epoch_ms)
        return Pause(end.closed_ms, end.slippage_pips)

    def _leave_open(self, opened: Opened) -> None:
        it = opened.followed
        self.unfinished = Unfinished(
            id=it.position_id,
            side=it.side,
            opened_ms=it.in_force_ms,
            entry=opened.entry,
            stop=it.stop,
            targets=it.targets,
        )


class _Ending:
    """The parts of one trade as they are closed; `natural` are their ends without the slippage that a test adds."""

    def __init__(self, rules: Rules, opened: Opened) -> None:
        self._rules = rules
        self._opened = opened
        self._holding = _holding(rules, opened)
        self.natural: list[Exit] = []
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
        natural = _exit_at(rules, look, reason, level, had)
        self.natural.append(natural)
        if not rules.slippage or reason is ExitReason.TARGET:
            return natural
        return _exit_at(rules, look, reason, level, rules.instrument.rounded(had - rules.slippage * side.sign))


def _exit_at(rules: Rules, look: Look, reason: ExitReason, level: float, had: float) -> Exit:
    price = Price(look.closed_ms, had, had)
    return exit_at(rules.instrument, Side.BUY, reason=reason, level=level, price=price, detected_late=False)


def _holding(rules: Rules, opened: Opened) -> Holding:
    """The position as the store would hold it, of nobody."""
    terms = opened.terms
    signal = terms.signal
    return Holding(
        position_id=signal.id, subscriber_id=0, chat_id=0, language="en", time_zone="UTC",
        signal_id=signal.id, symbol=signal.symbol, side=signal.side, mode=signal.mode, state=State.OPEN,
        entry=opened.entry, initial_stop=terms.stop, stop=terms.stop, targets=opened.followed.targets,
        lots=rules.lots, quote_ms=terms.quote_ms, version=1, plan=rules.plan,
    )  # fmt: skip
