"""Wrong input is one line that names it and says what would be right, exit status 2, nothing left running."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.real


def sinyal(*arguments: str, cwd: Path = ROOT, **environment: str) -> "subprocess.CompletedProcess[str]":
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SINYAL_")}
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**plain, "PYTHONPATH": str(ROOT), **environment},
    )


def room(name: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", f"services.{name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**{key: value for key, value in os.environ.items() if not key.startswith("SINYAL_")}, **environment},
    )


def says_one_line(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert done.returncode == 2, (done.returncode, done.stdout[-500:], done.stderr[-500:])
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize("verb", ["demo", "up", "streams apply", "db migrate", "evaluate", "candles", "version"])
def test_every_verb_has_help(verb: str) -> None:
    done = sinyal(*verb.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


def test_without_a_verb_the_verbs_are_listed() -> None:
    done = sinyal()
    assert all(
        verb in done.stdout + done.stderr for verb in ("demo", "up", "streams", "evaluate", "candles", "version")
    )


def test_version_speaks_json() -> None:
    assert '"version"' in sinyal("version", "--json").stdout


def test_demo_names_a_wrong_tape() -> None:
    says_one_line(sinyal("demo", "--tape", "/nowhere/tape.csv"), "--tape /nowhere/tape.csv")


def test_demo_names_a_wrong_language() -> None:
    says_one_line(sinyal("demo", "--lang", "fr"), "--lang fr", "id or en")


def test_demo_names_a_report_that_cannot_be_written() -> None:
    says_one_line(sinyal("demo", "--json", "/nowhere/demo.json"), "--json /nowhere/demo.json")


def test_candles_names_the_broken_row(tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_text("epoch_ms,bid,ask\n1398902400000,10.0,10.2\n1398902401000,ten,10.2\n")
    says_one_line(sinyal("candles", "--tape", str(tape), "--interval", "M1"), "tape.csv", "line 3")


def test_up_names_a_room_that_does_not_exist() -> None:
    says_one_line(sinyal("up", "--only", "kitchen"), "--only kitchen", "feed")


def test_streams_apply_names_a_broker_that_does_not_answer(nobodys_port: int) -> None:
    done = sinyal("streams", "apply", "--wait", "1", SINYAL_NATS_URL=f"nats://127.0.0.1:{nobodys_port}")
    says_one_line(done, "SINYAL_NATS_URL")


def test_migrate_names_a_database_that_does_not_answer(nobodys_port: int) -> None:
    done = sinyal("db", "migrate", SINYAL_DATABASE_URL=f"postgresql://sinyal:s3cret@127.0.0.1:{nobodys_port}/sinyal")
    says_one_line(done, "SINYAL_DATABASE_URL")
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize("name", ["feed", "signals", "positions", "charts", "telegram"])
def test_a_room_names_a_setting_that_does_not_exist(name: str) -> None:
    variable = f"SINYAL_{name.upper()}_HTTP_PROT"
    done = room(name, **{variable: "1", "SINYAL_TELEGRAM_TOKEN": "1000000001:SANDBOX-sandbox-SANDBOX-sandbox-001"})
    assert done.returncode == 2
    assert f"{variable}: no such setting, did you mean SINYAL_{name.upper()}_HTTP_PORT?" in done.stderr


@pytest.mark.parametrize("name", ["feed", "signals", "positions", "charts", "telegram"])
def test_a_room_names_a_busy_port(name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        variable = f"SINYAL_{name.upper()}_HTTP_PORT"
        settings = {"SINYAL_TELEGRAM_TOKEN": "1000000001:SANDBOX-sandbox-SANDBOX-sandbox-001",
                    "SINYAL_DATABASE_URL": "postgresql://127.0.0.1/none"}  # fmt: skip
        says_one_line(room(name, **{variable: port}, **settings), variable, port)


def test_telegram_names_a_token_of_the_wrong_form() -> None:
    done = room("telegram", SINYAL_TELEGRAM_TOKEN="hunter2", SINYAL_DATABASE_URL="postgresql://127.0.0.1/none")
    says_one_line(done, "SINYAL_TELEGRAM_TOKEN")
    assert "hunter2" not in done.stderr


def test_up_without_an_env_file_says_where_the_settings_are_listed(tmp_path: Path) -> None:
    done = sinyal("up", "--only", "telegram", cwd=tmp_path)
    assert done.returncode == 2
    complaint = done.stderr[done.stderr.index("sinyal: ") :]
    assert "SINYAL_TELEGRAM_TOKEN" in complaint
    assert ".env.example lists every setting" in complaint
    assert list((tmp_path / ".sinyal" / "logs").iterdir()) == [tmp_path / ".sinyal" / "logs" / "telegram.log"]


def test_migrate_and_streams_read_the_same_env_file_as_the_rooms(tmp_path: Path, nobodys_port: int) -> None:
    port = nobodys_port
    (tmp_path / ".env").write_text(
        f"SINYAL_NATS_URL=nats://127.0.0.1:{port}\nSINYAL_POSITIONS_DATABASE_URL=postgresql://127.0.0.1:{port}/x\n"
    )
    for words in (("streams", "apply", "--wait", "1"), ("db", "migrate")):
        done = sinyal(*words, cwd=tmp_path)
        assert str(port) in done.stderr, done.stderr
        assert done.returncode == 2
