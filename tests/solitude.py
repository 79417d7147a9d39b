"""A test that is marked `alone` has the machine for itself: it waits until the other workers' tests end, they for it.

What a test tells of rates and deadlines is worth nothing while others use the cores. Two files are locked: the door,
which everybody passes and a test that wants to be alone keeps shut, and the room, which all others share.
"""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest


@contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    """Hold a lock on a file; `how` is one of fcntl's."""
    with path.open("a") as file:
        fcntl.flock(file, how)
        yield


@contextmanager
def kept(run: str, *, is_alone: bool) -> Iterator[None]:
    """Be in the room of this test run, together with others or alone."""
    door, room = (Path(tempfile.gettempdir()) / f"sinyal-tests-{run}.{part}" for part in ("door", "room"))
    with ExitStack() as held:
        with ExitStack() as at_door:
            at_door.enter_context(locked(door, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH))
            held.enter_context(locked(room, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH))
            if is_alone:
                held.enter_context(at_door.pop_all())
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Wait outside of the test's own time limit."""
    workers = getattr(item.config, "workerinput", None)
    if workers is None:
        return (yield)
    with kept(workers["testrunuid"], is_alone=item.get_closest_marker("alone") is not None):
        return (yield)
