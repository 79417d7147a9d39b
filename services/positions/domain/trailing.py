"""Positions whose stops trail: groups that have one stop for ever, so that a rising price moves thousands at once."""

import math
from bisect import bisect_left, insort
from collections.abc import Iterator
from operator import attrgetter

from contracts.messages import ExitReason
from services.positions.domain.course import Followed, Trail


class Track:
    """A followed position inside the index, and where it stands (signed prices, as in `course`): on `target`, on the
    turning points `gain` and `loss`, and on `stop` unless it trails with a `group`.
    """

    __slots__ = ("followed", "gain", "group", "loss", "stop", "target")

    def __init__(self, followed: Followed) -> None:
        self.followed = followed
        self.target = self.stop = 0.0
        self.gain: float | None = None
        self.loss: float | None = None
        self.group: Group | None = None


class Group:
    """Positions that trail with one stop: from now on they have the same stop for ever."""

    __slots__ = ("has_moved", "members", "reason", "stop")

    def __init__(self, stop: float, reason: ExitReason) -> None:
        self.stop = stop
        self.reason = reason
        self.members: dict[Track, None] = {}
        self.has_moved = False
        """Whether all of its members moved since they were last looked at."""


class Trailing:
    """All positions of one side that follow the price in the same way: groups by their stop, lowest first.

    A rising price moves the lowest groups, which then share one stop and are merged; a falling one stops the highest.
    So however many follow, there are no more groups than steps of price between the lowest stop and the price, and a
    position is merged about log n times in its life.
    """

    __slots__ = ("_groups", "_trail", "highest", "next_move")

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._groups: list[Group] = []
        self.highest = -math.inf
        self.next_move = math.inf
        """A price below which no stop follows; at it one may, after rounding."""

    def join(self, track: Track, stop: float, reason: ExitReason) -> None:
        """Have a position follow from the stop it has."""
        self._enter(track, self._group(stop, reason))
        self._settle()

    def leave(self, track: Track) -> None:
        """Have a position follow no more."""
        group = track.group
        assert group is not None, "it follows"
        del group.members[track]
        track.group = None
        if not group.members:
            self._groups.remove(group)
            self._settle()

    def move(self, reach: float) -> None:
        """Have stops follow a rising price."""
        candidate = self._trail.candidate(reach)
        count = 0
        while count < len(self._groups) and self._trail.follows(self._groups[count].stop, candidate):
            count += 1
        if count:
            moved, self._groups = self._groups[:count], self._groups[count:]
            self._merge(moved, candidate)
        self._settle()

    def take(self, reach: float) -> Iterator[Group]:
        """Take off and yield all groups whose stop is at or above a falling price, highest first."""
        while self.highest >= reach:
            group = self._groups.pop()
            self._settle()
            yield group

    def moved(self) -> Iterator[Group]:
        """Yield the groups with positions whose stop moved."""
        return (group for group in self._groups if group.has_moved)

    def _merge(self, moved: list[Group], stop: float) -> None:
        """Make one group of those that moved, by the members of the largest, and of one that is there already."""
        largest = max(moved, key=lambda group: len(group.members))
        for group in moved:
            if group is not largest:
                for track in group.members:
                    self._enter(track, largest)
        largest.stop, largest.reason, largest.has_moved = stop, ExitReason.TRAILING, True
        insort(self._groups, largest, key=_by_stop)

    def _enter(self, track: Track, group: Group) -> None:
        track.group = group
        group.members[track] = None

    def _group(self, stop: float, reason: ExitReason) -> Group:
        """Find the group of a stop, or found it. Those whose stops moved for different reasons stay apart."""
        place = bisect_left(self._groups, stop, key=_by_stop)
        while place < len(self._groups) and self._groups[place].stop == stop:
            if self._groups[place].reason is reason and not self._groups[place].has_moved:
                return self._groups[place]
            place += 1
        group = Group(stop, reason)
        self._groups.insert(place, group)
        return group

    def _settle(self) -> None:
        if not self._groups:
            self.highest, self.next_move = -math.inf, math.inf
            return
        self.highest = self._groups[-1].stop
        half_a_point = 0.6 * 10.0**-self._trail.digits  # a candidate is rounded, at most half a point upward
        self.next_move = self._groups[0].stop + self._trail.step + self._trail.distance - half_a_point


_by_stop = attrgetter("stop")
