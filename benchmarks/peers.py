"""Peers of a benchmark: environments of their own, made once from hashed requirements, and processes that measure."""

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".sinyal"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment under `.sinyal/<name>` made from `requirements/<name>.txt`; `probe` are modules it must have."""

    name: str
    probe: tuple[str, ...]

    def python(self) -> Path:
        """Find its interpreter; the first call makes it."""
        folder = HOME / self.name
        python = folder / "bin" / "python"
        probe = [str(python), "-c", "".join(f"import {module};" for module in self.probe)]
        if not python.exists() or subprocess.run(probe, check=False, capture_output=True).returncode:
            print(f"making {folder.relative_to(ROOT)} (once)", file=sys.stderr)
            venv.create(folder, with_pip=True, clear=True)
            wanted = ["--require-hashes", "-r", str(ROOT / "requirements" / f"{self.name}.txt")]
            subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
        return python


class Peer:
    """A peer in a process of its own, which reads the data once and measures a round when asked."""

    def __init__(self, command: list[str]) -> None:
        """Start it."""
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def measure(self) -> tuple[float, list[list[float]]]:
        """CPU seconds of one round, and the trades it came to."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("again\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended with status {self._process.wait()}")
        told = json.loads(line)
        return told["seconds"], told["trades"]

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)
