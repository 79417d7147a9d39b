"""The renderer on a real browser: what it draws, and every way it must survive."""

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from choreographer.errors import BrowserClosedError, ChannelClosedError
from PIL import Image, ImageChops, ImageStat

from services.charts.adapters.choreographer_browser import BrowserGoneError, Launch, PageError, send
from services.charts.adapters.chromium_folder import sweep
from services.charts.adapters.chromium_process import (
    session_members,
)
from services.charts.adapters.kaleido_fallback import draw_plainly
from services.charts.adapters.kaleido_renderer import KaleidoRenderer, Limits
from services.charts.adapters.plotly_curve import curve_figure
from services.charts.adapters.plotly_figure import figure
from services.charts.domain.curve import compose_curve
from services.charts.ports import RenderFailedError
from tests.charts.browsers import (
    HAS_SETPRIV,
    LIMITS,
    buy_scene,
    has_chrome_left,
    launch,
    many_targets_scene,
    plain_scene,
    until,
)
from tests.charts.curves import curve_picture, results

real = pytest.mark.real


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference per channel, 0..255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def stopped_renderer(session: int) -> list[int]:
    """Stop every renderer process of a browser, as a hang would."""
    stopped = []
    for pid in session_members(session):
        with contextlib.suppress(OSError):  # one may end at any moment
            if b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
    return stopped


@real
async def test_a_picture_has_the_size_of_the_canvas_and_equals_the_oracles(root):
    start = launch(root)
    scenes = [buy_scene(), many_targets_scene()]

    async with KaleidoRenderer(start, LIMITS) as renderer:
        pictures = [opened(await renderer.render(scene)) for scene in scenes]
    oracles = [opened(await draw_plainly(start, figure(scene), limit_s=60)) for scene in scenes]

    assert [picture.size for picture in pictures] == [(1280, 960)] * 2
    for picture, oracle in zip(pictures, oracles, strict=True):
        assert difference(picture, oracle) < 1.0
    assert difference(pictures[0], pictures[1]) > 2.0, "the measure must tell two different pictures apart"


@real
async def test_curves_equal_the_oracles_and_are_green_where_they_won_and_red_where_they_lost(root):
    start = launch(root)
    won, lost = (compose_curve(curve_picture(pnls)) for pnls in (results("3.00", "2.00"), results("-3.00", "-2.00")))

    async with KaleidoRenderer(start, LIMITS) as renderer:
        pictures = [opened(await renderer.render(scene)) for scene in (won, lost)]
    oracle = opened(await draw_plainly(start, curve_figure(won), limit_s=60))

    assert [picture.size for picture in pictures] == [(1280, 960)] * 2
    assert difference(pictures[0], oracle) < 1.0
    assert difference(pictures[0], pictures[1]) > 2.0
    for picture, is_won in zip(pictures, (True, False), strict=True):
        red, green, _ = ImageStat.Stat(picture.crop((8, 250, 1058, 690))).mean
        assert (green > red) is is_won


@real
async def test_a_picture_does_not_depend_on_the_one_before(root):
    async with KaleidoRenderer(launch(root), Limits(tabs=1, render_s=20, open_s=60)) as renderer:
        first = await renderer.render(buy_scene())
        await renderer.render(plain_scene())
        await renderer.render(many_targets_scene())
        again = await renderer.render(buy_scene())

    assert difference(opened(first), opened(again)) == 0


@real
async def test_many_at_once_are_drawn_by_two_tabs(root):
    scenes = [buy_scene(), plain_scene()] * 4

    async with KaleidoRenderer(launch(root), LIMITS) as renderer, asyncio.timeout(60):
        pictures = [opened(png) for png in await asyncio.gather(*(renderer.render(scene) for scene in scenes))]

    assert {difference(pictures[0], picture) for picture in pictures[::2]} == {0}
    assert {difference(pictures[1], picture) for picture in pictures[1::2]} == {0}


@real
async def test_a_killed_browser_is_replaced(root):
    async with KaleidoRenderer(launch(root), LIMITS) as renderer:
        before = renderer.facts["session"]
        os.kill(before, signal.SIGKILL)
        png = await renderer.render(buy_scene())
        after = renderer.facts["session"]

    assert opened(png).size == (1280, 960)
    assert after != before
    assert session_members(before) == session_members(after) == []


@real
async def test_a_browser_killed_in_the_middle_of_renders_is_replaced(root):
    async with KaleidoRenderer(launch(root), LIMITS) as renderer, asyncio.timeout(60):
        before = renderer.facts["session"]
        drawing = [asyncio.ensure_future(renderer.render(buy_scene())) for _ in range(6)]
        await drawing[0]
        os.kill(before, signal.SIGKILL)
        pictures = await asyncio.gather(*drawing)

    assert len(pictures) == 6
    assert session_members(before) == []


@real
async def test_a_hung_renderer_is_replaced_within_its_limit(root):
    async with KaleidoRenderer(launch(root), LIMITS) as renderer:
        await renderer.render(buy_scene())
        before = renderer.facts["session"]
        renderer._limits = replace(LIMITS, render_s=4)
        assert stopped_renderer(before)

        async with asyncio.timeout(60):
            png = await renderer.render(buy_scene())

        assert renderer.facts["session"] != before
    assert opened(png).size == (1280, 960)
    assert session_members(before) == []


@real
async def test_a_worn_browser_is_exchanged_between_renders(root):
    async with KaleidoRenderer(launch(root), Limits(tabs=2, render_s=20, open_s=60, renders=3)) as renderer:
        sessions = []
        for _ in range(5):
            await renderer.render(buy_scene())
            sessions.append(renderer.facts["session"])

    assert sessions[0] == sessions[2] != sessions[3] == sessions[4]
    assert session_members(sessions[0]) == []


