"""One symbol: quotes in, checked and folded; ticks, candles, states and holes out.

Live quotes either flow or wait: they wait whenever the venue's history must be asked first (at a connection, after a
pause, before a candle is closed by the clock), and then follow what the history said.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chassis.clock import Clock, MarketClock
from contracts.messages import FeedState
from services.feed.domain.backfill import Held, Hole, HoleWatch, Minute
from services.feed.domain.corrections import Ledger
from services.feed.domain.fold import GRACE_MS, Fold, LateQuoteError
from services.feed.domain.instruments import Instrument
from services.feed.domain.quotes import Bar, Candle, Quote
from services.feed.domain.sessions import Calendar, Span, day_of
from services.feed.domain.state import Happening, after, grace_ms, silence_limit_s
from services.feed.domain.ticks import BadInput, Limits, TickCheck
from services.feed.handlers.resume import Resume
from services.feed.handlers.teller import Teller, count_bad
from services.feed.ports import VenueLostError

PAUSE_MS = 10_000
"""Quotes further apart (venue time) than this may have others between them: ask."""

SHORTEST_HOLE_MS = 1_000
"""The finest venue of ours tells a quote a second: less is no hole."""

AUDIT_EVERY_MS = 300_000
AUDIT_EVERY_WALL_S = 30.0
"""How often the venue's history is laid beside what was told: market time, but no more often than this on the wall."""

MOST_WAITING = 100_000
MOST_PATIENCE = 8
AHEAD_MARKET_MS = 15_000
AHEAD_WALL_S = 2.0
"""A quote may be ahead of our idea of market time by the greater of these."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Silence in market seconds that makes a feed stale, and that makes it reconnect."""

    stale_s: float = 10.0
    reconnect_s: float = 30.0


