"""A real browser for tests, and questions about its processes."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.charts.adapters.choreographer_browser import Launch
from services.charts.adapters.chromium_process import BrowserNotFoundError, find_browser
from services.charts.adapters.kaleido_renderer import Limits
from services.charts.domain.composition import compose
from services.charts.domain.scene import Scene
from tests.charts.builders import levels, picture, series, wave

LIMITS = Limits(tabs=2, render_s=20, open_s=60)


def launch(root: Path) -> Launch:
    """How tests start browsers: found on the PATH, unsandboxed (test machines often run as root)."""
    try:
        return Launch(find_browser(), is_sandboxed=False, root=root)
    except BrowserNotFoundError as e:
        pytest.fail(f"the renderer is tested on a real browser: {e}")


def buy_scene() -> Scene:
    """Compose a BUY on the generated market."""
    return compose(picture())


def plain_scene() -> Scene:
    """Compose a falling market without levels."""
    return compose(picture(series(wave(220, sign=-1)), levels=None))


def many_targets_scene() -> Scene:
    """Compose three targets close together."""
    shown = series(wave(300))
    return compose(picture(shown, levels=levels(shown.close[-1], risk=0.6, multiples=(1.0, 1.5, 2.5))))


def until(condition: Callable[[], bool], limit_s: float = 60.0) -> bool:
    """Wait for the world outside: look until `condition` holds; False when it never did."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def has_chrome_left(root: Path) -> bool:
    """Whether any process still carries the folder of a browser under `root` in its command line."""
    needle = str(root).encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if b"--user-data-dir=" + needle in (entry / "cmdline").read_bytes():
                    return True
            except OSError:
                continue
    return False


HAS_SETPRIV = shutil.which("setpriv") is not None
