"""The browser as processes: where it is found, who belongs to it, how all of it ends.

A browser is a session of its own (`start_new_session`): its renderers, zygotes and helpers carry the session's
number wherever they are adopted, so they can be found and killed even where the leader is gone or one of them is
stopped. Linux only in its depth; elsewhere the process group is all that is known.
"""

import contextlib
import os
import select
import shutil
import signal
import time
from pathlib import Path

_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "chrome-headless-shell",
    "headless_shell",
)
_PROC = Path("/proc")


class BrowserNotFoundError(ValueError):
    """No browser where the setting says, or none on the PATH."""


def find_browser(named: str | None = None) -> Path:
    """Find the browser: the named path or command, else the first known name on the PATH.

    Raises:
        BrowserNotFoundError: says what was looked for.
    """
    for name in (named,) if named else _NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise BrowserNotFoundError(f"{named} is no program" if named else f"none of {', '.join(_NAMES)} is on the PATH")


def session_members(session: int) -> list[int]:
    """List the living processes of a session; a zombie does not live."""
    members = []
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit():
            state, member_of = _state_and_session(entry)
            if member_of == session and state not in ("Z", "X"):
                members.append(int(entry.name))
    return members


def _state_and_session(entry: Path) -> tuple[str, int]:
    """Read fields 3 and 6 of /proc/<pid>/stat; a process that has just gone has none. Source: proc(5)."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", -1
    return fields[0], int(fields[3])


def kill_session(session: int, *, limit_s: float = 5.0) -> bool:
    """Kill every process of a session and wait until all are gone. Blocks: call it in a thread.

    Repeats because a process may fork between the list and the signal. Returns False where some outlive the limit.
    """
    deadline = time.monotonic() + limit_s
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
    while members := session_members(session):
        if time.monotonic() > deadline:
            return False
        for pid in members:
            _kill_and_wait(pid, deadline)
    return True


def _kill_and_wait(pid: int, deadline: float) -> None:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], max(0.0, min(0.5, deadline - time.monotonic())))
    finally:
        os.close(handle)


def memory_mb(session: int) -> float:
    """Sum the proportional memory (PSS) of a session's processes, in MB; what cannot be read counts nothing."""
    return sum(_pss_kb(_PROC / str(pid) / "smaps_rollup") for pid in session_members(session)) / 1024


def _pss_kb(path: Path) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def identity(pid: int) -> str:
    """Name a process so that a later one with the same number is not mistaken for it: boot, namespace, start, pid."""
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    namespace = (_PROC / "self/ns/pid").stat().st_ino
    started = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
    return f"{boot} {namespace} {started} {pid}"


def session_of(named: str) -> int | None:
    """Tell the session that `identity` named, or None where it is another boot, another namespace, another process.

    A number cannot be taken again while members of its session live: a dead leader's session is still its own.
    """
    try:
        boot, namespace, _, pid = named.split()
        here = identity(os.getpid()).split()
        if here[:2] != [boot, namespace]:
            return None
        return int(pid) if not (_PROC / pid).exists() or identity(int(pid)) == named else None
    except (OSError, ValueError):
        return None
