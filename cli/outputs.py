"""Where the verbs write what they found: a file, or `-` for the terminal."""

import sys
from pathlib import Path

from cli.wrong_input import InputError

STANDARD_OUTPUT = Path("-")


def write_text(option: str, path: Path, text: str) -> None:
    """Write a text. Raises InputError naming the option."""
    if path == STANDARD_OUTPUT:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as e:
        raise InputError(f"{option} {path}: cannot be written ({e.strerror})") from e
