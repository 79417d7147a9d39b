"""Run a room by a clock in a file: `python -m sandbox.stack.stepped_room CLOCK services.feed`.

The room is the very one that runs in production; only what its clock's `monotonic` tells is another: the time of a
market that is moved by hand. Its wall time, and what it sleeps, are real. What it allows itself to ask per second is
counted by the wall, and would make a fast market wait: that limit is lifted, as the simulated venue lifts its own.
"""

import importlib
import runpy
import sys
from pathlib import Path

from chassis.clock import SystemClock
from sandbox.stack.stepped_clock import SteppedClock

BUDGET = ("services.feed.adapters.deriv_budget", "PER_SECOND")
"""Requests that the feed allows itself; 2 a second in production, of a venue that counts by the minute."""


def main() -> None:
    """Put the clock in place, then be the room."""
    clock = SteppedClock(Path(sys.argv[1]))
    room = sys.argv[2]
    setattr(SystemClock, "monotonic", lambda _: clock.seconds())  # noqa: B010  # a method of a class: mypy refuses =
    if room == "services.feed":
        module, name = BUDGET
        setattr(importlib.import_module(module), name, 1_000.0)
    sys.argv = [room]
    runpy.run_module(room, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
