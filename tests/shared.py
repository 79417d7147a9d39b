"""Where the shared test data lies, and what to do when it does not."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_path(relative: str) -> Path:
    """Find a file of the shared test data.

    Looks under `SINYAL_SHARED` (default `../shared` beside the project). Skips the calling test with a reason where it
    is missing; under CI (`CI=true`) a missing one fails, so that a green gate never hides a test that did not run.
    """
    base = Path(os.environ.get("SINYAL_SHARED", ROOT.parent / "shared"))
    path = base / relative
    if path.exists():
        return path
    reason = f"{path} is missing: set SINYAL_SHARED to the folder of the shared test data"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
