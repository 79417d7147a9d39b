"""pg_dump and pg_restore of the system: found, fitted to a server's version, run with their progress heard.

A dump is readable for programs of its own version and newer ones, and a program refuses servers newer than itself. So
of those that are installed the oldest is taken that is new enough.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chassis.errors import StartError
from chassis.log import redact
from cli.database_link import Database

SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version."""

Program = Literal["pg_dump", "pg_restore"]
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_TABLE = re.compile(r'(?:dumping contents of|processing data for) table "([^"]+)"')
_NOISE = re.compile(r"^(pg_dump|pg_restore): (error: )?")


@dataclass(frozen=True, slots=True)
class Tool:
    """One installed program and its major version."""

    path: Path
    major: int

    def run(self, arguments: Sequence[str], database: Database, tell: Callable[[str], None]) -> None:
        """Run it to its end; `tell` hears the name of each table when it is begun. Stopped when we are.

        Raises:
            StartError: it failed; says why in one line.
        """
        command = (str(self.path), "--verbose", "--no-password", f"--dbname={database.without_secrets}", *arguments)
        complaints: list[str] = []
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **database.environment},
            text=True,
            errors="replace",
        ) as process:
            try:
                code = _listen(process, tell, complaints)
            except BaseException:  # Ctrl-C above all: what we started must not go on without us
                process.terminate()
                raise
        if code:
            raise StartError(f"{self.path.name}: {_first(complaints) or f'ended with {code}'}")


def find_tool(program: Program, major: int, folder: Path | None = None) -> Tool:
    """Choose an installed program that is at least of version `major`; `folder`: look nowhere else.

    Raises:
        StartError: there is none, or none is new enough; names the package that has it.
    """
    found = sorted(_installed(program, folder), key=lambda tool: tool.major)
    fitting = next((tool for tool in found if tool.major >= major), None)
    if fitting is not None:
        return fitting
    cure = f"install Debian's postgresql-client-{major}, or name its folder with --tools"
    if not found:
        raise StartError(f"{program} was not found: {cure}")
    raise StartError(f"{program} {found[-1].major} is older than PostgreSQL {major}, which it must read: {cure}")


def _listen(process: "subprocess.Popen[str]", tell: Callable[[str], None], complaints: list[str]) -> int:
    """Hear a program out; returns how it ended."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := _TABLE.search(line):
            tell(found[1])
        elif ": error:" in line or "FATAL" in line or "could not" in line:
            complaints.append(line.strip())
    return process.wait()


def _installed(program: Program, folder: Path | None) -> Iterator[Tool]:
    places = [folder / program] if folder else sorted(SYSTEM.glob(f"*/bin/{program}"))
    on_path = None if folder else shutil.which(program)
    for place in [*places, *([Path(on_path)] if on_path else [])]:
        if os.access(place, os.X_OK):
            said = subprocess.run((str(place), "--version"), capture_output=True, text=True, check=False).stdout
            if version := _VERSION.search(said):
                yield Tool(place, int(version[1]))


def _first(complaints: Sequence[str]) -> str:
    """Take the complaint that says most: a full disk is named as what it is, whatever came of it."""
    full = next((line for line in complaints if "No space left" in line), None)
    return redact(_NOISE.sub("", full or (complaints[0] if complaints else "")))
