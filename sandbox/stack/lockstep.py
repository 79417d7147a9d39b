"""A tape pushed through the running rooms in lockstep: the market moves on when all of them are through with it.

At full speed a busy machine would decide what a signal meets: whether its predecessor's exit was stored, whether a
message was delivered in time. Here the venue stands still meanwhile, so that what comes out is a function of the tape
alone, on any machine and under any load, and a room may be killed and come back in the middle.

The order of a minute: its first quote, which closes the candle before it, and what that quote does to positions; the
candle is judged, its signal handed out and delivered; then the other quotes of the minute. So the quote that closes a
candle is known to positions before the candle's signal is, as in life, where it takes the shorter way; the signals room
is frozen until it is.
"""

import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

from contracts.messages import Interval
from sandbox.exchange.day_sheet import Spot
from sandbox.stack.stack import Stack
from sandbox.stack.standing import Standing, pause
from sandbox.stack.stepped_clock import SteppedClock
from sandbox.stack.witness import Witness

PATIENCE_S = 90.0
"""How long (wall) a room may take over one step: longer than a restart, and than the broker holds a dead one's work."""

HOP_MS = 600_000
"""Across longer pauses the market and the feed's clock go hand in hand, in hops: shorter than the feed's grace, so that
it is never ahead by more, even if it asks the venue for the time in the middle of one."""

GRACE_WALL_MS, MARGIN_MS = 250, 60_000
"""What the feed allows quotes to be late before it closes a candle by its clock, and a little more of the market."""


class StalledError(RuntimeError):
    """A room was not through with a step in time; the message says which and what it was waited for."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A room to be killed −9 when the market reaches a moment (epoch ms), with work received and not done: signals with
    the candle that closes then, positions with the other quotes of that minute.
    """

    room: str
    at_ms: int


@dataclass(slots=True)
class Measured:
    """What a run was: minutes with quotes, wall seconds, rooms that were killed."""

    minutes: int = 0
    took_s: float = 0.0
    killed: list[str] = field(default_factory=list)


