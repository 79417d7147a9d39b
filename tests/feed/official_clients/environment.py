"""The environment of the official clients: made once under `.sinyal/clients`, from hashed requirements.

`python_deriv_api` pins an old websockets, so it can never live beside the product's own.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.shared import ROOT

REQUIREMENTS = ROOT / "requirements" / "clients.txt"
FOLDER = ROOT / ".sinyal" / "clients"
INSTALL_S = 300


def clients_python() -> Path:
    """Find the interpreter that has the clients, making its environment where it is missing or out of date.

    Skips the calling test with a reason where the packages cannot be had; under CI (`CI=true`) that fails.
    """
    python = FOLDER / "bin" / "python"
    stamp = FOLDER / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    FOLDER.parent.mkdir(exist_ok=True)
    with (FOLDER.parent / "clients.lock").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)  # tests run side by side: one makes it, the others wait
        if not (stamp.exists() and stamp.read_text() == wanted):
            _make(python)
            stamp.write_text(wanted)
    return python


def _make(python: Path) -> None:
    venv.create(FOLDER, clear=True, with_pip=False)
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
    try:
        subprocess.run(
            [*command, "--requirement", str(REQUIREMENTS), "--python", str(python)],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
        )
    except subprocess.TimeoutExpired:
        _give_up(f"the official clients were not installed within {INSTALL_S} s")
    except subprocess.CalledProcessError as error:
        _give_up(f"the official clients cannot be installed: {error.stderr.strip().splitlines()[-1:]}")


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
