"""The level index: what a tick does to many positions, without looking at those it does nothing to.

Per side there are ladders of prices, nearest first: targets and stops, the prices at which a stop is moved for the
first time, and groups of positions whose stops trail. Positions that share a price share its rung, so a signal given
to ten thousand people is a few rungs. Each side knows the band of prices between which nothing happens: a tick inside
it costs two comparisons, whatever is open. Opening and closing cost O(log distinct prices). Equal to `course.step` for
every position at every tick, which a property test holds it to.

A position waits until a tick later than its `in_force_ms`: prices from before it existed cannot close it, however
often a replay shows them.
"""

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contracts.messages import ExitReason, Side
from services.positions.domain.book import Book
from services.positions.domain.course import Followed, tightened
from services.positions.domain.exits import Price
from services.positions.domain.ladder import Ladder
from services.positions.domain.trailing import Track

__all__ = ["Crossing", "Followed", "Ladder", "LevelIndex", "Standing"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """One level that a tick crossed, and the positions that stood on it, in the order they came.

    `is_last` ends the trade; a target that is not the last closes a part of it. A time limit has the executable price
    as its level.
    """

    side: Side
    reason: ExitReason
    level: float
    position_ids: tuple[str, ...]
    is_last: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a followed position's stop is now, and what put it there."""

    stop: float
    reason: ExitReason


class LevelIndex:
    """All followed positions of one symbol."""

    def __init__(self) -> None:
        self._tracks: dict[str, Track] = {}
        self._waiting: list[tuple[int, str]] = []
        self._is_waiting: set[str] = set()
        self._books = {side: Book(side) for side in Side}
        self._buys, self._sells = self._books[Side.BUY], self._books[Side.SELL]
        self._deadlines = Ladder()
        self._due_ms = math.inf
        """The market time up to which nobody waits to be admitted and no time limit is reached."""
        self._moved: dict[Track, None] = {}

    def __len__(self) -> int:
        return len(self._tracks)

    def __contains__(self, position_id: object) -> bool:
        return position_id in self._tracks

    def add(self, followed: Followed) -> None:
        """Follow a position from the first tick after its `in_force_ms` on. One that is followed already stays."""
        if followed.position_id in self._tracks:
            return
        self._tracks[followed.position_id] = Track(followed)
        self._is_waiting.add(followed.position_id)
        heapq.heappush(self._waiting, (followed.in_force_ms, followed.position_id))
        self._learn_due()

    def remove(self, position_id: str) -> None:
        """Stop following a position; one that is not followed is no error."""
        track = self._tracks.get(position_id)
        if track is not None:
            self._leave(track)
            self._books[track.followed.side].learn_band()

    def cross(self, price: Price) -> list[Crossing]:
        """Tell what this tick crosses, and forget what it ends: per side targets, then stops, nearest first; then time
        limits. Then move stops.
        """
        if price.epoch_ms > self._due_ms:
            self._admit(price.epoch_ms)
        buys, sells, is_due = self._buys, self._sells, price.epoch_ms > self._due_ms
        crossings: list[Crossing] = []
        if is_due or not buys.low < price.bid < buys.high:
            crossings += self._cross_side(buys, price.bid, price)
        if is_due or not sells.low < -price.ask < sells.high:
            crossings += self._cross_side(sells, -price.ask, price)
        return crossings

    # --- looking at it ------------------------------------------------------------------------------------------------

    def ids(self) -> list[str]:
        """List all that is followed."""
        return list(self._tracks)

    def standing(self, position_id: str) -> Standing | None:
        """Tell where the stop of a position is now; None for one that is not followed."""
        track = self._tracks.get(position_id)
        if track is None:
            return None
        if track.group is not None:
            return Standing(track.group.stop * track.followed.side.sign, track.group.reason)
        return Standing(track.followed.stop, track.followed.stop_reason)

    def take_moved(self) -> list[str]:
        """Tell whose stops moved since this was last asked."""
        moved = dict.fromkeys(track.followed.position_id for track in self._moved)
        self._moved.clear()
        for book in self._books.values():
            for trailing in book.trailings.values():
                for group in trailing.moved():
                    group.has_moved = False
                    moved.update(dict.fromkeys(track.followed.position_id for track in group.members))
        return list(moved)

    # --- coming -------------------------------------------------------------------------------------------------------

    def _admit(self, epoch_ms: int) -> None:
        """Put on the ladders what waited for a tick of this time."""
        while self._waiting and self._waiting[0][0] < epoch_ms:
            in_force_ms, position_id = heapq.heappop(self._waiting)
            track = self._tracks.get(position_id)
            if track is None or position_id not in self._is_waiting or track.followed.in_force_ms != in_force_ms:
                continue  # it was removed while it waited
            self._is_waiting.discard(position_id)
            self._books[track.followed.side].enter(track)
            if track.followed.course.deadline_ms is not None:
                self._deadlines.add(track.followed.course.deadline_ms, track)
        for book in self._books.values():
            book.learn_band()
        self._learn_due()

    def _learn_due(self) -> None:
        waiting_ms = self._waiting[0][0] if self._waiting else math.inf
        self._due_ms = min(waiting_ms, self._deadlines.nearest - 1)

    # --- a tick -------------------------------------------------------------------------------------------------------

    def _cross_side(self, book: Book, reach: float, price: Price) -> list[Crossing]:
        crossings: list[Crossing] = []
        gained = self._take_targets(book, reach, crossings)
        self._take_stops(book, reach, crossings)
        if price.epoch_ms > self._due_ms:
            self._take_deadlines(book, reach, price.epoch_ms, crossings)
        adjusted = dict.fromkeys(gained)
        for ladder, signed in ((book.gains, reach), (book.losses, -reach)):
            for _, tracks in ladder.take(signed):
                adjusted.update(dict.fromkeys(tracks))
        for track in adjusted:
            if track.followed.position_id in self._tracks:
                self._adjust(book, track, reach, is_target_reached=track in gained)
        if reach >= book.next_move:
            for trailing in book.trailings.values():
                trailing.move(reach)
        book.learn_band()
        return crossings

    def _take_targets(self, book: Book, reach: float, crossings: list[Crossing]) -> dict[Track, None]:
        """Take what reached a target; returns those that go on with a part of their size."""
        going_on: dict[Track, None] = {}
        for level, tracks in book.targets.take(reach):
            last = [track for track in tracks if not track.followed.later_targets]
            for track in last:
                self._leave(track, has_target=False)
                going_on.pop(track, None)
            parted = [track for track in tracks if track.followed.later_targets]
            for track in parted:
                book.next_target(track)
                going_on[track] = None
            price = level * book.sign
            crossings += _crossings(book.side, ExitReason.TARGET, price, last)
            crossings += _crossings(book.side, ExitReason.TARGET, price, parted, is_last=False)
        return going_on

    def _take_stops(self, book: Book, reach: float, crossings: list[Crossing]) -> None:
        found: list[tuple[float, ExitReason, tuple[Track, ...]]] = []
        for mirrored, tracks in book.stops.take(-reach):
            for reason in dict.fromkeys(track.followed.stop_reason for track in tracks):
                those = tuple(track for track in tracks if track.followed.stop_reason is reason)
                found.append((-mirrored, reason, those))
        for trailing in book.trailings.values():
            found += [(group.stop, group.reason, tuple(group.members)) for group in trailing.take(reach)]
        for stop, reason, tracks in sorted(found, key=lambda one: -one[0]):
            for track in tracks:
                self._leave(track, has_stop=False)
            crossings += _crossings(book.side, reason, stop * book.sign, tracks)

    def _take_deadlines(self, book: Book, reach: float, epoch_ms: int, crossings: list[Crossing]) -> None:
        """Take those whose time is up; those of the other side wait for its turn in the same tick."""
        others: list[tuple[float, Track]] = []
        ended: list[Track] = []
        for deadline_ms, tracks in self._deadlines.take(epoch_ms):
            for track in tracks:
                if track.followed.side is book.side:
                    self._leave(track, has_deadline=False)
                    ended.append(track)
                else:
                    others.append((deadline_ms, track))
        for deadline_ms, track in others:
            self._deadlines.add(deadline_ms, track)
        crossings += _crossings(book.side, ExitReason.TIME, reach * book.sign, ended)
        self._learn_due()

    def _adjust(self, book: Book, track: Track, reach: float, *, is_target_reached: bool) -> None:
        """Move the stop of a position that came to one of its turning points, and set up the next of them."""
        book.disarm(track, reach)
        book.catch_up(track)
        stop, reason = tightened(track.followed, reach, is_target_reached=is_target_reached)
        if stop != track.followed.stop:
            self._moved[track] = None
        book.put_stop(track, stop, reason, reach)
        book.arm(track, reach)

    # --- going --------------------------------------------------------------------------------------------------------

    def _leave(
        self, track: Track, *, has_target: bool = True, has_stop: bool = True, has_deadline: bool = True
    ) -> None:
        """Forget a position: take it off everything that it still stands on."""
        followed = track.followed
        del self._tracks[followed.position_id]
        self._moved.pop(track, None)
        if followed.position_id in self._is_waiting:
            self._is_waiting.discard(followed.position_id)
            return
        self._books[followed.side].leave(track, has_target=has_target, has_stop=has_stop)
        if has_deadline and followed.course.deadline_ms is not None:
            self._deadlines.remove(followed.course.deadline_ms, track)


def _crossings(
    side: Side, reason: ExitReason, level: float, tracks: Iterable[Track], *, is_last: bool = True
) -> Iterator[Crossing]:
    """Tell of a level, unless nobody stands on it."""
    position_ids = tuple(track.followed.position_id for track in tracks)
    if position_ids:
        yield Crossing(side, reason, level, position_ids, is_last)
