"""Writes `.env.example` from the rooms' settings: `python deploy/env_example.py`. A test holds the file to it."""

import importlib
import textwrap
from pathlib import Path

from pydantic import SecretStr
from pydantic_core import PydanticUndefined, to_json

from chassis.settings import PREFIX, RoomSettings

TARGET = Path(__file__).resolve().parent.parent / ".env.example"
ROOMS = ("feed", "signals", "positions", "charts", "telegram")
HEAD = """\
# Every setting with its default; copy to .env and change what differs. A variable of one room (SINYAL_FEED_LOG_LEVEL)
# wins over the shared one (SINYAL_LOG_LEVEL). Secrets may instead lie as files in the folder that SINYAL_SECRETS names,
# one file per setting, in lower case (sinyal_telegram_token).
#
# To go live set these together: SINYAL_TELEGRAM_TOKEN, SINYAL_TELEGRAM_API_URL=https://api.telegram.org and
# SINYAL_FEED_VENUE_URL. The compose file looks for the simulators of its profile `sandbox` where they are not set; its
# broker and database are its own, and POSTGRES_PASSWORD and GRAFANA_PASSWORD are theirs. Outside of it,
# SINYAL_DATABASE_URL serves positions, telegram and `sinyal db migrate` alike.
"""


def settings_of(room: str) -> type[RoomSettings]:
    """Find the settings class of a room."""
    module = importlib.import_module(f"services.{room}.settings")
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, RoomSettings)]
    return next(kind for kind in kinds if kind is not RoomSettings)


def lines(prefix: str, kind: type[RoomSettings], names: list[str]) -> list[str]:
    """Write one comment and one assignment per setting; a setting without a value is commented out."""
    written = []
    for name in names:
        field = kind.model_fields[name]
        written += textwrap.wrap(field.description or "", 117, initial_indent="# ", subsequent_indent="# ")
        default = field.get_default(call_default_factory=True)
        if default is PydanticUndefined or default is None or isinstance(default, SecretStr):
            written.append(f"#{prefix}{name.upper()}=")
        else:
            written.append(f"{prefix}{name.upper()}={render(default)}")
    return written


def render(value: object) -> str:
    """Write a default as an environment variable holds it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return to_json(value).decode()
    if isinstance(value, tuple | list | set | frozenset):
        return ",".join(str(item) for item in value)
    return str(value)


def build() -> str:
    """Write the whole file."""
    common = list(RoomSettings.model_fields)
    parts = [HEAD, "# --- every room", *lines(PREFIX, RoomSettings, common)]
    for room in ROOMS:
        kind = settings_of(room)
        parts += ["", f"# --- {room}"]
        parts += lines(f"{PREFIX}{room.upper()}_", kind, [name for name in kind.model_fields if name not in common])
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(build())
