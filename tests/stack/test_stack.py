"""A stack and its end: nothing runs on and nothing lies about, however it was ended."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from cli.demo import DOUBLE_PRESS_S
from sandbox.stack import stack as stack_module
from sandbox.stack.janitor import Janitor, clean
from sandbox.stack.layout import PORTS, ROOMS, Market, plan
from sandbox.stack.marks import MARK, find_marked
from sandbox.stack.ports import reserved
from sandbox.stack.postgres import NoPostgresError
from sandbox.stack.stack import Stack
from tests.stack.watching import until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.real


def marked_anywhere(folder: Path) -> list[int]:
    """List processes that were given `folder` as the place for temporary files."""
    wanted, found = f"TMPDIR={folder}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in environment:
            found.append(int(process.name))
    return found


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for a demo's own folders: a database of another user may reach it, a browser's socket fits into it."""
    folder = Path(tempfile.mkdtemp(prefix="t"))
    folder.chmod(0o711)
    yield folder
    for pid in marked_anywhere(folder):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder)


def listed(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def start_demo(temporary: Path, *flags: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", "--no-open", *flags],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def has_started(temporary: Path, name: str) -> bool:
    return any(temporary.glob(f"sinyal-*/logs/{name}.log"))


def test_a_reserved_port_can_be_listened_on_by_children_and_taken_by_nobody_else() -> None:
    with reserved(3) as ports:
        assert len(set(ports)) == 3
        for port in ports:
            with socket.socket() as child:
                child.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                child.bind(("127.0.0.1", port))
                child.listen()
            with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
                stranger.bind(("127.0.0.1", port))


async def test_a_binary_that_is_missing_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NoPostgresError("PostgreSQL was not found")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(stack_module, "plan", refuse)
    with pytest.raises(NoPostgresError):
        async with Stack(Market()):
            pass
    assert listed(tmp_path) == []


def test_real_servers_named_by_the_environment_are_never_what_a_sandbox_speaks_to(tmp_path: Path) -> None:
    layout = plan(tmp_path, "x", Market(), range(20_000, 20_000 + PORTS))
    for name in ROOMS:
        told = layout.room(name).environment
        prefix = f"SINYAL_{name.upper()}_"
        assert told[f"{prefix}NATS_URL"] == layout.broker.url
        assert told[f"{prefix}MARKET_SPEED"] == "60.0"
        assert told[f"{prefix}HTTP_HOST"] == "127.0.0.1"
    feed = layout.room("feed").environment
    assert feed["SINYAL_FEED_VENUE_URL"] == layout.exchange_url
    assert feed["SINYAL_FEED_SYMBOLS"] == "XAUUSD=frxXAUUSD"
    for name in ("positions", "telegram"):
        assert layout.room(name).environment[f"SINYAL_{name.upper()}_DATABASE_URL"] == layout.database_url


def test_the_janitor_ends_what_ignores_its_owner_s_death(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    (folder / "logs").mkdir(parents=True)
    script = textwrap.dedent(f"""
        import os, subprocess, sys, time
        from pathlib import Path
        from sandbox.stack import janitor
        janitor.Janitor(Path({str(folder)!r}), "a-mark")
        subprocess.Popen(["sleep", "600"], env={{**os.environ, {MARK!r}: "a-mark"}}, start_new_session=True)
        print("ready", flush=True)
        time.sleep(600)
    """)
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    until(lambda: len(find_marked("a-mark")) == 1)

    owner.kill()
    owner.communicate()

    until(lambda: not folder.exists())
    assert find_marked("a-mark") == []


def test_the_janitor_has_nothing_to_wait_for_after_an_orderly_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stack"
    folder.mkdir()
    with Janitor(folder, "nobody"):
        pass
    assert not folder.exists()
    folder.mkdir()
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"waited {seconds} s for nobody"))
    clean(folder, "nobody")
    assert not folder.exists()


@pytest.mark.stack
@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", ["nats", "telegram"])
def test_a_demo_that_is_killed_leaves_nothing(moment: str, temporary: Path) -> None:
    demo = start_demo(temporary)
    until(lambda: has_started(temporary, moment) or demo.poll() is not None)
    assert demo.poll() is None, demo.communicate()

    demo.kill()
    demo.communicate()

    until(lambda: not marked_anywhere(temporary))
    assert list(temporary.iterdir()) == []


@pytest.mark.stack
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_while_it_starts_says_so_and_leaves_nothing(number: int, temporary: Path) -> None:
    demo = start_demo(temporary)
    until(lambda: any(temporary.glob("sinyal-*/postgres/data")))  # initdb is at work

    os.killpg(demo.pid, number)  # as a terminal's Ctrl-C does
    _, said = demo.communicate(timeout=100)

    assert demo.returncode == 2
    assert said.strip().splitlines()[-1] == "sinyal: stopped while starting"
    assert marked_anywhere(temporary) == []
    assert list(temporary.iterdir()) == []


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def until_told(lines: IO[str], *words: str) -> None:
    """Read on until a line says this."""
    said: list[str] = []
    for line in lines:
        said.append(line)
        if line.split() == list(words):
            return
    pytest.fail(f"{words} was not said, but {said}")


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_a_demo_that_is_told_twice_to_stop_does_not_wait_for_what_is_under_way(temporary: Path) -> None:
    with start_demo(temporary, "--subscribers", "400") as demo:
        assert demo.stderr is not None
        until_told(demo.stderr, "people", "400", "join")
        (positions,) = (pid for pid in marked_anywhere(temporary) if "services.positions" in command_of(pid))
        os.kill(positions, signal.SIGSTOP)  # what is under way stays so
        demo.send_signal(signal.SIGINT)
        until_told(demo.stderr, "feed", "stopping")
        time.sleep(1.5 * DOUBLE_PRESS_S)  # sooner, it would be the same wish
        demo.send_signal(signal.SIGINT)  # and do not wait for their messages
        said = demo.stderr.read()

    assert "not waited for" in said
    assert marked_anywhere(temporary) == []
    assert list(temporary.iterdir()) == []
