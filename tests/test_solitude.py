"""Tests share the machine, except with one that must be alone."""

import fcntl
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.solitude import kept

SOON_S = 60.0
A_MOMENT_S = 0.2
"""How long is looked whether something happens that must not."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return uuid4().hex


@contextmanager
def worker(run, *, is_alone):
    """A test in a thread of its own: gives (it is in, let it out)."""
    entered, leave = threading.Event(), threading.Event()

    def test():
        with kept(run, is_alone=is_alone):
            entered.set()
            leave.wait(SOON_S)

    thread = threading.Thread(target=test)
    thread.start()
    try:
        yield entered, leave
    finally:
        leave.set()
        thread.join(SOON_S)
        assert not thread.is_alive()


def until_shut(run):
    """Wait until one that is to be alone stands at the door."""
    deadline = time.monotonic() + SOON_S
    with (Path(tempfile.gettempdir()) / f"sinyal-tests-{run}.door").open("a") as door:
        while True:
            try:
                fcntl.flock(door, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            fcntl.flock(door, fcntl.LOCK_UN)
            assert time.monotonic() < deadline, "the door stays open"
            time.sleep(0.01)


def test_tests_share_the_machine(run):
    with worker(run, is_alone=False) as (first, _), worker(run, is_alone=False) as (second, _):
        assert first.wait(SOON_S)
        assert second.wait(SOON_S)


def test_one_that_is_alone_waits_for_the_others_and_they_for_it(run):
    with worker(run, is_alone=False) as (first, first_leaves):
        assert first.wait(SOON_S)
        with worker(run, is_alone=True) as (alone, alone_leaves):
            until_shut(run)
            with worker(run, is_alone=False) as (newcomer, _):
                assert not newcomer.wait(A_MOMENT_S)
                first_leaves.set()
                assert alone.wait(SOON_S)
                assert not newcomer.wait(A_MOMENT_S)
                alone_leaves.set()
                assert newcomer.wait(SOON_S)


def test_two_that_are_alone_come_one_after_the_other(run):
    with worker(run, is_alone=True) as (first, first_leaves):
        assert first.wait(SOON_S)
        with worker(run, is_alone=True) as (second, _):
            assert not second.wait(A_MOMENT_S)
            first_leaves.set()
            assert second.wait(SOON_S)
