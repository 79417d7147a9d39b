"""Where the verbs write what they found: a file, or `-` for the terminal."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from cli.wrong_input import InputError

STANDARD_OUTPUT = Path("-")
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


@contextmanager
def opened(option: str, path: Path) -> Iterator[TextIO]:
    """Open a file for writing, `-` for standard output. Raises InputError naming the option."""
    if path == STANDARD_OUTPUT:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as e:
        raise InputError(f"{option} {path}: cannot be written ({e.strerror})") from e


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write what was found as `--json` says. Raises InputError."""
    with opened("--json", path) as stream:
        stream.write(json.dumps(document, allow_nan=False, indent=1) + "\n")


def write_page(path: Path, page: str) -> None:
    """Write a page as `--html` says. Raises InputError."""
    with opened("--html", path) as stream:
        stream.write(page)