class Lockstep:
    """Moves the market of one stack."""

    def __init__(
        self, stack: Stack, seen: Witness, standing: Standing, *, live_ms: int, kills: Sequence[Kill] = ()
    ) -> None:
        self._stack = stack
        self._seen = seen
        self._standing = standing
        self._live_ms = live_ms
        self._now_ms = live_ms
        self._clock = SteppedClock(stack.layout.clock)
        self._kills = sorted(kills, key=lambda kill: kill.at_ms)
        self._signals = 0
        self.measured = Measured()

    async def play(self, spots: Sequence[Spot], told: Callable[[int], None] = lambda _moment_ms: None) -> None:
        """Play quotes, oldest first, to their end; `told` hears the market's time after each minute.

        Raises:
            StalledError: a room did not get through.
        """
        await self._check("feed: read the history", lambda: self._standing.is_listening(self._seen.symbol))
        began = time.monotonic()
        try:
            for first, rest in minutes_of(spots):
                await self._minute(first, rest)
                told(self._now_ms)
        finally:
            self._thaw("signals")
        await self._follow_all()
        self.measured.took_s = time.monotonic() - began

    async def _minute(self, first: Spot, rest: Sequence[Spot]) -> None:
        due = self._due(first.epoch_ms)
        if first.epoch_ms - self._now_ms > HOP_MS:
            await self._pass_pause(first.epoch_ms - 1)
        self._freeze("signals")
        forming_s = self._seen.last_tick_ms // 1000
        await self._tell(first)
        await self._closed(forming_s, first.epoch)
        await self._followed()
        if "signals" in due:
            await self._kill("signals")
        self._thaw("signals")
        await self._judged()
        await self._others(rest, is_fatal="positions" in due)
        self.measured.minutes += 1

    async def _others(self, rest: Sequence[Spot], *, is_fatal: bool) -> None:
        """Tell the other quotes of a minute; the positions room may have to die with them in its hands."""
        if is_fatal:
            self._freeze("positions")
        if rest:
            await self._tell(rest[-1])
        if is_fatal:
            await self._kill("positions")

    # --- the market ---------------------------------------------------------------------------------------------------

    async def _tell(self, spot: Spot) -> None:
        """Let the venue tell everything up to a quote, and wait until the feed has published it."""
        await self._standing.step_to(spot.epoch_ms)
        self._now_ms = spot.epoch_ms
        wanted_ms = spot.epoch * 1000
        await self._until(lambda: self._seen.last_tick_ms >= wanted_ms, f"feed: publish the quote of {wanted_ms}")
        self._clock.move(spot.epoch_ms - self._live_ms)

    async def _pass_pause(self, moment_ms: int) -> None:
        """Pass a long pause: what the feed closes by its clock is judged while the market is still thought open."""
        await self._followed()
        forming_s = self._seen.last_tick_ms // 1000
        grace_ms = int(GRACE_WALL_MS * self._stack.layout.market.speed) + MARGIN_MS
        for interval in Interval:
            closed_ms = (forming_s // interval.seconds + 1) * interval.seconds * 1000 + grace_ms
            if self._seen.tick_count and closed_ms < moment_ms:
                await self._hop(closed_ms)
                await self._closed(forming_s, closed_ms // 1000, (interval,))
                await self._judged()
        await self._hop(moment_ms)

    async def _hop(self, moment_ms: int) -> None:
        while self._now_ms < moment_ms:
            self._now_ms = min(self._now_ms + HOP_MS, moment_ms)
            await self._standing.step_to(self._now_ms)
            self._clock.move(self._now_ms - self._live_ms)

    async def _closed(self, forming_s: int, now_s: int, intervals: Iterable[Interval] = Interval) -> None:
        """Wait until the feed has closed the candles that formed at one second and have ended at another."""
        seen = self._seen
        if forming_s < 0:
            return
        for interval in intervals:
            open_s = forming_s // interval.seconds * interval.seconds
            is_whole = open_s >= seen.first_candle_s.get(Interval.M1, open_s)
            if is_whole and open_s + interval.seconds <= now_s:
                await self._until(partial(_reaches, seen, interval, open_s), f"feed: close the {interval} candle")

    # --- the rooms ----------------------------------------------------------------------------------------------------

    async def _judged(self) -> None:
        """Wait until the candles that closed are judged, and what they raised has reached its subscribers."""
        standing, candles = self._standing, self._seen.sequences.get("CANDLES", 0)
        judged = partial(standing.is_done, "CANDLES", "signals-candles", candles)
        await self._check("signals: judge the candles", judged)
        raised = await standing.last_sequence("SIGNALS")
        if raised == self._signals:
            return
        self._signals = raised
        handed_out = partial(standing.is_done, "SIGNALS", "positions-signals", raised)
        await self._check("positions: hand the signal out", handed_out)
        await self._check("telegram: deliver the signal", self._is_settled)

    async def _is_settled(self) -> bool:
        return (await self._standing.owed()).unsettled == 0

    async def _followed(self) -> None:
        """Wait until positions has followed every quote and stored what came of it."""
        ticks = self._seen.sequences.get("TICKS", 0)
        await self._check("positions: follow the ticks and store the exits", partial(self._has_stored, ticks))

    async def _has_stored(self, sequence: int) -> bool:
        """What is open in the database is what the room follows: it has heard of all, and has no exit in hand."""
        followed = await self._standing.followed(self._seen.symbol, sequence)
        return followed is not None and followed == (await self._standing.owed()).live

    async def _follow_all(self) -> None:
        """At the end: wait until the room has stored that it followed every tick."""
        last = await self._standing.last_sequence("TICKS")

        async def is_followed() -> bool:
            return await self._standing.followed_sequence(self._seen.symbol) >= last

        await self._check("positions: follow the last tick", is_followed)

    # --- kills --------------------------------------------------------------------------------------------------------

    def _due(self, moment_ms: int) -> list[str]:
        """Name the rooms that die in this minute."""
        due = [kill.room for kill in self._kills if kill.at_ms <= moment_ms]
        self._kills = [kill for kill in self._kills if kill.at_ms > moment_ms]
        return due

    def _freeze(self, room: str) -> None:
        """Let a room do nothing from now on; what is sent to it waits in its socket."""
        os.kill(self._stack.supervisor.pid(room), signal.SIGSTOP)

    def _thaw(self, room: str) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._stack.supervisor.pid(room), signal.SIGCONT)

    async def _kill(self, room: str) -> None:
        self._stack.kill(room)
        self.measured.killed.append(room)

        async def is_back() -> bool:
            return await self._standing.is_ready(room)

        await self._check(f"{room}: come back", is_back)
        if room == "positions":
            await self._follow_all()

    # --- waiting ------------------------------------------------------------------------------------------------------

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        if not await self._seen.until(holds, within_s=PATIENCE_S):
            raise StalledError(self._complaint(what))

    async def _check(self, what: str, holds: Callable[[], Awaitable[bool]]) -> None:
        """Ask until the answer is yes."""
        deadline = time.monotonic() + PATIENCE_S
        while not await holds():
            if time.monotonic() > deadline:
                raise StalledError(self._complaint(what))
            await pause()

    def _complaint(self, what: str) -> str:
        """Say what was not done; it begins with the room that owes it."""
        last = self._stack.supervisor.tail(what.partition(":")[0])
        return f"not done within {PATIENCE_S:.0f} s at market time {self._now_ms}: {what}; its log ends: {last}"


def _reaches(seen: Witness, interval: Interval, open_s: int) -> bool:
    return seen.last_candle_s.get(interval, -1) >= open_s


def minutes_of(spots: Sequence[Spot]) -> Iterator[tuple[Spot, Sequence[Spot]]]:
    """Part quotes by their minute, each into its first and its others."""
    for _, found in groupby(spots, key=lambda spot: spot.epoch // 60):
        first, *rest = found
        yield first, rest
