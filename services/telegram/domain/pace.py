"""A pace without bursts: the generic cell rate algorithm with room for one late call.

After a call that started late, because the machine was busy, one may follow sooner, never two: any second has at most
two calls more than the pace.
"""


class Pace:
    """So many calls a second. Refuses to know the clock: seconds that never go back come in as arguments."""

    def __init__(self, per_second: float) -> None:
        self._interval_s = 1 / per_second
        self.next_at = 0.0

    def take(self, now_s: float) -> None:
        """Learn that a call starts now."""
        self.next_at = max(self.next_at, now_s - self._interval_s) + self._interval_s
