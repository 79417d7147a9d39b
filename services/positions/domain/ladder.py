"""Prices with what stands on them, nearest first.

Prices are signed as in `course`: what a rising market crosses is positive, what a falling one crosses is mirrored once
more, so that every ladder is crossed from below.
"""

import heapq
import math
from collections.abc import Iterator

from services.positions.domain.trailing import Track


class Ladder:
    """Prices with the positions that stand on them; `nearest` is the lowest price held, infinite when empty.

    Positions that share a price share its rung. A rung whose last position left stays in the heap until it comes to
    the top.
    """

    __slots__ = ("_heap", "_rungs", "nearest")

    def __init__(self) -> None:
        self._heap: list[float] = []
        self._rungs: dict[float, dict[Track, None]] = {}
        self.nearest = math.inf

    def add(self, price: float, track: Track) -> None:
        """Put a position on a price."""
        rung = self._rungs.get(price)
        if rung is None:
            rung = self._rungs[price] = {}
            heapq.heappush(self._heap, price)
            self.nearest = self._heap[0]
        rung[track] = None

    def remove(self, price: float, track: Track) -> None:
        """Take a position off a price."""
        rung = self._rungs[price]
        del rung[track]
        if not rung and price == self.nearest:
            self._settle()

    def take(self, reach: float) -> Iterator[tuple[float, tuple[Track, ...]]]:
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
