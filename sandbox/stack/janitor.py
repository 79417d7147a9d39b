"""Cleans up after a stack whose owner was killed: `python -m sandbox.stack.janitor FOLDER IDENTITY`.

It waits for the end of its standard input, which comes with the end of its owner, however that ends. What carries the
stack's mark then has a while to end by itself; the rest is killed, and the folder removed.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.stack.marks import find_marked

GRACE_S = 12.0
"""Longer than a service's own grace: its children asked the kernel for a signal, and stop in order."""


class Janitor:
    """Watches over a folder and the processes of one stack while the context is open, and at its end removes both."""

    def __init__(self, folder: Path, identity: str) -> None:
        command = (sys.executable, "-m", __name__, str(folder), identity)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for the owner
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def __enter__(self) -> Self:
        """Watch."""
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None) -> None:
        """Let it clean, which is quick where everything has been stopped, and wait for its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def clean(folder: Path, identity: str, grace_s: float = GRACE_S) -> None:
    """End what carries the mark and remove the folder."""
    deadline = time.monotonic() + grace_s
    while marked := find_marked(identity):
        if time.monotonic() > deadline:
            for pid in marked:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Wait for the owner's end, then clean."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    clean(Path(sys.argv[1]), sys.argv[2])


if __name__ == "__main__":
    main()
