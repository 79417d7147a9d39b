"""How long to wait before the next connection: by how long the last one lived, with jitter, for ever.

A venue that accepts and closes at once (maintenance, a ban) must not be called in a loop, so a handshake alone resets
nothing: only a connection that lived does. Seen: a client that resets on each handshake reconnected 1,649 times in 5 s.
"""

from dataclasses import dataclass

SOUND_S = 60.0
"""A connection that lived this long was sound: the next wait is the first one again."""


@dataclass
class Backoff:
    """Waits of first_s · 2ⁿ, at most `most_s`, each shortened by up to half at random."""

    first_s: float = 1.0
    most_s: float = 60.0
    failures: int = 0

    def next_delay_s(self, lived_s: float, chance: float) -> float:
        """Tell the wait after a connection that lived `lived_s` (0: it never came up); `chance` is in [0, 1)."""
        if lived_s >= SOUND_S:
            self.failures = 0
        longest_s = min(self.most_s, self.first_s * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return longest_s * (0.5 + chance / 2)


@dataclass
class Breaker:
    """Stops calling a venue that was not there so many times in a row: after each rest one try decides.

    A try failed where the venue was not reached or did not get as far as a greeting. `rest_s` is in wall seconds.
    """

    limit: int = 5
    rest_s: float = 30.0
    failures: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the venue is being left alone."""
        return self.failures >= self.limit

    def note(self, *, is_reached: bool) -> bool:
        """Take note of a try; tell whether that opened or closed the breaker."""
        was_open = self.is_open
        self.failures = 0 if is_reached else self.failures + 1
        return self.is_open is not was_open

    def at_least(self, delay_s: float) -> float:
        """Stretch a wait to the rest while the breaker is open."""
        return max(delay_s, self.rest_s) if self.is_open else delay_s
