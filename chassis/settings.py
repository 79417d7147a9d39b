"""Settings from the environment: every problem at once, by the name of its variable, with secrets masked.

A room's field `http_port` is read from `SINYAL_<ROOM>_HTTP_PORT`, else from `SINYAL_HTTP_PORT`; with `_FILE` behind
either name, from the file it points to. A variable that starts with a room's prefix and names no field is an error.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from chassis.errors import StartError

PREFIX = "SINYAL_"


class RoomSettings(BaseModel):
    """What every room can be told. Frozen; each field says its unit and why its default is what it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    nats_url: str = Field("nats://127.0.0.1:4222", description="the broker; several, comma separated, for a cluster")
    nats_seed: SecretStr | None = Field(None, description="nkey seed of this room's broker user; none: no login")
    http_host: str = Field("127.0.0.1", description="where /livez /readyz /metrics listen; loopback unless told")
    http_port: int = Field(0, ge=0, le=65535, description="their port; 0 takes a free one and logs it")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="lowest level written")
    market_speed: float = Field(
        1.0, gt=0, le=10_000, description="market seconds per wall second; only a sandbox differs"
    )
    stop_grace_s: float = Field(8.0, gt=0, description="how long a stop may take before the process ends anyway")
    instance: str = Field("1", pattern="^[A-Za-z0-9_-]+$", description="tells copies of one room apart in logs")


S = TypeVar("S", bound=RoomSettings)


def load(room: str, kind: type[S], environment: Mapping[str, str] | None = None) -> S:
    """Read and check the settings of a room.

    Raises:
        StartError: one line for each problem, naming the variable and what would be right.
    """
    env = os.environ if environment is None else environment
    prefix = f"{PREFIX}{room.upper()}_"
    problems = _strangers(env, prefix, kind)
    found: dict[str, Any] = {}
    for name in kind.model_fields:
        try:
            value = _read(env, (f"{prefix}{name.upper()}", f"{PREFIX}{name.upper()}"))
        except OSError as e:
            problems.append(f"{prefix}{name.upper()}_FILE: cannot read {e.filename}: {e.strerror}")
            continue
        if value is not None:
            found[name] = value
    try:
        settings = kind.model_validate(found)
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


def _read(env: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    for name in names:
        if env.get(name):
            return env[name]
        if env.get(f"{name}_FILE"):
            return Path(env[f"{name}_FILE"]).read_text().strip()
    return None


def _strangers(env: Mapping[str, str], prefix: str, kind: type[RoomSettings]) -> list[str]:
    known = {f"{prefix}{name.upper()}" for name in kind.model_fields}
    problems = []
    for name in env:
        if name.startswith(prefix) and name.removesuffix("_FILE") not in known:
            near = difflib.get_close_matches(name, known, 1)
            problems.append(f"{name}: no such setting" + (f", did you mean {near[0]}?" if near else ""))
    return problems


def _explain(prefix: str, kind: type[RoomSettings], error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    described = kind.model_fields[name].description if name in kind.model_fields else ""
    variable = f"{prefix}{name.upper()}" if name else prefix.rstrip("_")
    return f"{variable}: {error['msg']}" + (f" ({described})" if described else "")
