"""How a service starts and ends, as a real process."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import aiohttp
import pytest

from chassis.errors import StartError
from chassis.health import Check, Health

ROOM = textwrap.dedent("""
    import asyncio, contextlib, sys, time
    from chassis import lifecycle
    from chassis.errors import StartError
    from chassis.health import Check
    from chassis.settings import RoomSettings

    async def main(settings, stage):
        if sys.argv[1] == "refuse":
            raise StartError("SINYAL_ROOM_X: wrong, give a right one")
        if sys.argv[1] == "crash":
            raise RuntimeError("a bug")
        stage.health.add("work", lambda: Check(False, "nothing to do", {"depth": 3}))
        await stage.stop.wait()
        if sys.argv[1] == "dawdle":
            await asyncio.sleep(60)
        while sys.argv[1] == "deaf":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        if sys.argv[1] == "stuck":
            time.sleep(60)

    if sys.argv[1] == "dawdle":
        lifecycle.LAST_S = 60  # it heeds being cut short, however slowly: nobody may leave it behind meanwhile
    lifecycle.run("room", RoomSettings, main)
""")


def start(tmp_path: Path, behaviour: str, **env: str) -> "subprocess.Popen[str]":
    script = tmp_path / "room.py"
    script.write_text(ROOM)
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, str(script), behaviour],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root, **env},
    )


def first_line(process: "subprocess.Popen[str]") -> dict[str, object]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_sigterm_ends_a_service_with_zero(tmp_path: Path) -> None:
    process = start(tmp_path, "wait")
    assert first_line(process)["event"] == "service.started"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["event"] == "service.stopped"


def test_a_stop_that_dawdles_is_cut_short(tmp_path: Path) -> None:
    process = start(tmp_path, "dawdle", SINYAL_ROOM_STOP_GRACE_S="0.2")
    first_line(process)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "service.cut_short" in out


@pytest.mark.parametrize("behaviour", ["deaf", "stuck"])
def test_a_stop_that_heeds_nothing_is_left_behind(tmp_path: Path, behaviour: str) -> None:
    process = start(tmp_path, behaviour, SINYAL_ROOM_STOP_GRACE_S="0.2")
    first_line(process)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert json.loads(out.splitlines()[-1])["event"] == "service.left_behind"


def test_a_service_that_cannot_start_says_one_line_and_exits_with_two(tmp_path: Path) -> None:
    process = start(tmp_path, "refuse")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (2, "room: SINYAL_ROOM_X: wrong, give a right one\n")


def test_a_bug_ends_a_service_with_one_and_a_traceback_in_the_log(tmp_path: Path) -> None:
    process = start(tmp_path, "crash")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a bug" in json.loads(out.splitlines()[-1])["exception"]


def test_a_wrong_setting_exits_with_two(tmp_path: Path) -> None:
    process = start(tmp_path, "wait", SINYAL_ROOM_HTTP_PORT="http")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith("room: SINYAL_ROOM_HTTP_PORT:")


def test_a_busy_port_exits_with_two_and_names_the_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(tmp_path, "wait", SINYAL_ROOM_HTTP_PORT=str(port))
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == f"room: SINYAL_ROOM_HTTP_PORT: 127.0.0.1:{port} is taken: choose another\n"


async def test_readiness_names_what_is_not_ready() -> None:
    async with (
        Health("room", host="127.0.0.1", port=0, setting="X") as health,
        aiohttp.ClientSession(f"http://127.0.0.1:{health.port}") as client,
    ):
        health.add("bus", lambda: Check(True, facts={"depth": 3}))
        assert (await client.get("/livez")).status == 200
        assert (await client.get("/readyz")).status == 200

        health.add("ticks", lambda: Check(False, "silent for 31 s"))
        answer = await client.get("/readyz")

        assert answer.status == 503
        checks = (await answer.json())["checks"]
        assert checks == {"bus": {"ready": True, "depth": 3}, "ticks": {"ready": False, "reason": "silent for 31 s"}}
        assert "sinyal_ticks_total" in await (await client.get("/metrics")).text()


async def test_a_host_that_is_not_ours_is_refused() -> None:
    with pytest.raises(StartError, match=r"X: 192\.0\.2\.1"):
        async with asyncio.timeout(60), Health("room", host="192.0.2.1", port=0, setting="X"):
            pytest.fail("listened on a foreign address")
