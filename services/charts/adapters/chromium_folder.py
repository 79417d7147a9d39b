"""The browser's own temporary folder: profile, home and page, all in one place that goes away with it.

The folder is locked by the process that made it. A folder whose lock is free belonged to a process that was killed:
`sweep` ends the browser it may have left and removes it, so a crash leaves nothing for longer than until the next
start. While it is made and not locked yet, it has a name that `sweep` leaves alone until it is old.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO

from services.charts.adapters.chromium_process import identity, kill_session, session_of

PREFIX = "sinyal-charts-"
MAX_ROOT_LENGTH = 107 - len(f"/{PREFIX}12345678/org.chromium.Chromium.123456/SingletonSocket")
"""Chromium puts a socket into the folder, and the path of a socket has at most 107 characters. Source: unix(7)."""
UNFINISHED = f".{PREFIX}"
UNFINISHED_S = 60.0
"""A folder is made within milliseconds: one that has been unfinished for so long was left by a killed process."""
_LOCK = "lock"
_LEADER = "leader"


class RootTooDeepError(ValueError):
    """The path of the temporary folder is too long: the browser could not put its socket there."""


class BrowserFolder:
    """A locked folder under `root`. Blocking, but short: a few small files."""

    def __init__(self, root: Path | None = None) -> None:
        check_root(root)
        unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=root))
        self._lock: IO[bytes] = (unfinished / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.path = unfinished.rename(unfinished.with_name(unfinished.name.removeprefix(".")))
        self.profile = self.path / "profile"
        self.home = self.path / "home"
        self.profile.mkdir()
        self.home.mkdir()

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
    place, swept = root or Path(tempfile.gettempdir()), 0
    for path in sorted((*place.glob(f"{PREFIX}*"), *place.glob(f"{UNFINISHED}*"))):
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.geteuid() and not _is_made(path):
                swept += _sweep_one(path)
    return swept


def _is_made(path: Path) -> bool:
    """Whether somebody may be making this folder now: then its lock says nothing yet."""
    return path.name.startswith(UNFINISHED) and time.time() - path.stat().st_mtime < UNFINISHED_S


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
