"""Streams and consumers in memory, with the rules of the real ones that decide about delivery.

Kept: dedupe by id, coalescing, limits per subject and by age, work queues, partition tokens, in_flight, ack_wait, naks
that hold their slot, max_deliver, pinned owners. Left out: disks, replicas, bytes.
"""

import asyncio
import heapq
import itertools
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from chassis.bus import Outgoing, Stored
from chassis.clock import Clock
from chassis.subjects import matches, transformed
from contracts.catalogue import stream_subjects, stream_transform
from contracts.channels import Consumer, Retention, Stream

POLL_S = 0.005
"""How often, in real seconds, a clock that somebody else moves is looked at while something is due on it."""


class Alarms:
    """Calls back when the given clock has reached a moment, whoever moves that clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._handle: asyncio.TimerHandle | None = None

    def after(self, delay_s: float, call: Callable[[], object]) -> None:
        """Call once, `delay_s` clock seconds from now."""
        heapq.heappush(self._due, (self._clock.monotonic() + delay_s, next(self._numbers), call))
        self._arm()

    def _arm(self) -> None:
        if self._handle is None and self._due:
            self._handle = asyncio.get_running_loop().call_later(POLL_S, self._ring)

    def _ring(self) -> None:
        self._handle = None
        while self._due and self._due[0][0] <= self._clock.monotonic():
            heapq.heappop(self._due)[2]()
        self._arm()


class Bell:
    """Wakes everybody who waits for a change."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def ring(self) -> None:
        """Wake all."""
        for event in self._waiting:
            event.set()

    async def wait(self) -> None:
        """Sleep until the next ring."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await event.wait()
        finally:
            self._waiting.discard(event)


class MemoryStream:
    """The messages of one stream, by sequence."""

    def __init__(self, definition: Stream, clock: Clock) -> None:
        self.definition = definition
        self.subjects = stream_subjects(definition)
        self.bell = Bell()
        self.last_sequence = 0
        self._transform = stream_transform(definition)
        self._clock = clock
        self._messages: dict[int, Stored] = {}
        self._order: list[int] = []
        self._by_subject: dict[str, dict[int, None]] = {}
        self._ids: dict[str, float] = {}

    def captures(self, subject: str) -> bool:
        """Tell whether a published subject belongs here."""
        return any(matches(pattern, subject) for pattern in self.subjects)

    def append(self, message: Outgoing) -> Stored | None:
        """Store a message, or return None where its id is known or its subject coalesces. An empty id is no id."""
        self._forget_old()
        subject = transformed(message.subject, self._transform)
        if self.is_known(message.id) or (self.definition.coalesce and self._by_subject.get(subject)):
            return None
        self.last_sequence += 1
        headers = {"Nats-Msg-Id": message.id, **message.headers} if message.id else dict(message.headers)
        stored = Stored(subject, message.body, headers, self.last_sequence, self._clock.now())
        self._messages[stored.sequence] = stored
        self._order.append(stored.sequence)
        self._by_subject.setdefault(subject, {})[stored.sequence] = None
        if message.id:
            self.know(message.id)
        self._trim(subject)
        self.bell.ring()
        return stored

    def is_known(self, identity: str) -> bool:
        """Tell whether an id was stored within the dedupe window."""
        stored_at = self._ids.get(identity)
        return stored_at is not None and self._clock.monotonic() - stored_at < self.definition.dedupe_s

    def know(self, identity: str) -> None:
        """Remember an id whose message appears later."""
        self._ids[identity] = self._clock.monotonic()

    def read(self, sequence: int) -> Stored | None:
        """Find one message."""
        return self._messages.get(sequence)

    def remove(self, sequence: int) -> None:
        """Let one message go."""
        stored = self._messages.pop(sequence, None)
        if stored is not None:
            del self._by_subject[stored.subject][sequence]
        if len(self._order) > 2 * len(self._messages) + 64:
            self._order = sorted(self._messages)

    def after(self, sequence: int, patterns: tuple[str, ...]) -> Stored | None:
        """Find the first message behind a sequence that fits a pattern; no patterns fit all."""
        self._forget_old()
        for place in range(bisect_right(self._order, sequence), len(self._order)):
            stored = self._messages.get(self._order[place])
            if stored and (not patterns or any(matches(pattern, stored.subject) for pattern in patterns)):
                return stored
        return None

    def all(self, patterns: tuple[str, ...] = ()) -> list[Stored]:
        """List what is kept, in order."""
        self._forget_old()
        found = (self._messages[number] for number in self._order if number in self._messages)
        return [stored for stored in found if not patterns or any(matches(p, stored.subject) for p in patterns)]

    def _trim(self, subject: str) -> None:
        kept = self._by_subject[subject]
        while len(kept) > self.definition.per_subject > 0:
            self.remove(next(iter(kept)))

    def _forget_old(self) -> None:
        if not self.definition.max_age_s:
            return
        oldest = self._clock.now() - timedelta(seconds=self.definition.max_age_s)
        while self._messages and (first := next(iter(self._messages.values()))).stored_at < oldest:
            self.remove(first.sequence)


@dataclass(slots=True)
class Hand:
    """A message that was given out and is not settled. It holds a slot of `in_flight` while it waits, too."""

    reader: object | None
    attempt: int
    round: int


class MemoryConsumer:
    """A durable consumer: where it stands, and what is in whose hand."""

    def __init__(
        self, definition: Consumer, stream: MemoryStream, alarms: Alarms, advise: Callable[[str, int, int], None]
    ) -> None:
        self.definition = definition
        self.stream = stream
        self._alarms = alarms
        self._advise = advise
        self._readers: list[object] = []
        self._hands: dict[int, Hand] = {}
        self._due: set[int] = set()
        self._start()

    def _start(self) -> None:
        self._cursor = self.stream.last_sequence if self.definition.only_new else 0
        self._skipped: set[int] = set()
        if self.definition.last_per_subject:
            kept = self.stream.all(self.definition.filters)
            last = {stored.subject: stored.sequence for stored in kept}
            self._skipped = {stored.sequence for stored in kept} - set(last.values())

    def join(self, reader: object) -> None:
        """Let a reader take. Of a pinned consumer only the first may, until it leaves."""
        self._readers.append(reader)

    def leave(self, reader: object) -> None:
        """Take a reader's unsettled messages back: they are due at once."""
        self._readers.remove(reader)
        for sequence, hand in self._hands.items():
            if hand.reader is reader:
                self._take_back(sequence, hand)
        self.stream.bell.ring()

    def take(self, reader: object) -> tuple[Stored, int] | None:
        """Give the next message with its attempt, or None where there is none now."""
        if self.definition.pinned and self._readers[:1] != [reader]:
            return None
        while self._due:
            sequence = min(self._due)
            self._due.remove(sequence)
            attempt = self._hands[sequence].attempt
            stored = self.stream.read(sequence)
            if stored is None:
                del self._hands[sequence]
            elif attempt >= self.definition.max_deliver:
                del self._hands[sequence]
                self._advise("MAX_DELIVERIES", sequence, attempt)
            else:
                return stored, self._hand_out(sequence, reader, attempt + 1)
        return self._take_new(reader)

    def settle(self, sequence: int) -> None:
        """Be done with a message."""
        self._due.discard(sequence)
        if self._hands.pop(sequence, None) and self.stream.definition.retention is Retention.WORK_QUEUE:
            self.stream.remove(sequence)
        self.stream.bell.ring()

    def put_off(self, sequence: int, delay_s: float) -> None:
        """Give a message again after a delay; until then it keeps its slot."""
        hand = self._hands.get(sequence)
        if hand is not None:
            hand.reader = None
            self._due.discard(sequence)
            self._watch(sequence, hand, delay_s)

    def touch(self, sequence: int) -> None:
        """Start the ack_wait of a message anew."""
        hand = self._hands.get(sequence)
        if hand is not None and hand.reader is not None:
            self._watch(sequence, hand, self.definition.ack_wait_s)

    def advise(self, kind: str, sequence: int, attempts: int) -> None:
        """Tell the advisories what became of a message."""
        self._advise(kind, sequence, attempts)

    def count_unsettled(self) -> int:
        """Count what was given out and what was never given."""
        fresh = [stored for stored in self.stream.all(self.definition.filters) if stored.sequence > self._cursor]
        return len(self._hands) + len(fresh)

    def _take_new(self, reader: object) -> tuple[Stored, int] | None:
        while len(self._hands) < self.definition.in_flight:
            stored = self.stream.after(self._cursor, self.definition.filters)
            if stored is None:
                return None
            self._cursor = stored.sequence
            if stored.sequence not in self._skipped:
                return stored, self._hand_out(stored.sequence, reader, 1)
        return None

    def _hand_out(self, sequence: int, reader: object, attempt: int) -> int:
        hand = self._hands[sequence] = Hand(reader, attempt, 0)
        self._watch(sequence, hand, self.definition.ack_wait_s)
        return attempt

    def _watch(self, sequence: int, hand: Hand, delay_s: float) -> None:
        hand.round += 1
        expected = hand.round

        def overdue() -> None:
            if self._hands.get(sequence) is hand and hand.round == expected:
                self._take_back(sequence, hand)
                self.stream.bell.ring()

        self._alarms.after(delay_s, overdue)

    def _take_back(self, sequence: int, hand: Hand) -> None:
        hand.reader = None
        hand.round += 1
        self._due.add(sequence)
