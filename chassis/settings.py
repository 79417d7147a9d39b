"""Settings from the environment: every problem at once, by the name of its variable, with secrets masked.

A room's field `http_port` is read from `SINYAL_<ROOM>_HTTP_PORT`, else from `SINYAL_HTTP_PORT`, else from the same
names in `.env`, else from a file `sinyal_<room>_http_port` in the folder `SINYAL_SECRETS` (how containers are handed
secrets). A variable that starts with a room's prefix and names no field, there or in `.env`, is an error, not a silent
default; so is one that is nearly one of those that all rooms share.
"""

import difflib
import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from chassis.errors import StartError

PREFIX = "SINYAL_"
SECRETS = "SINYAL_SECRETS"
NEARLY = 0.9
"""How alike a name must be to a shared one to be a slip of the pen: two letters changed places, one is missing."""


class RoomSettings(BaseSettings):
    """What every room can be told. Frozen; each field says its unit and why its default is what it is."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True)

    nats_url: str = Field("nats://127.0.0.1:4222", description="the broker; several, comma separated, for a cluster")
    nats_seed: SecretStr | None = Field(None, description="nkey seed of this room's broker user; none: no login")
    http_host: str = Field("127.0.0.1", description="where /livez /readyz /metrics listen; loopback unless told")
    http_port: int = Field(0, ge=0, le=65535, description="their port; 0 takes a free one and logs it")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="lowest level written")
    market_speed: float = Field(1.0, gt=0, le=10_000, description="market seconds per wall second; 1 but in a sandbox")
    stop_grace_s: float = Field(8.0, gt=0, description="how long a stop may take before the process ends anyway")
    instance: str = Field("1", pattern="^[A-Za-z0-9_-]+$", description="tells copies of one room apart in logs")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # ours leaves out other rooms
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the variables that all rooms share behind the room's own."""
        return (
            init_settings,
            env_settings,
            EnvSettingsSource(settings_cls, env_prefix=PREFIX),
            _DotEnv(settings_cls, env_prefix=cls.prefix_of(env_settings), env_file=".env"),
            _DotEnv(settings_cls, env_prefix=PREFIX, env_file=".env"),
            file_secret_settings,
        )

    @staticmethod
    def prefix_of(source: PydanticBaseSettingsSource) -> str:
        """Tell the prefix that `load` gave."""
        return source.env_prefix if isinstance(source, EnvSettingsSource) else PREFIX


class _DotEnv(DotEnvSettingsSource):
    """`.env` without what it says to other rooms: one file serves them all."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name in self.settings_cls.model_fields}


S = TypeVar("S", bound=RoomSettings)


def load(room: str, kind: type[S]) -> S:
    """Read and check the settings of a room.

    Raises:
        StartError: one line for each problem, naming the variable and what would be right.
    """
    prefix = f"{PREFIX}{room.upper()}_"
    problems = _strangers(prefix, kind)
    folder = os.environ.get(SECRETS)
    if folder and not Path(folder).is_dir():
        problems.append(f"{SECRETS}: {folder} is not a folder")
        folder = None
    try:
        settings = kind(_env_prefix=prefix, _secrets_dir=folder)
    except ValidationError as e:
        problems += [_explain(prefix, kind, error) for error in e.errors(include_url=False)]
    else:
        if not problems:
            return settings
    raise StartError("\n".join(problems))


def variables(room: str, kind: type[RoomSettings]) -> dict[str, str]:
    """Map each variable of a room to its description, for `.env.example` and its test."""
    return {
        f"{PREFIX}{room.upper()}_{name.upper()}": field.description or "" for name, field in kind.model_fields.items()
    }


def find(*names: str) -> str | None:
    """Tell the first of these variables that has a value, as a room would find it: environment, `.env`, secrets.

    For the command line, which has no room.
    """
    secrets = os.environ.get(SECRETS)
    for name in names:
        if value := os.environ.get(name) or _dotenv().get(name):
            return value
        file = Path(secrets) / name.lower() if secrets else None
        if file is not None and file.is_file():
            return file.read_text().strip()
    return None


def _dotenv() -> dict[str, str]:
    """Read `.env` of the working folder; empty without one."""
    found = _DotEnv(RoomSettings, env_file=".env").env_vars
    return {name.upper(): value for name, value in found.items() if value}


def _strangers(prefix: str, kind: type[RoomSettings]) -> list[str]:
    own = {f"{prefix}{name.upper()}" for name in kind.model_fields}
    shared = {f"{PREFIX}{name.upper()}" for name in RoomSettings.model_fields}
    problems = []
    for name in sorted({*os.environ, *_dotenv()}):
        if name.startswith(prefix) and name not in own:
            near = difflib.get_close_matches(name, own, 1)
            problems.append(f"{name}: no such setting" + (f", did you mean {near[0]}?" if near else ""))
        elif name not in shared and (near := difflib.get_close_matches(name, shared, 1, cutoff=NEARLY)):
            problems.append(f"{name}: no such setting, did you mean {near[0]}?")
    return problems


def _explain(prefix: str, kind: type[RoomSettings], error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    described = kind.model_fields[name].description if name in kind.model_fields else ""
    own, shared = (f"{start}{name.upper()}".rstrip("_") for start in (prefix, PREFIX))
    variable = shared if name and find(own) is None and find(shared) is not None else own
    return f"{variable}: {error['msg']}" + (f" ({described})" if described else "")
