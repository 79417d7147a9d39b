"""Watches what a strategy does while it judges: files opened, connections made, programs started.

The interpreter's own audit events are heard; a hook cannot be taken out again, so there is one for good, which
listens only while it is asked to.
"""

import contextlib
import sys
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WATCHED = {
    "open": "opened the file {0}",
    "os.listdir": "listed the folder {0}",
    "socket.connect": "connected to {1}",
    "socket.getaddrinfo": "asked for the address of {0}",
    "subprocess.Popen": "started {0}",
    "sqlite3.connect": "opened the database {0}",
}
HARMLESS = tuple(str(Path(root)) for root in {sys.prefix, sys.base_prefix, *zoneinfo.TZPATH, "/dev/null"})
"""The interpreter's own files: modules that are imported late, and time zones."""
CODE = (".py", ".pyc", ".so")

_heard: list[str] = []
_is_listening = [False]
_is_installed = [False]


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """Listen; the list fills with what was done, each thing once."""
    if not _is_installed[0]:
        sys.addaudithook(_hear)
        _is_installed[0] = True
    _heard.clear()
    _is_listening[0] = True
    try:
        yield _heard
    finally:
        _is_listening[0] = False


def _hear(event: str, details: tuple[Any, ...]) -> None:
    if not _is_listening[0] or event not in WATCHED:
        return
    path = str(details[0]) if details else ""
    if event == "open" and (path.startswith(HARMLESS) or path.endswith(CODE)):
        return
    told = WATCHED[event].format(*(str(detail) for detail in details))
    if told not in _heard:
        _heard.append(told)
