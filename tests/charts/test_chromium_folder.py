"""A browser's folder and its processes: what is swept, what is left alone, what is killed, what is refused."""

import fcntl
import os
import subprocess
import threading
from typing import IO

import pytest

from services.charts.adapters import chromium_folder
from services.charts.adapters.chromium_folder import PREFIX, UNFINISHED, BrowserFolder, RootTooDeepError, sweep
from services.charts.adapters.chromium_process import (
    BrowserNotFoundError,
    find_browser,
    identity,
    kill_session,
    memory_mb,
    session_members,
    session_of,
)


def test_sweep_leaves_the_folder_of_a_living_copy_alone(root):
    mine = BrowserFolder(root)
    (root / f"{PREFIX}link").symlink_to(root)
    try:
        assert sweep(root) == 0
        assert mine.path.is_dir()
    finally:
        mine.remove()
    assert not mine.path.exists()


def test_sweep_leaves_a_folder_alone_that_is_just_being_made(root, monkeypatch):
    swept = []

    class Door:
        """`fcntl` for the maker, before each of whose steps another copy starts and sweeps."""

        LOCK_EX, LOCK_NB = fcntl.LOCK_EX, fcntl.LOCK_NB

        def flock(self, lock: IO[bytes], how: int) -> None:
            with monkeypatch.context() as patch:
                patch.setattr(chromium_folder, "fcntl", fcntl)
                swept.append(sweep(root))
                fcntl.flock(lock, how)
                swept.append(sweep(root))

    monkeypatch.setattr(chromium_folder, "fcntl", Door())
    mine = BrowserFolder(root)
    try:
        assert swept == [0, 0]
        assert mine.profile.is_dir()
        assert list(root.iterdir()) == [mine.path]
    finally:
        mine.remove()


def test_sweep_removes_a_folder_whose_maker_was_killed_long_ago(root):
    young, old = (root / f"{UNFINISHED}{name}" for name in ("young", "old"))
    for path in (young, old):
        path.mkdir()
    os.utime(old, (0, 0))

    assert sweep(root) == 1
    assert list(root.iterdir()) == [young]


def test_sweep_removes_the_folder_of_a_dead_one_whatever_it_noted(root):
    for note in (None, "", "not an identity", "another-boot 1 2 3"):
        folder = BrowserFolder(root)
        folder._lock.close()
        if note is not None:
            (folder.path / "leader").write_text(note)

    assert sweep(root) == 4
    assert list(root.iterdir()) == []


def test_another_process_with_the_same_number_is_not_mistaken():
    mine = identity(os.getpid())
    boot, namespace, started, pid = mine.split()

    assert session_of(mine) == os.getpid()
    assert session_of(f"{boot} {namespace} {int(started) + 1} {pid}") is None
    assert session_of(f"other {namespace} {started} {pid}") is None
    assert session_of("nonsense") is None


def test_a_session_is_killed_whole_stopped_members_too():
    line = "sleep 60 & sleep 60 & kill -STOP $!; echo up; wait"
    with subprocess.Popen(["/bin/sh", "-c", line], start_new_session=True, stdout=subprocess.PIPE) as leader:
        assert leader.stdout.readline() == b"up\n"
        assert len(session_members(leader.pid)) == 3
        assert memory_mb(leader.pid) > 0

        killer = threading.Thread(target=leader.wait)
        killer.start()
        assert kill_session(leader.pid)
        killer.join(60)
        assert session_members(leader.pid) == []


def test_a_browser_is_found_by_name_or_path_or_refused(root, monkeypatch):
    program = root / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(root))

    assert find_browser() == program
    assert find_browser(str(program)) == program
    with pytest.raises(BrowserNotFoundError, match="no-such is no program"):
        find_browser("no-such")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BrowserNotFoundError, match="on the PATH"):
        find_browser()


def test_a_folder_too_deep_for_a_socket_is_refused(root):
    deep = root / ("x" * 50)
    deep.mkdir()

    with pytest.raises(RootTooDeepError, match="leave room for a socket"):
        BrowserFolder(deep)
