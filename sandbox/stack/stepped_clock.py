"""A clock in a file: one process moves it by market time, another reads it. It stands still in between.

A room that goes by it cannot tell that its market was held: no silence, no candle closed too early, however long the
wall's clock went on meanwhile.
"""

import mmap
import struct
from pathlib import Path
from typing import Self

_FORM = struct.Struct("<dd")
START_S = 1_000.0


class SteppedClock:
    """Seconds that never go back, `speed` times slower than market time: as a room's own clock would run."""

    def __init__(self, path: Path) -> None:
        """Open a clock that `create` made."""
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _FORM.size)

    @classmethod
    def create(cls, path: Path, speed: float) -> Self:
        """Make a clock that stands at its start."""
        path.write_bytes(_FORM.pack(START_S, speed))
        return cls(path)

    def seconds(self) -> float:
        """Tell the time."""
        seconds: float = _FORM.unpack_from(self._memory)[0]
        return seconds

    def move(self, passed_ms: int) -> None:
        """Show that so much market time has passed since the start, if that is later than what it shows."""
        shown, speed = _FORM.unpack_from(self._memory)
        struct.pack_into("<d", self._memory, 0, max(shown, START_S + passed_ms / 1000 / speed))
