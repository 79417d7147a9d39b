"""The ladders of one side of the level index, and the band of prices in which nothing happens."""

import math
from dataclasses import replace

from contracts.messages import ExitReason, Side
from services.positions.domain.course import Trail
from services.positions.domain.ladder import Ladder
from services.positions.domain.trailing import Track, Trailing


class Book:
    """The ladders of one side. Between `low` and `high` (signed prices, both outside) nothing happens."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.sign = side.sign
        self.targets = Ladder()
        self.stops = Ladder()
        self.gains = Ladder()
        self.losses = Ladder()
        self.trailings: dict[Trail, Trailing] = {}
        self.low = -math.inf
        self.high = math.inf
        self.next_move = math.inf

    def enter(self, track: Track) -> None:
        """Put a position on the ladders."""
        followed = track.followed
        track.target = followed.target * self.sign
        self.targets.add(track.target, track)
        track.stop = followed.stop * self.sign
        self.stops.add(-track.stop, track)
        self.arm(track, -math.inf)

    def leave(self, track: Track, *, has_target: bool, has_stop: bool) -> None:
        """Take a position off the ladders."""
        if has_target:
            self.targets.remove(track.target, track)
        if has_stop:
            self._drop_stop(track)
        self.disarm(track, None)

    def next_target(self, track: Track) -> None:
        """Put a position that came off a target on its next one."""
        first, *later = track.followed.later_targets
        track.followed = replace(track.followed, target=first, later_targets=tuple(later))
        track.target = first * self.sign
        self.targets.add(track.target, track)

    def catch_up(self, track: Track) -> None:
        """Write into a position that trails where its stop has followed to."""
        if track.group is not None:
            stop = track.group.stop * self.sign
            track.followed = replace(track.followed, stop=stop, stop_reason=track.group.reason)

    def put_stop(self, track: Track, stop: float, reason: ExitReason, reach: float) -> None:
        """Put a position's stop where it is now: on the ladder, or, once the price has come far enough, with those
        that trail.
        """
        followed, trail_from = track.followed, track.followed.course.trail_from
        is_trailing = trail_from is not None and (track.group is not None or reach >= trail_from * self.sign)
        if stop == followed.stop and is_trailing == (track.group is not None):
            return
        self._drop_stop(track)
        track.followed = replace(followed, stop=stop, stop_reason=reason)
        if is_trailing:
            trail = _trail_of(track)
            self.trailings.setdefault(trail, Trailing(trail)).join(track, stop * self.sign, reason)
        else:
            track.stop = stop * self.sign
            self.stops.add(-track.stop, track)

    def _drop_stop(self, track: Track) -> None:
        if track.group is not None:
            self.trailings[_trail_of(track)].leave(track)
        else:
            self.stops.remove(-track.stop, track)

    def arm(self, track: Track, reach: float) -> None:
        """Set up the next price at which the stop of a position is looked at, on either side of the price."""
        course, sign = track.followed.course, self.sign
        stop = track.followed.stop * sign
        gains = []
        if course.break_even_at is not None and stop < course.entry * sign:
            gains.append(course.break_even_at * sign)
        if course.trail_from is not None and track.group is None:
            gains.append(course.trail_from * sign)
        ahead = [price for price in gains if price > reach]
        if ahead:
            track.gain = min(ahead)
            self.gains.add(track.gain, track)
        if course.tighten_at is not None and course.tighten_to is not None and stop < course.tighten_to * sign:
            track.loss = -course.tighten_at * sign
            self.losses.add(track.loss, track)

    def disarm(self, track: Track, reach: float | None) -> None:
        """Take a position off its turning points; those that this tick came to (`reach`) are off already."""
        if track.gain is not None:
            if reach is None or track.gain > reach:
                self.gains.remove(track.gain, track)
            track.gain = None
        if track.loss is not None:
            if reach is None or track.loss > -reach:
                self.losses.remove(track.loss, track)
            track.loss = None

    def learn_band(self) -> None:
        """Learn between which prices nothing happens."""
        highest, self.next_move = -math.inf, math.inf
        for trailing in self.trailings.values():
            highest = max(highest, trailing.highest)
            self.next_move = min(self.next_move, trailing.next_move)
        self.low = max(-self.stops.nearest, -self.losses.nearest, highest)
        self.high = min(self.targets.nearest, self.gains.nearest, self.next_move)


def _trail_of(track: Track) -> Trail:
    trail = track.followed.course.trail
    assert trail is not None, "it trails"
    return trail
