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