class SymbolFeed:
    """The feed of one symbol, over all its connections."""

    def __init__(
        self, instrument: Instrument, teller: Teller, clock: Clock, market: MarketClock, patience: Patience
    ) -> None:
        self.symbol = teller.symbol
        self.state = FeedState.RECONNECTING
        self.reason = "starting"
        self.since_ms = market.now_ms()
        self.repair_wanted = asyncio.Event()
        self.audit_wanted = asyncio.Event()
        self.refusals = 0
        self._teller = teller
        self._clock = clock
        self._market = market
        self._grace_ms = grace_ms(GRACE_MS, market.speed)
        self._stale_s = silence_limit_s(patience.stale_s, market.speed)
        self._fresh_ms = max(PAUSE_MS, int(self._stale_s * 1000 * market.speed))
        self._reconnect_s = silence_limit_s(patience.reconnect_s, market.speed)
        ahead_ms = max(AHEAD_MARKET_MS, int(AHEAD_WALL_S * 1000 * market.speed))
        self._limits = Limits(instrument.max_spread, ahead_ms)
        self._watch = HoleWatch(Calendar(instrument.hours))
        self._check = TickCheck(self._limits)
        self._fold = Fold()
        self._ledger = Ledger()
        self._price_step = 10.0**-instrument.digits
        self._audit_from_ms = 0
        self._audited_at = clock.monotonic()
        self._folded_ms: int | None = None
        self._told_ms: int | None = None
        self._waiting: deque[Quote] | None = deque()
        self._is_quoting = False
        self._is_doubtful = False
        self._heard_at = clock.monotonic()
        self._opened_at = self._heard_at
        self._tries = 1

    # --- what is known ------------------------------------------------------------------------------------------------

    @property
    def calendar(self) -> Calendar:
        """When the market trades."""
        return self._watch.calendar

    @property
    def held(self) -> Held:
        """What needs not be asked for again."""
        return Held(self._folded_ms, self._told_ms)

    @property
    def silence_s(self) -> float:
        """How long no quote has arrived while the market was open, in wall seconds."""
        return self._clock.monotonic() - max(self._heard_at, self._opened_at)

    @property
    def is_hearing(self) -> bool:
        """Whether quotes arrive that are of the present, by our own idea of it."""
        is_lively = self._is_quoting and self._clock.monotonic() - self._heard_at < self._stale_s
        return is_lively and self.is_fresh(self._told_ms or 0, self._market.now_ms())

    def learn_hours(self, spans: tuple[Span, ...], day_ms: int) -> None:
        """Take the venue's word for the trading hours of the UTC day that `day_ms` lies in."""
        self._watch.calendar = self.calendar.learn(day_of(day_ms), spans)

    def resume(self, known: Resume) -> None:
        """Begin anew behind what the broker holds."""
        self._fold = Fold(complete_from_ms=known.minutes[0].open_s * 1000 if known.minutes else None)
        for candle in known.minutes:
            self._fold.restore(candle)
        self._ledger = Ledger(known.minutes)
        self._folded_ms = self._fold.closed_until_ms if known.minutes else None
        self._told_ms = known.told_ms
        self._check = TickCheck(self._limits)
        self._watch.last_ms = max(filter(None, (self._folded_ms, self._told_ms)), default=None)
        self._teller.resume(known.opens)

    # --- states -------------------------------------------------------------------------------------------------------

    def announce(self, reason: str) -> None:
        """Tell the present state again, for who has not heard it."""
        self._enter(self.state, reason)

    def happen(self, happening: Happening, reason: str) -> None:
        """Follow the table of states, and tell of a change."""
        state = after(self.state, happening)
        if state is not self.state:
            self._enter(state, reason)

    def _enter(self, state: FeedState, reason: str) -> None:
        self.state, self.reason = state, reason
        self.since_ms = self._market.now_ms()
        self._teller.state(state, reason, self.since_ms)

    def lose(self, reason: str) -> None:
        """The connection is gone. A closed market stays closed: nobody is told of a weekend's reconnects."""
        self._waiting = deque()  # what waited is had from the history
        self._is_quoting = False
        self.repair_wanted.clear()
        self.audit_wanted.clear()
        if self.state is not FeedState.CLOSED or self.calendar.is_open(self._market.now_ms()):
            self.happen(Happening.LOST, reason)

    # --- live quotes --------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Let live quotes wait from now on."""
        self.repair_wanted.clear()
        if self._waiting is None:
            self._waiting = deque()

    def await_quote(self) -> None:
        """Count silence from now on, repairs or not: the connection has just become able to tell quotes."""
        self._is_quoting = True
        self._heard_at = self._clock.monotonic()
        self._want_audit(self._market.now_ms())

    def hear(self, quote: Quote) -> None:
        """Take a live quote. Never waits.

        Raises:
            VenueLostError: so many wait for the history that it is better to begin again.
        """
        if self._waiting is None and self._is_after_pause(quote) and self._is_believable(quote):
            self._want_repair()
        if self._waiting is None:
            self._take(quote)
        elif len(self._waiting) >= MOST_WAITING:
            raise VenueLostError("history takes too long")
        else:
            self._waiting.append(quote)

    def _is_after_pause(self, quote: Quote) -> bool:
        known_ms = self._watch.last_ms  # also behind a hole that was given up: asking again would never end
        limit_ms = SHORTEST_HOLE_MS if self._is_doubtful else PAUSE_MS
        return known_ms is not None and quote.epoch_ms - known_ms > limit_ms

    def doubt(self) -> None:
        """History has told what the stream has not: believe the stream again when its next quote leaves no hole."""
        self._is_doubtful = True

    def _is_believable(self, quote: Quote) -> bool:
        """Noise is no reason to ask for history."""
        return self._check.is_believable(quote, self._market.now_ms())

    def _want_repair(self) -> None:
        self.hold()
        self.repair_wanted.set()

    def _take(self, quote: Quote) -> None:
        reason = self._check.judge(quote, self._market.now_ms())
        if reason is not None:
            count_bad(reason, self.symbol)
            return
        try:
            closed = self._fold.add(quote)
        except LateQuoteError:
            count_bad(BadInput.LATE, self.symbol)
            return
        self._see(quote.epoch_ms, quote.epoch_ms)
        self._tries = 1
        self._is_doubtful = False
        self._heard_at = self._clock.monotonic()
        self.happen(Happening.QUOTED, "a quote arrived")
        self._tell(quote)
        self._folded_ms = quote.epoch_ms + 1
        self._close(closed)
        self._teller.draft(self._fold.forming)

    def _close(self, closed: list[Candle]) -> None:
        if closed:
            self._ledger = self._ledger.take(closed)
            self._teller.candles(closed)

    def _tell(self, quote: Quote) -> None:
        self._teller.tick(quote, self.state)
        self._told_ms = quote.epoch_ms

    def _see(self, from_ms: int, to_ms: int) -> None:
        hole = self._watch.see(from_ms, to_ms)
        if hole is not None:
            self._teller.hole(hole, "the venue has no prices")

    # --- history ------------------------------------------------------------------------------------------------------

    def fill(self, minutes: Iterable[Minute], tell_from_ms: int) -> None:
        """Take history in time order: everything is folded, quotes from `tell_from_ms` on are told."""
        for minute in minutes:
            if self._folded_ms is None:
                self._fold = Fold(complete_from_ms=minute.open_ms)
                self._folded_ms = minute.open_ms
            for quote in minute.quotes:
                self._fill_quote(quote, tell_from_ms, is_folded=minute.bar is None)
            self._fill_bar(minute)

    def _fill_quote(self, quote: Quote, tell_from_ms: int, *, is_folded: bool) -> None:
        reason = self._check.judge_past(quote, self._market.now_ms())
        if reason is not None:
            count_bad(reason, self.symbol)
            return
        self._see(quote.epoch_ms, quote.epoch_ms)
        if quote.epoch_ms >= tell_from_ms and quote.epoch_ms > (self._told_ms or -1):
            self._tell(quote)
        if is_folded and quote.epoch_ms >= (self._folded_ms or 0):
            self._close(self._fold.add(quote))
            self._folded_ms = quote.epoch_ms + 1

    def _fill_bar(self, minute: Minute) -> None:
        bar = minute.bar
        if bar is None or bar.end_ms <= self._fold.closed_until_ms:
            return
        reason = self._check.judge_bar(bar)
        if reason is not None:
            count_bad(reason, self.symbol)
            return
        self._see(minute.open_ms, bar.end_ms)
        self._close(self._fold.add_bar(bar, volume=len(minute.quotes)))
        self._folded_ms = bar.end_ms

    def give_up(self, to_ms: int, reason: str) -> None:
        """The venue refuses what lies before `to_ms`: tell the hole and go on."""
        if self._watch.last_ms is not None and to_ms - self._watch.last_ms >= SHORTEST_HOLE_MS:
            self._teller.hole(Hole(self._watch.last_ms, to_ms), reason)
            self._watch.last_ms = to_ms

    def leave_out(self, from_ms: int | None, to_ms: int, reason: str) -> None:
        """Quotes of [from_ms, to_ms) are not asked for, only candles: tell that, if the market was open."""
        if from_ms is not None and self.calendar.open_ms_between(from_ms, to_ms) >= SHORTEST_HOLE_MS:
            self._teller.hole(Hole(from_ms, to_ms), reason)

    def correct(self, bars: Sequence[Bar], until_ms: int) -> None:
        """Take the venue's bars that end by `until_ms` for its last word, and tell where what was told differs."""
        until_ms = min(until_ms, self._fold.closed_until_ms)
        sound = [bar for bar in bars if self._check.is_bar_sound(bar)]
        self._ledger, corrections = self._ledger.revise(sound, until_ms=until_ms, tolerance=self._price_step)
        for correction in corrections:
            self._teller.correct(correction)
        if corrections:
            self._fold.revise(self._ledger.minutes)

    def _want_audit(self, now_ms: int) -> None:
        self._audit_from_ms, self._audited_at = now_ms + AUDIT_EVERY_MS, self._clock.monotonic()
        self.audit_wanted.set()

    def first_waiting_ms(self) -> int | None:
        """The time of the first live quote that waits and is news: history before it is missing, behind it is not."""
        for quote in self._waiting or ():
            if quote.epoch_ms >= (self._folded_ms or 0) and self._check.judge_prices(quote) is None:
                return quote.epoch_ms
        return None

    def settle(self, known_until_ms: int) -> None:
        """Close by the clock what ended; history has said all there was until `known_until_ms`."""
        self._close(self._fold.advance(known_until_ms, self._grace_ms))
        self._folded_ms = max(self._folded_ms or 0, self._fold.closed_until_ms) or None

    def release(self, known_until_ms: int) -> None:
        """Let live quotes flow again, those that waited first; history has said all until `known_until_ms`."""
        waiting, self._waiting = self._waiting or (), None
        news_from_ms = max(self._folded_ms or 0, (self._told_ms or -1) + 1)
        for quote in waiting:
            if quote.epoch_ms >= news_from_ms:
                self._take(quote)
        self.settle(known_until_ms)
        self._judge_freshness(known_until_ms)

    def is_fresh(self, epoch_ms: int, now_ms: int) -> bool:
        """Tell whether a quote of `epoch_ms` is not older than the silence that makes a feed stale."""
        return now_ms - epoch_ms <= self._fresh_ms

    def _judge_freshness(self, now_ms: int) -> None:
        told_ms = self._told_ms or 0
        if self.is_fresh(told_ms, now_ms):
            self.happen(Happening.CAUGHT_UP, "caught up")
        elif not self.calendar.is_open(now_ms):
            self.happen(Happening.SHUT, "market closed")
        elif self.state is not FeedState.CLOSED or not self._has_just_opened(told_ms, now_ms):
            self.happen(Happening.SILENT, "no fresh quote")

    def _has_just_opened(self, told_ms: int, now_ms: int) -> bool:
        known_ms = max(told_ms, self._folded_ms or 0, now_ms - 86_400_000)
        return self.calendar.open_ms_between(known_ms, now_ms) <= self._fresh_ms

    # --- the clock ----------------------------------------------------------------------------------------------------

    def beat(self, now_ms: int) -> None:
        """Look at the clock, a few times a second: silence, closed markets, candles that nobody closes.

        Raises:
            VenueLostError: silent for so long that the connection must be wrong.
        """
        if not self.calendar.is_open(now_ms):
            self._beat_closed()
        elif self._is_quoting:
            self._beat_open()
            self._beat_audit(now_ms)
        end_ms = self._fold.next_end_ms
        if self._waiting is None and end_ms is not None and end_ms + self._grace_ms <= now_ms:
            self._want_repair()

    def _beat_audit(self, now_ms: int) -> None:
        is_paced = self._clock.monotonic() - self._audited_at >= AUDIT_EVERY_WALL_S
        if is_paced and now_ms >= self._audit_from_ms:
            self._want_audit(now_ms)

    def _beat_closed(self) -> None:
        if self._is_quoting and self._clock.monotonic() - self._heard_at >= self._stale_s:
            self.happen(Happening.SHUT, "market closed")
        if self.state is FeedState.CLOSED:
            self._opened_at = self._clock.monotonic()

    def _beat_open(self) -> None:
        silence_s = self.silence_s
        if silence_s >= self._stale_s:
            self.happen(Happening.SILENT, f"no quote for {self._stale_s:g} s")
        if silence_s >= self._reconnect_s * self._tries:
            # a quiet market is not cured by reconnecting: each vain try makes the next one later
            self._tries = min(MOST_PATIENCE, self._tries * 2)
            raise VenueLostError(f"no quote of {self.symbol} for {silence_s:.0f} s")
