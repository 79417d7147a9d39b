"""What operators need for a login per room: the server's file, the seeds, and the command that makes them."""

import importlib.util
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from chassis.broker_users import USERS, seed_setting
from chassis.settings import load
from sandbox.stack.broker import find_broker
from services.feed.settings import FeedSettings
from tests.shared import ROOT

NATS = ROOT / "deploy" / "nats"


def builder():
    spec = importlib.util.spec_from_file_location("nats_users", ROOT / "deploy" / "nats_users.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments):
    command = [sys.executable, "-m", "cli", "nats-users", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def checked(folder):
    """Let the server read its configuration and say what it thinks of it."""
    server = find_broker(folder, 0, 0).binary
    command = [str(server), "-t", "-c", str(folder / "nats-users.conf")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_committed_users_are_what_the_catalogue_says() -> None:
    assert (NATS / "users.conf").read_text() == builder().build()


def test_the_server_reads_its_users_once_their_keys_are_made(tmp_path: Path) -> None:
    shutil.copytree(NATS, tmp_path / "nats", ignore=shutil.ignore_patterns("keys.conf"))
    assert checked(tmp_path / "nats").returncode != 0

    made = run("--folder", tmp_path / "seeds", "--keys", tmp_path / "nats" / "keys.conf")

    assert made.returncode == 0, made.stderr
    told = checked(tmp_path / "nats")
    assert told.returncode == 0, told.stderr
    seeds = [file.read_text() for file in (tmp_path / "seeds").iterdir()]
    everything = "".join(file.read_text() for file in (tmp_path / "nats").iterdir()) + made.stdout
    assert len(seeds) == len(USERS)
    assert not any(seed in everything for seed in seeds)


def test_seeds_are_their_owners_alone_stay_as_they_are_and_answer_their_setting(tmp_path: Path, monkeypatch) -> None:
    run("--folder", tmp_path)
    files = {file.name: file.read_text() for file in tmp_path.iterdir()}
    lines = run("--folder", tmp_path, "--dotenv").stdout.splitlines()
    monkeypatch.setenv("SINYAL_SECRETS", str(tmp_path))

    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == files
    assert {stat.S_IMODE((tmp_path / seed_setting(name).lower()).stat().st_mode) for name in USERS} == {0o600}
    assert lines == [f"{seed_setting(name)}={files[seed_setting(name).lower()]}" for name in USERS]
    assert load("feed", FeedSettings).nats_seed.get_secret_value() == files["sinyal_feed_nats_seed"]


def test_a_file_that_holds_no_seed_is_named(tmp_path: Path) -> None:
    (tmp_path / "sinyal_feed_nats_seed").write_text("what is this")

    refused = run("--folder", tmp_path)

    assert refused.returncode == 2
    assert "sinyal_feed_nats_seed: holds no seed" in refused.stderr
    assert "what is this" not in refused.stderr
