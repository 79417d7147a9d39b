"""Fixtures of the charts tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import nats, nats_server

__all__ = ["nats", "nats_server"]


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder for browsers with a short path: pytest's own is too deep for Chromium's socket."""
    path = Path(tempfile.mkdtemp(prefix="sc-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
