"""A real nats-server for tests: one per session, with fresh streams per test; or one of a test's own to kill."""

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from chassis import streams
from chassis.nats_bus import connect
from sandbox.stack.broker import find_broker
from sandbox.stack.ports import reserved
from sandbox.stack.process import tied


class NatsServer:
    """One server with its own folder, on ports that are kept for it, so that it can be killed and come back."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        self._folder = folder
        self._broker = find_broker(folder, *ports)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._broker.url

    def start(self, extra_config: str = "") -> None:
        """Start it and wait until it listens. `extra_config` goes behind the usual configuration."""
        arguments = self._configure(extra_config)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                arguments,
                stdout=log,
                stderr=log,
                **tied(signal.SIGKILL),
            )
        deadline = time.monotonic() + 60
        while not self._is_listening():
            assert self._process.poll() is None, f"nats-server ended: {(self._folder / 'log').read_text()[-500:]}"
            assert time.monotonic() < deadline, "nats-server did not come up"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a crash would: kill −9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def restart(self, extra_config: str) -> None:
        """Kill it and start it with more configuration."""
        self.kill()
        self.start(extra_config)

    def reload(self, extra_config: str) -> None:
        """Let it read another configuration without a restart."""
        self._configure(extra_config)
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    async def apply(self) -> None:
        """Delete all streams and make those of the catalogue."""
        async with connect(self.url, name="provisioner") as bus:
            for name in (await bus.link.call("STREAM.NAMES"))["streams"] or []:
                await bus.link.call(f"STREAM.DELETE.{name}")
            await streams.apply(bus)

    def _configure(self, extra_config: str) -> tuple[str, ...]:
        arguments = self._broker.command().arguments
        with Path(arguments[-1]).open("a") as config:
            config.write(extra_config)
        return arguments

    def _is_listening(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._broker.port), 0.2):
            return True
        return False


@contextlib.contextmanager
def running_server() -> Iterator[NatsServer]:
    """Run a server in a new folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sinyal-nats-"))
    with reserved(2) as ports:
        server = NatsServer(folder, ports)
        server.start()
        try:
            yield server
        finally:
            server.kill()
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    """The session's server. Nobody kills it: a test that wants to takes `own_nats_server`."""
    with running_server() as server:
        yield server


@pytest.fixture
def nats(nats_server: NatsServer) -> str:
    """The URL of a server with the streams of the catalogue, all empty."""
    asyncio.run(nats_server.apply())
    return nats_server.url


@pytest.fixture
def own_nats_server() -> Iterator[NatsServer]:
    """A server of the test's own, with the streams of the catalogue: to be killed and started again."""
    with running_server() as server:
        asyncio.run(server.apply())
        yield server
