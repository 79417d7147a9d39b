"""The browser's own temporary folder: profile, home and page, all in one place that goes away with it.

The folder is locked by the process that made it. A folder whose lock is free belonged to a process that was killed:
`sweep` ends the browser it may have left and removes it, so a crash leaves nothing for longer than until the next
start.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from services.charts.adapters.chromium_process import identity, kill_session, session_of

PREFIX = "sinyal-charts-"
MAX_ROOT_LENGTH = 107 - len(f"/{PREFIX}12345678/org.chromium.Chromium.123456/SingletonSocket")
"""Chromium puts a socket into the folder, and the path of a socket has at most 107 characters. Source: unix(7)."""
_LOCK = "lock"
_LEADER = "leader"


class RootTooDeepError(ValueError):
    """The path of the temporary folder is too long: the browser could not put its socket there."""


class BrowserFolder:
    """A locked folder under `root`. Blocking, but short: a few small files."""

    def __init__(self, root: Path | None = None) -> None:
        check_root(root)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        self.profile = self.path / "profile"
        self.home = self.path / "home"
        self.profile.mkdir()
        self.home.mkdir()
        self._lock: IO[bytes] = (self.path / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remember(self, leader: int) -> None:
        """Note which browser lives here, for whoever has to clean up after us."""
        with contextlib.suppress(OSError):
            (self.path / _LEADER).write_text(identity(leader))

    def remove(self) -> None:
        """Remove the folder and let go of the lock. The browser must be dead: it would write it anew."""
        _remove(self.path)
        self._lock.close()


def check_root(root: Path | None) -> None:
    """Refuse a folder whose path is too long.

    Raises:
        RootTooDeepError: names the path and the limit.
    """
    path = str((root or Path(tempfile.gettempdir())).absolute())
    if len(path) > MAX_ROOT_LENGTH:
        raise RootTooDeepError(f"{path} has {len(path)} characters, at most {MAX_ROOT_LENGTH} leave room for a socket")


def sweep(root: Path | None = None) -> int:
    """End the browsers and remove the folders that killed processes of this user left; return how many. Blocks."""
    swept = 0
    for path in sorted((root or Path(tempfile.gettempdir())).glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.geteuid():
                swept += _sweep_one(path)
    return swept


def _sweep_one(path: Path) -> bool:
    with (path / _LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        session = _session(path)
        if session is not None:
            kill_session(session)
        _remove(path)
        return True


def _session(path: Path) -> int | None:
    try:
        return session_of((path / _LEADER).read_text())
    except OSError:
        return None


def _remove(path: Path) -> None:
    """A file may appear while the tree is walked: go again, but not for ever."""
    for _ in range(3):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
