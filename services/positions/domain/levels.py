"""The level index: which of many positions a tick crosses, without looking at the others.

Per side two ladders of prices, nearest first: targets and stops. Positions that share a price share its rung, so a
signal given to ten thousand people is two rungs. A tick that crosses nothing costs four comparisons, whatever is
open; opening and closing cost O(log distinct prices). Equal to looking at every position at every tick, which a
property test holds it to.

A position waits until a tick later than its `in_force_ms`: prices from before it existed cannot close it, however
often a replay shows them.
"""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.messages import ExitReason, Side
from services.positions.domain.exits import Price


@dataclass(frozen=True, slots=True)
class Followed:
    """A position as the index sees it: two prices, in force for ticks later than `in_force_ms` (market time)."""

    position_id: str
    side: Side
    stop: float
    target: float
    in_force_ms: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """One level that a tick crossed, and the positions that stood on it, in the order they came."""

    side: Side
    reason: ExitReason
    level: float
    position_ids: tuple[str, ...]


class Ladder:
    """Prices with the positions that stand on them; `nearest` is the lowest price held, infinite when empty.

    Prices come in so signed that a rising market crosses them from below. A rung whose last position left stays in the
    heap until it comes to the top.
    """

    __slots__ = ("_heap", "_rungs", "nearest")

    def __init__(self) -> None:
        self._heap: list[float] = []
        self._rungs: dict[float, dict[str, None]] = {}
        self.nearest = math.inf

    def add(self, price: float, position_id: str) -> None:
        """Put a position on a price."""
        rung = self._rungs.get(price)
        if rung is None:
            rung = self._rungs[price] = {}
            heapq.heappush(self._heap, price)
            self.nearest = self._heap[0]
        rung[position_id] = None

    def remove(self, price: float, position_id: str) -> None:
        """Take a position off a price."""
        del self._rungs[price][position_id]
        self._settle()

    def take(self, reach: float) -> Iterator[tuple[float, tuple[str, ...]]]:
        """Take off and yield all rungs at or below `reach`, nearest first."""
        while self.nearest <= reach:
            price = heapq.heappop(self._heap)
            yield price, tuple(self._rungs.pop(price))
            self._settle()

    def _settle(self) -> None:
        """Drop empty rungs from the top and learn the nearest price."""
        while self._heap and not self._rungs[self._heap[0]]:
            del self._rungs[heapq.heappop(self._heap)]
        self.nearest = self._heap[0] if self._heap else math.inf


class LevelIndex:
    """All followed positions of one symbol.

    A SELL is a BUY on the mirrored price −ask. Stops are mirrored again, since a falling market crosses them.
    """

    def __init__(self) -> None:
        self._targets = {side: Ladder() for side in Side}
        self._stops = {side: Ladder() for side in Side}
        self._followed: dict[str, Followed] = {}
        self._waiting: list[tuple[int, str]] = []
        self._is_waiting: set[str] = set()
        self._order = tuple((side, self._targets[side], self._stops[side]) for side in Side)

    def __len__(self) -> int:
        return len(self._followed)

    def __contains__(self, position_id: object) -> bool:
        return position_id in self._followed

    def add(self, followed: Followed) -> None:
        """Follow a position from the first tick after its `in_force_ms` on. One that is followed already stays."""
        if followed.position_id in self._followed:
            return
        self._followed[followed.position_id] = followed
        self._is_waiting.add(followed.position_id)
        heapq.heappush(self._waiting, (followed.in_force_ms, followed.position_id))

    def remove(self, position_id: str) -> None:
        """Stop following a position; one that is not followed is no error."""
        followed = self._followed.pop(position_id, None)
        if followed is None:
            return
        if position_id in self._is_waiting:
            self._is_waiting.discard(position_id)
            return
        sign = followed.side.sign
        self._targets[followed.side].remove(followed.target * sign, position_id)
        self._stops[followed.side].remove(-followed.stop * sign, position_id)

    def cross(self, price: Price) -> list[Crossing]:
        """Take out and tell what this tick crosses: per side targets, then stops, nearest first."""
        if self._waiting and self._waiting[0][0] < price.epoch_ms:
            self._admit(price.epoch_ms)
        crossings: list[Crossing] = []
        for side, targets, stops in self._order:
            reach = price.bid if side is Side.BUY else -price.ask
            if reach >= targets.nearest:
                crossings += self._reached(side, ExitReason.TARGET, reach)
            if -reach >= stops.nearest:
                crossings += self._reached(side, ExitReason.STOP, -reach)
        return crossings

    def _admit(self, epoch_ms: int) -> None:
        """Put on the ladders what waited for a tick of this time."""
        while self._waiting and self._waiting[0][0] < epoch_ms:
            in_force_ms, position_id = heapq.heappop(self._waiting)
            followed = self._followed.get(position_id)
            if followed is None or position_id not in self._is_waiting or followed.in_force_ms != in_force_ms:
                continue  # it was removed while it waited
            self._is_waiting.discard(position_id)
            self._targets[followed.side].add(followed.target * followed.side.sign, position_id)
            self._stops[followed.side].add(-followed.stop * followed.side.sign, position_id)

    def _reached(self, side: Side, reason: ExitReason, reach: float) -> list[Crossing]:
        ladder = (self._targets if reason is ExitReason.TARGET else self._stops)[side]
        mirror = side.sign if reason is ExitReason.TARGET else -side.sign
        crossings = [Crossing(side, reason, price * mirror, ids) for price, ids in ladder.take(reach)]
        for crossing in crossings:
            for position_id in crossing.position_ids:
                self._leave(position_id, reason)
        return crossings

    def _leave(self, position_id: str, reason: ExitReason) -> None:
        """Forget a position that left one ladder: take it off the other."""
        followed = self._followed.pop(position_id)
        sign = followed.side.sign
        if reason is ExitReason.TARGET:
            self._stops[followed.side].remove(-followed.stop * sign, position_id)
        else:
            self._targets[followed.side].remove(followed.target * sign, position_id)
