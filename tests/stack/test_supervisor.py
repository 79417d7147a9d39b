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
from typing import Any

import pytest

from sandbox.stack import process
from sandbox.stack import supervisor as supervisor_module
from sandbox.stack.process import Command, Running
from sandbox.stack.supervisor import NotReadyError, Supervisor
from tests.stack.watching import is_alive

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")


async def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
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


async def test_a_stop_that_was_cancelled_is_made_good_by_the_next(tmp_path: Path) -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    told: list[tuple[str, str]] = []
    async with Supervisor(tmp_path, lambda name, state: told.append((name, state))) as supervisor:
        await supervisor.up([Command("deaf", (sys.executable, "-c", script), stop_s=1.0)])
        pid = supervisor.pid("deaf")
        await until(lambda: supervisor.tail("deaf") == "deaf")
        stopping = asyncio.ensure_future(supervisor.down())
        await until(lambda: ("deaf", "stopping") in told)
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
        assert is_alive(pid)

    assert not is_alive(pid)


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
        async with asyncio.timeout(60):
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


async def test_a_restart_under_way_does_not_outlive_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_restarting, may_start = asyncio.Event(), asyncio.Event()
    started: list[Running] = []

    async def start_when_told(*args: Any) -> Running:
        if len(started) == 2:
            is_restarting.set()
            await may_start.wait()
        started.append(await process.start(*args))
        return started[-1]

    def tell(_name: str, state: str) -> None:
        if state == "stopping":
            may_start.set()

    monkeypatch.setattr(supervisor_module, "start", start_when_told)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    async with Supervisor(tmp_path, tell) as supervisor:
        await supervisor.up([Command("deaf", (sys.executable, "-c", deaf), stop_s=1), Command("sleeper", SLEEPER)])
        await until(lambda: supervisor.log("deaf").stat().st_size > 0)
        os.kill(supervisor.pid("sleeper"), signal.SIGKILL)
        await is_restarting.wait()

    assert [one for one in started if is_alive(one.pid)] == []


async def test_all_that_a_refusing_process_complained_of_is_told(tmp_path: Path) -> None:
    (tmp_path / "room.log").write_text("an earlier run's words\n")
    said = "print('{\\\"event\\\": \\\"x\\\"}'); print('room: SINYAL_X: wrong'); print('SINYAL_Y: wrong')"
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.up([Command("room", (sys.executable, "-c", f"{said}; raise SystemExit(2)"))])
        async with asyncio.timeout(60):
            await supervisor.refused.wait()
    assert supervisor.refusal == "room: SINYAL_X: wrong\nSINYAL_Y: wrong"


async def test_a_process_that_ran_before_is_started_again_though_what_it_needs_is_away(tmp_path: Path) -> None:
    """The broker is down while a killed room comes back: it ends with `cannot start`, and must be tried again."""
    first_run = tmp_path / "first"
    first_run.touch()
    script = f"import os, time; p = {str(first_run)!r}; os.path.exists(p) or exit(2); os.remove(p); time.sleep(600)"
    async with Supervisor(tmp_path) as supervisor:
        await supervisor.up([Command("room", (sys.executable, "-c", script))])
        await until(lambda: not first_run.exists())
        os.kill(supervisor.pid("room"), signal.SIGKILL)

        await until(lambda: supervisor.restarts.get("room", 0) == 2)

        assert not supervisor.refused.is_set()


async def test_what_has_no_readiness_is_told_as_started(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    async with Supervisor(tmp_path, lambda name, state: told.append((name, state))) as supervisor:
        await supervisor.up([Command("sleeper", SLEEPER)])
        assert told == [("sleeper", "starting"), ("sleeper", "started")]
