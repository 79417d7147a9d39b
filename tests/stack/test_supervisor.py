"""The supervisor: nothing outlives it, what dies comes back, what cannot start is not tried again."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.stack.process import Command
from sandbox.stack.supervisor import NotReadyError, Supervisor

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


async def until(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.02)


async def test_commands_are_stopped_last_started_first(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    async with Supervisor(tmp_path, lambda name, state: told.append((name, state))) as supervisor:
        await supervisor.up([Command("first", SLEEPER)])
        await supervisor.up([Command("second", SLEEPER)])
        pids = [supervisor.pid("first"), supervisor.pid("second")]
        assert all(is_alive(pid) for pid in pids)

    assert [name for name, state in told if state == "stopped"] == ["second", "first"]
    assert not any(is_alive(pid) for pid in pids)


async def test_what_is_killed_comes_back(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.up([Command("sleeper", SLEEPER)])
        before = supervisor.pid("sleeper")
        os.kill(before, signal.SIGKILL)

        await until(lambda: supervisor.pid("sleeper") != before)

        assert is_alive(supervisor.pid("sleeper"))
        assert supervisor.restarts == {"sleeper": 1}


async def test_a_wrong_setting_is_told_and_not_tried_again(tmp_path: Path) -> None:
    refuser = (sys.executable, "-c", "print('room: SINYAL_X: wrong'); raise SystemExit(2)")
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.up([Command("room", refuser)])
        async with asyncio.timeout(15):
            await supervisor.refused.wait()
    assert supervisor.refusal == "room: SINYAL_X: wrong"
    assert supervisor.restarts == {}


async def test_what_never_gets_ready_is_named_with_its_last_words(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    crasher = (sys.executable, "-c", "print('no such file'); raise SystemExit(1)")
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(NotReadyError, match="crasher ended with 1: no such file"):
            await supervisor.up([Command("crasher", crasher, is_ready=never)])
        with pytest.raises(NotReadyError, match="sleeper is not ready after 0 s"):
            await supervisor.up([Command("sleeper", SLEEPER, is_ready=never, ready_s=0.2)])


def test_a_supervisor_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from sandbox.stack.process import Command
        from sandbox.stack.supervisor import Supervisor
        async def main():
            async with Supervisor(Path({str(tmp_path)!r})) as supervisor:
                await supervisor.up([Command(n, (sys.executable, "-c", "import time; time.sleep(600)")) for n in "ab"])
                print(supervisor.pid("a"), supervisor.pid("b"), flush=True)
                await asyncio.sleep(600)
        asyncio.run(main())
    """)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 2

    process.kill()
    process.communicate()

    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "a child outlived its supervisor"
        time.sleep(0.05)
