"""Who may be told something next: the order and the pace of all calls that the limits of a bot token count.

Promises: never more than the limits allow, at most one call in flight per chat, the order within a chat kept, and no
class starved. Refuses to know the clock: every method is told the time, in seconds that never go back.

Source of the numbers: the Bot API's FAQ (one message per second and chat, 20 per minute and group, 30 per second in
all), each with a margin, and counted from a call's completion because that is what the server sees last.
"""

import heapq
from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

from contracts.messages import SendClass
from services.telegram.domain.pace import Pace

T = TypeVar("T")

WEIGHTS: dict[SendClass, int] = {
    SendClass.EXIT: 40,
    SendClass.SIGNAL: 20,
    SendClass.STOP: 10,
    SendClass.REPLY: 8,
    SendClass.PICTURE: 4,
    SendClass.DASHBOARD: 3,
    SendClass.BROADCAST: 1,
}
"""Shares of the pace when classes compete. Strict priority starves the lower ones; one is enough not to."""

HURRY_S = 45.0
"""A chat is in a hurry where something that presses expires sooner than this."""
HASTE = 2
"""How many chats in a hurry cost their class as much of its share as one that is not."""

_RANK = {kind: rank for rank, kind in enumerate(SendClass)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How fast a bot may speak. Rates per second, gaps and windows in seconds; what is faster than free is paid."""

    per_second: float = 28.0
    private_gap_s: float = 1.02
    group_gap_s: float = 3.05
    in_flight: int = 128
    flood_chats: int = 3
    flood_window_s: float = 2.0
    is_paid: bool = False

    def gap_s(self, chat_id: int) -> float:
        """Tell how long a chat rests after a call. Groups and channels have negative ids."""
        return self.private_gap_s if chat_id > 0 else self.group_gap_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[T]):
    """One thing to tell one chat. A newer waiting job with the same `coalesce` key takes an older one's place."""

    chat_id: int
    kind: SendClass
    work: T
    expires_s: float | None = None
    coalesce: str | None = None

    @property
    def is_pressing(self) -> bool:
        """Return whether it is lost when it comes too late. An edit is not: a newer one shows what it would have."""
        return self.expires_s is not None and self.coalesce is None

    def is_expired(self, now_s: float) -> bool:
        """Return whether nobody wants to read it any more."""
        return self.expires_s is not None and now_s >= self.expires_s


@dataclass(frozen=True, slots=True)
class Pick(Generic[T]):
    """A job whose turn came. An expired one must not be sent; it has cost nothing and occupies nothing."""

    job: Job[T]
    is_expired: bool = False


@dataclass(slots=True)
class _Lane(Generic[T]):
    """The queue of one chat. `ticket` tells which entry of a heap is the lane's latest; older ones are void."""

    chat_id: int
    free_at: float = 0.0
    is_busy: bool = False
    ticket: int = 0
    jobs: deque[tuple[int, Job[T]]] = field(default_factory=deque)

    def front(self) -> tuple[SendClass, int]:
        """Return the most important class that waits here, which pulls the whole lane forward, and since when it does.

        What presses keeps the place of its own arrival: an exit behind a signal must not set the signal back.
        """
        arrival, job = min(self.jobs, key=lambda entry: (_RANK[entry[1].kind], entry[0]))
        return job.kind, min((number for number, other in self.jobs if other.is_pressing), default=arrival)

    def is_in_a_hurry(self, now_s: float) -> bool:
        """Return whether something that presses expires soon."""
        return any(job.is_pressing and job.is_expired(now_s + HURRY_S) for _, job in self.jobs)


class Scheduler(Generic[T]):
    """Orders jobs: a queue per chat, ready chats by class and arrival, resting chats by the time they are free."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lanes: dict[int, _Lane[T]] = {}
        self._ready: dict[SendClass, list[tuple[int, int, _Lane[T]]]] = {kind: [] for kind in SendClass}
        self._resting: list[tuple[float, int, _Lane[T]]] = []
        self._passes = dict.fromkeys(SendClass, 0.0)
        self._reached = 0.0
        self._numbers = count(1)
        self._pace = Pace(limits.per_second)
        self._paused_until = 0.0
        self._in_flight = 0
        self._floods: deque[tuple[float, int]] = deque()
        self._waiting: Counter[SendClass] = Counter()

    @property
    def in_flight(self) -> int:
        """Calls that were picked and not yet completed."""
        return self._in_flight

    def waiting(self) -> dict[SendClass, int]:
        """Count the waiting jobs of each class."""
        return {kind: self._waiting[kind] for kind in SendClass}

    def offer(self, job: Job[T], now_s: float) -> Job[T] | None:
        """Queue a job behind the others of its chat. Returns the older job whose place it took, if any."""
        lane = self._lanes.setdefault(job.chat_id, _Lane(job.chat_id))
        replaced = self._take_place(lane, job)
        if replaced is None:
            lane.jobs.append((next(self._numbers), job))
        self._waiting[job.kind] += 1
        self._place(lane, now_s)
        return replaced

    def next(self, now_s: float) -> Pick[T] | None:
        """Take the job whose turn it is, or None where nothing may go now. Report its end with `complete` and co."""
        self._wake(now_s)
        if self._in_flight >= self._limits.in_flight or now_s < self._paused_until:
            return None
        kind = self._class_in_turn()
        if kind is None:
            return None
        lane = self._ready[kind][0][2]
        if lane.jobs[0][1].is_expired(now_s):
            pick = Pick(self._pop(lane), is_expired=True)
            self._place(lane, now_s)
            return pick
        if now_s < self._pace.next_at:
            return None
        return self._start(lane, kind, now_s)

    def wake_at(self, now_s: float) -> float | None:
        """Tell when `next` is worth asking again; None: only an offer or a completion can change its answer."""
        self._wake(now_s)
        moments = []
        if self._in_flight < self._limits.in_flight and self._class_in_turn() is not None:
            moments.append(max(now_s, self._paused_until, self._pace.next_at))
        if self._resting:
            moments.append(self._resting[0][0])
        return min(moments, default=None)

    def complete(self, chat_id: int, now_s: float, *, was_called: bool = True) -> None:
        """Say that a picked job ended. Where a call was made, the chat rests from now."""
        lane = self._end(chat_id)
        if was_called:
            lane.free_at = max(lane.free_at, now_s + self._limits.gap_s(chat_id))
        self._place(lane, now_s)

    def put_back(self, job: Job[T], now_s: float, delay_s: float) -> Job[T] | None:
        """Return a picked job to the head of its chat, which rests for `delay_s` (and its gap): order is kept.

        Returns the job itself where a newer one with its key waits already: then it is not needed any more.
        """
        lane = self._end(job.chat_id)
        lane.free_at = max(lane.free_at, now_s + max(delay_s, self._limits.gap_s(job.chat_id)))
        is_overtaken = job.coalesce is not None and any(other.coalesce == job.coalesce for _, other in lane.jobs)
        if not is_overtaken:
            lane.jobs.appendleft((lane.jobs[0][0] - 1 if lane.jobs else next(self._numbers), job))
            self._waiting[job.kind] += 1
        self._place(lane, now_s)
        return job if is_overtaken else None

    def flood(self, job: Job[T], now_s: float, retry_after_s: float) -> Job[T] | None:
        """Take note of a 429: its chat rests, and everything rests where several chats got one at the same time."""
        self._floods.append((now_s, job.chat_id))
        while self._floods[0][0] < now_s - self._limits.flood_window_s:
            self._floods.popleft()
        if len({chat_id for _, chat_id in self._floods}) >= self._limits.flood_chats:
            self._paused_until = max(self._paused_until, now_s + retry_after_s)
        return self.put_back(job, now_s, retry_after_s)

    def pause(self, now_s: float, seconds: float) -> None:
        """Let everything rest: the bot itself is refused."""
        self._paused_until = max(self._paused_until, now_s + seconds)

    def is_paused(self, now_s: float) -> bool:
        """Return whether all chats rest."""
        return now_s < self._paused_until

    def drain(self) -> list[Job[T]]:
        """Take all waiting jobs out, oldest first."""
        entries = [entry for lane in self._lanes.values() for entry in lane.jobs]
        for lane in self._lanes.values():
            lane.jobs.clear()
            lane.ticket = next(self._numbers)
        self._waiting.clear()
        return [job for _, job in sorted(entries, key=lambda entry: entry[0])]

    def _take_place(self, lane: _Lane[T], job: Job[T]) -> Job[T] | None:
        if job.coalesce is None:
            return None
        for place, (arrival, other) in enumerate(lane.jobs):
            if other.coalesce == job.coalesce:
                lane.jobs[place] = (arrival, job)
                self._waiting[other.kind] -= 1
                return other
        return None

    def _end(self, chat_id: int) -> _Lane[T]:
        lane = self._lanes[chat_id]
        if not lane.is_busy:
            raise ValueError(f"chat {chat_id} has no call in flight")
        lane.is_busy = False
        self._in_flight -= 1
        return lane

    def _place(self, lane: _Lane[T], now_s: float) -> None:
        """Put the lane where it belongs now; its older entries in the heaps become void."""
        lane.ticket = next(self._numbers)
        if lane.is_busy:
            return
        if lane.free_at > now_s:
            heapq.heappush(self._resting, (lane.free_at, lane.ticket, lane))
        elif lane.jobs:
            self._make_ready(lane)
        else:
            del self._lanes[lane.chat_id]

    def _make_ready(self, lane: _Lane[T]) -> None:
        kind, arrival = lane.front()
        if not self._tidy(self._ready[kind]):
            # a class that was silent starts from here: silence is no credit
            self._passes[kind] = max(self._passes[kind], self._reached)
        heapq.heappush(self._ready[kind], (arrival, lane.ticket, lane))

    def _wake(self, now_s: float) -> None:
        while self._resting and (self._resting[0][0] <= now_s or self._resting[0][2].ticket != self._resting[0][1]):
            _, ticket, lane = heapq.heappop(self._resting)
            if lane.ticket == ticket:
                self._place(lane, now_s)

    def _tidy(self, heap: list[tuple[int, int, _Lane[T]]]) -> bool:
        """Drop void entries from the top; return whether a true one is left."""
        while heap and heap[0][2].ticket != heap[0][1]:
            heapq.heappop(heap)
        return bool(heap)

    def _class_in_turn(self) -> SendClass | None:
        """Return the class that has had least of its share (stride scheduling), the more important one on a tie."""
        active = [kind for kind in SendClass if self._tidy(self._ready[kind])]
        return min(active, key=lambda kind: self._passes[kind], default=None)

    def _pop(self, lane: _Lane[T]) -> Job[T]:
        _, job = lane.jobs.popleft()
        self._waiting[job.kind] -= 1
        return job

    def _start(self, lane: _Lane[T], kind: SendClass, now_s: float) -> Pick[T]:
        self._reached = self._passes[kind]
        self._passes[kind] += 1 / (WEIGHTS[kind] * (HASTE if lane.is_in_a_hurry(now_s) else 1))
        self._pace.take(now_s)
        self._in_flight += 1
        lane.is_busy = True
        lane.ticket = next(self._numbers)
        return Pick(self._pop(lane))
