"""CPU per picture: our kept page beside plain kaleido (kept open, too, which flatters it), in one run.

    python benchmarks/charts.py [pictures]

CPU is what this process and all processes of the browser used, user and system; the wall clock depends on the machine.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from services.charts.adapters.choreographer_browser import Launch, SupervisedBrowser
from services.charts.adapters.chromium_process import find_browser, memory_mb, session_members
from services.charts.adapters.kaleido_fallback import _SIZE, Kaleido
from services.charts.adapters.kaleido_renderer import KaleidoRenderer, Limits
from services.charts.adapters.plotly_figure import figure
from services.charts.domain.composition import compose
from services.charts.domain.scene import Scene
from tests.charts.builders import levels, picture, series, wave

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
WARM_UP = 5


def scenes(count: int) -> list[Scene]:
    """Compose pictures that differ: the generated market, one candle later each time."""
    made = []
    for number in range(count):
        shown = series(wave(220 + number))
        made.append(compose(picture(shown, levels=levels(shown.close[-1]))))
    return made


def cpu_ms(session: int) -> float:
    """Sum the CPU of this process and of the browser's."""
    ticks = 0
    for pid in session_members(session):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    own = os.times()
    return ticks * TICK_MS + (own.user + own.system) * 1000


async def measure(name: str, session: int, pictures: list[Scene], draw: Callable[[Scene], Awaitable[bytes]]) -> float:
    """Draw all pictures one after the other and print what each cost."""
    for scene in pictures[:WARM_UP]:
        await draw(scene)
    before, walls, sizes = cpu_ms(session), [], []
    for scene in pictures[WARM_UP:]:
        started = time.perf_counter()
        sizes.append(len(await draw(scene)))
        walls.append((time.perf_counter() - started) * 1000)
    cost = (cpu_ms(session) - before) / len(walls)
    print(
        f"{name:34} {cost:6.0f} CPU ms   p50 {statistics.median(walls):5.0f} ms   max {max(walls):5.0f} ms"
        f"   {statistics.mean(sizes) / 1000:4.0f} kB   browser {memory_mb(session):4.0f} MB"
    )
    return cost


async def main(count: int) -> None:
    """Measure both and print the ratio."""
    pictures = scenes(count + WARM_UP)
    with tempfile.TemporaryDirectory(prefix="sc-") as root:
        launch = Launch(find_browser(), is_sandboxed=os.geteuid() != 0, root=Path(root))
        kaleido = SupervisedBrowser(launch, Kaleido)
        try:
            await kaleido.open()
            session = kaleido.session
            assert session is not None
            plain = await measure(
                "plain kaleido, kept open",
                session,
                pictures,
                lambda scene: kaleido.call("calc_fig", figure(scene), opts=_SIZE),
            )
        finally:
            await kaleido.close()
        async with KaleidoRenderer(launch, Limits(tabs=1, render_s=60)) as renderer:
            kept = await measure(
                "kept page, react and screenshot", renderer.facts["session"], pictures, renderer.render
            )
    print(f"plain / kept = {plain / kept:.2f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 24))
