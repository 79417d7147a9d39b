"""A broker with a user per room for tests: seeds made by the command that operators use, and connections by them."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from chassis.broker_users import USERS, broker_users, configuration, seed_setting
from chassis.nats_bus import NatsBus, connect
from cli.nats_users import KEYS, nats_users


class Ring:
    """The seeds of all users, in a folder."""

    def __init__(self, folder: Path) -> None:
        nats_users(folder, keys=None, dotenv=False)
        self._folder = folder

    @property
    def configuration(self) -> str:
        """What the server is told: the public keys, and what each may do."""
        return (self._folder / KEYS).read_text() + configuration(broker_users())

    def seed(self, name: str) -> str:
        """Read one user's seed."""
        return (self._folder / seed_setting(name).lower()).read_text()

    @property
    def seeds(self) -> dict[str, str]:
        """Read all."""
        return {name: self.seed(name) for name in USERS}

    def connect(self, url: str, name: str) -> AbstractAsyncContextManager[NatsBus]:
        """Connect as a user does: by its name, with its seed."""
        return connect(url, name=name, seed=self.seed(name))
