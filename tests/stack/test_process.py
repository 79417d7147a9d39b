"""A child ends with its parent, at whatever moment that is killed."""

import contextlib
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.watching import is_alive, until

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import os, signal, subprocess, sys
from sandbox.stack.process import tied
moment, user = sys.argv[1:]
signal.signal(signal.SIGTERM, lambda *_: None)  # a child has this too, until it is another program
options = tied(signal.SIGTERM, user or None)
ask = options.pop("preexec_fn")
def pause():
    os.kill(os.getpid(), signal.SIGSTOP)
def begin():
    if moment == "before it asked":
        pause()
    ask()
    if moment == "before it is another program":
        pause()
child = subprocess.Popen(["sleep", "600"], preexec_fn=begin, **options)
os.kill(child.pid, signal.SIGSTOP)
child.wait()
"""


def child_that_stands_still(parent: int) -> int | None:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    stat = Path(f"/proc/{children[0]}/stat").read_text() if children else ""
    return int(children[0]) if stat.rpartition(")")[2].split()[:1] == ["T"] else None


def uid_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nUid:")[2].split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's; elsewhere the janitor ends children")
@pytest.mark.parametrize("moment", ["before it asked", "before it is another program", "when it runs"])
@pytest.mark.parametrize("user", ["", "nobody"])
def test_a_parent_that_is_killed_leaves_no_child_at_whatever_moment(moment: str, user: str) -> None:
    if user and os.geteuid() != 0:
        pytest.skip("only root starts children as somebody else")
    parent = subprocess.Popen([sys.executable, "-c", PARENT, moment, user], cwd=ROOT)
    until(lambda: child_that_stands_still(parent.pid) is not None)
    child = child_that_stands_still(parent.pid)
    assert child is not None
    try:
        assert uid_of(child) == (pwd.getpwnam(user).pw_uid if user else os.geteuid())
        parent.kill()
        parent.wait()

        os.kill(child, signal.SIGCONT)

        until(lambda: not is_alive(child))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