@real
async def test_a_browser_grown_large_is_exchanged(root, monkeypatch):
    monkeypatch.setattr("services.charts.adapters.kaleido_renderer._MEMORY_EVERY", 1)
    async with KaleidoRenderer(launch(root), Limits(tabs=1, render_s=20, open_s=60, memory_mb=50)) as renderer:
        await renderer.render(buy_scene())
        before = renderer.facts["session"]
        await renderer.render(buy_scene())

        assert renderer.facts["memory_mb"] > 50
        assert renderer.facts["session"] != before


@real
async def test_what_our_page_refuses_is_drawn_plainly(root, monkeypatch):
    async def refuse(*_: object) -> bytes:
        raise PageError("Plotly is not itself today")

    monkeypatch.setattr("services.charts.adapters.choreographer_tabs.Tab.draw", refuse)
    async with KaleidoRenderer(launch(root), Limits(tabs=1, render_s=20, open_s=60)) as renderer:
        png = await renderer.render(buy_scene())

    assert opened(png).size == (1280, 960)
    assert not has_chrome_left(root)


@real
async def test_stop_leaves_no_process_and_no_file_even_in_the_middle(root):
    async with KaleidoRenderer(launch(root), LIMITS) as renderer:
        session = renderer.facts["session"]
        await renderer.render(buy_scene())
        drawing = asyncio.ensure_future(renderer.render(buy_scene()))
        await asyncio.sleep(0)
        drawing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await drawing

    assert session_members(session) == []
    assert list(root.iterdir()) == []


@real
async def test_stop_kills_a_hung_browser_at_once(root):
    async with KaleidoRenderer(launch(root), LIMITS) as renderer:
        session = renderer.facts["session"]
        for pid in session_members(session):
            with contextlib.suppress(ProcessLookupError):  # one may end at any moment
                os.kill(pid, signal.SIGSTOP)
        async with asyncio.timeout(20):
            await renderer.__aexit__()

    assert session_members(session) == []
    assert list(root.iterdir()) == []


@real
async def test_a_browser_that_cannot_start_is_a_failed_render_and_leaves_nothing(root):
    program = root / "browser"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    broken = Launch(program, is_sandboxed=False, root=root)

    with pytest.raises(RenderFailedError):
        async with KaleidoRenderer(broken, Limits(open_s=5)):
            pass
    with pytest.raises(BrowserGoneError):
        await draw_plainly(broken, figure(buy_scene()), limit_s=5)

    assert list(root.iterdir()) == [program]


class GoneTarget:
    """Answers as choreographer does whose browser ends under it."""

    def __init__(self, raised: type[BaseException]) -> None:
        self.raised = raised

    async def send_command(self, _command: str, **_: object) -> dict[str, object]:
        raise self.raised


@pytest.mark.parametrize(
    "raised", [asyncio.CancelledError, asyncio.InvalidStateError, BrowserClosedError, ChannelClosedError, KeyError]
)
async def test_whatever_the_library_raises_when_its_browser_ends_says_that_it_is_gone(raised):
    with pytest.raises(BrowserGoneError, match=raised.__name__):
        await send(GoneTarget(raised), "Target.getTargets")


@real
async def test_the_page_reaches_nothing_outside(root, monkeypatch):
    asked: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    scene = figure(buy_scene())
    scene["layout"]["images"] = [{"source": f"{url}/image.png", "xref": "paper", "yref": "paper", "x": 0, "y": 0}]
    monkeypatch.setattr("services.charts.adapters.kaleido_renderer.figure", lambda _: scene)
    monkeypatch.setattr(
        "services.charts.adapters.plotly_page._SCRIPT",
        "async function draw(text) {\n"
        f" await fetch('{url}/fetch').catch(() => 0); await fetch('https://example.com/').catch(() => 0);\n"
        f" const s = document.createElement('script'); s.src = '{url}/script.js'; document.head.append(s);\n"
        " const figure = JSON.parse(text);\n"
        " await Plotly.react('stage', figure.data, figure.layout, {staticPlot: true});\n"
        "}\n",
    )
    try:
        async with KaleidoRenderer(launch(root), Limits(tabs=1, render_s=20, open_s=60)) as renderer:
            png = await renderer.render(buy_scene())
    finally:
        server.shutdown()
        server.server_close()

    assert opened(png).size == (1280, 960)
    assert asked == []


@real
@pytest.mark.skipif(not HAS_SETPRIV, reason="without setpriv the next start sweeps what a killed parent left")
def test_a_browser_dies_with_a_parent_that_is_killed_and_the_next_start_sweeps(root):
    script = (
        "import asyncio, pathlib, sys\n"
        "from tests.charts.browsers import LIMITS, launch\n"
        "from services.charts.adapters.kaleido_renderer import KaleidoRenderer\n"
        "async def main():\n"
        "    async with KaleidoRenderer(launch(pathlib.Path(sys.argv[1])), LIMITS) as renderer:\n"
        "        print(renderer.facts['session'], file=sys.stderr, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(root)], stderr=subprocess.PIPE, text=True) as parent:
        session = int(parent.stderr.readline())
        hung = stopped_renderer(session)
        parent.kill()
        parent.wait()

    assert until(lambda: session not in session_members(session)), "the leader outlived its parent"
    assert until(lambda: set(session_members(session)) <= set(hung)), "only what cannot hear may be left"
    assert sweep(root) == 1
    assert session_members(session) == []
    assert list(root.iterdir()) == []
