"""Which processes the sandbox stack is made of, where each listens, and what each is told."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from sandbox.stack.broker import Broker, find_broker
from sandbox.stack.postgres import Cluster, find_cluster
from sandbox.stack.process import Command

ROOMS = ("feed", "signals", "positions", "charts", "telegram")
TOKEN = "1000000001:SANDBOX-sandbox-SANDBOX-sandbox-001"  # noqa: S105  # opens nothing but our own Bot API server
PORTS = 6 + len(ROOMS)
"""How many ports a stack listens on."""


@dataclass(frozen=True, slots=True)
class Market:
    """What the simulated exchange plays: a recorded tape or, with None, the generated gold market.

    A recorded tape goes live shortly before its busiest hour, so that a short demo shows something. A market that
    `is_stepped` stands still until it is moved by hand (see `lockstep`). `warmup_candles` are the minutes of a recorded
    tape that lie behind its start; None leaves it to the simulator.
    """

    tape: Path | None = None
    speed: float = 60.0
    seed: int | None = None
    start: str = "busiest"
    is_stepped: bool = False
    warmup_candles: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The ports and folders of one stack."""

    folder: Path
    identity: str
    market: Market
    broker: Broker
    cluster: Cluster
    exchange_port: int
    control_port: int
    telegram_port: int
    room_ports: Mapping[str, int]
    database_url: str
    names: tuple[str, ...] = ROOMS
    told: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def control_url(self) -> str:
        """Where the venue is commanded."""
        return f"http://127.0.0.1:{self.control_port}"

    @property
    def clock(self) -> Path:
        """The file that tells a stepped market's time to the room that has to go by it."""
        return self.folder / "stepped.clock"

    @property
    def telegram_url(self) -> str:
        """Where the Bot API and the phone page answer."""
        return f"http://127.0.0.1:{self.telegram_port}"

    @property
    def exchange_url(self) -> str:
        """Where the venue answers."""
        return f"ws://127.0.0.1:{self.exchange_port}/trading/v1/options/ws/public"

    def servers(self) -> list[Command]:
        """The broker, the database and the simulators."""
        return [self.broker.command(), self.cluster.command(), self.exchange(), self.telegram_api()]

    def exchange(self) -> Command:
        """The simulated venue."""
        tape = ("--tape", str(self.market.tape), "--start", self.market.start) if self.market.tape else ()
        seed = ("--seed", str(self.market.seed)) if self.market.seed is not None else ()
        ports = ("--port", str(self.exchange_port), "--faults-port", str(self.control_port))
        warmup = () if self.market.warmup_candles is None else ("--warmup-candles", str(self.market.warmup_candles))
        stepped = ("--stepped",) if self.market.is_stepped else ()
        flags = (*ports, "--speed", str(self.market.speed), *tape, *seed, *warmup, *stepped)
        return self._python("exchange", "sandbox.exchange", flags, ("127.0.0.1", self.control_port, "/sandbox/state"))

    def telegram_api(self) -> Command:
        """The local Bot API."""
        unlimited = ("--no-limits",) if self.market.is_stepped else ()  # limits are of the wall, and it is in no hurry
        flags = ("--port", str(self.telegram_port), "--token", TOKEN, *unlimited)
        ready = ("127.0.0.1", self.telegram_port, "/sandbox/health")
        return self._python("telegram-api", "sandbox.telegram_api", flags, ready)

    def rooms(self) -> list[Command]:
        """The services, all five unless it was planned otherwise."""
        return [self.room(name) for name in self.names]

    def room(self, name: str) -> Command:
        """One service with the settings that the sandbox needs.

        By the room's own variables, which win over all others: what the environment or a `.env` says of real servers
        must not lead a sandbox to them.
        """
        settings = {
            "NATS_URL": self.broker.url,
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(self.room_ports[name]),
            "MARKET_SPEED": str(self.market.speed),
            **OWN[name](self),
            **self.told.get(name, {}),
        }
        ready = ("127.0.0.1", self.room_ports[name], "/readyz")
        named = {f"SINYAL_{name.upper()}_{field}": value for field, value in settings.items()}
        if self.market.is_stepped and name == "feed":
            ready = (*ready[:2], "/livez")  # it is not live before the market moves
            flags = (str(self.clock), f"services.{name}")
            return self._python(name, "sandbox.stack.stepped_room", flags, ready, named)
        return self._python(name, f"services.{name}", (), ready, named)

    def _python(
        self,
        name: str,
        module: str,
        flags: tuple[str, ...],
        ready: tuple[str, int, str],
        settings: Mapping[str, str] | None = None,
    ) -> Command:
        async def is_ready() -> bool:
            return await answers(*ready)

        environment = {"PYTHONUNBUFFERED": "1", **(settings or {})}
        return Command(name, (sys.executable, "-m", module, *flags), environment, is_ready, ready_s=120.0)


OWN: dict[str, Callable[[Layout], dict[str, str]]] = {
    "feed": lambda layout: {
        "VENUE": "deriv",
        "VENUE_URL": layout.exchange_url,
        "DIALECT": "new",
        "SYMBOLS": "XAUUSD=frxXAUUSD",  # all that the simulated market plays
    },
    "signals": lambda _: {},
    "positions": lambda layout: {"DATABASE_URL": layout.database_url, "ACCESS": "open"},
    "charts": lambda _: {},
    "telegram": lambda layout: {
        "DATABASE_URL": layout.database_url,
        "TOKEN": TOKEN,
        "API_URL": layout.telegram_url,
    },
}
"""What single rooms are told beside what all are told."""


async def answers(host: str, port: int, path: str) -> bool:
    """Whether an HTTP server answers 200 there now."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client,
            client.get(f"http://{host}:{port}{path}") as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


def plan(
    folder: Path,
    identity: str,
    market: Market,
    ports: Sequence[int],
    *,
    names: tuple[str, ...] = ROOMS,
    told: Mapping[str, Mapping[str, str]] | None = None,
) -> Layout:
    """Deal out `PORTS` ports and choose binaries for a stack in `folder` with the rooms `names`.

    `told` are settings of rooms beside those that every sandbox needs: field in capitals to value, by room.

    Raises:
        NoPostgresError, NoBrokerError: a server's binary is not on this machine.
    """
    folder.chmod(0o711)  # the database runs as another user and must reach its own folder
    cluster = find_cluster(folder / "postgres", ports[2])
    return Layout(
        folder=folder,
        identity=identity,
        market=market,
        broker=find_broker(folder / "nats", ports[0], ports[1]),
        cluster=cluster,
        exchange_port=ports[3],
        control_port=ports[4],
        telegram_port=ports[5],
        room_ports=dict(zip(ROOMS, ports[6:], strict=True)),
        database_url=cluster.url,
        names=names,
        told=told or {},
    )
