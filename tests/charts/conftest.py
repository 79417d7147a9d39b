"""Fixtures of the charts tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.charts.adapters.chromium_folder import sweep
from tests.servers import nats, nats_server

__all__ = ["nats", "nats_server"]


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder for browsers with a short path: pytest's own is too deep for Chromium's socket.

    What a failed test left running in it is ended.
    """
    path = Path(tempfile.mkdtemp(prefix="sc-"))
    yield path
    sweep(path)
    shutil.rmtree(path, ignore_errors=True)
