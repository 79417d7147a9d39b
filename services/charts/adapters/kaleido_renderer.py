"""The renderer: one browser kept open, and every way it can fail.

- A render that takes longer than its limit, or whose browser dies, ends that browser and is tried once on a new one.
- What fails twice, or what our page refuses, is drawn by plain kaleido.
- After many renders, or grown large, the browser is exchanged between two renders.
- Closing kills all processes and removes all files, whatever state they are in.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Self

import msgspec
import structlog

from chassis import metrics
from services.charts.adapters.choreographer_browser import BrowserGoneError, Launch, PageError
from services.charts.adapters.choreographer_tabs import KeptBrowser
from services.charts.adapters.chromium_folder import sweep
from services.charts.adapters.chromium_process import memory_mb
from services.charts.adapters.kaleido_fallback import draw_plainly
from services.charts.adapters.plotly_curve import curve_figure
from services.charts.adapters.plotly_figure import figure
from services.charts.domain.scene import CurveScene, Scene
from services.charts.ports import RenderFailedError

_MEMORY_EVERY = 25
"""Renders between two looks at the memory; a look costs a few milliseconds."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the renderer may take. `renders` and `memory_mb` bound one browser's life."""

    tabs: int = 2
    render_s: float = 6.0
    open_s: float = 30.0
    renders: int = 500
    memory_mb: float = 1000.0


class KaleidoRenderer:
    """Draws scenes from `open` to `close`, `limits.tabs` at a time."""

    def __init__(self, launch: Launch, limits: Limits) -> None:
        self._launch = launch
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.tabs)
        self._door = asyncio.Lock()
        self._kept: KeptBrowser | None = None
        self._unsettled: set[KeptBrowser] = set()
        self._memory_mb = 0.0
        self._measured_at = 0
        self._busy = 0

    async def __aenter__(self) -> Self:
        """Open; see `open`."""
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close; see `close`."""
        await self.close()

    async def open(self) -> None:
        """Clean up after a killed predecessor and open the browser.

        Raises:
            RenderFailedError: no browser comes up.
        """
        swept = await asyncio.to_thread(sweep, self._launch.root)
        if swept:
            logger.warning("browser.swept", count=swept)
        await self._current()

    async def close(self) -> None:
        """End the browser, whether it draws or hangs. Safe to call twice."""
        if self._kept is not None:
            self._unsettled.add(self._kept)
            self._kept = None
        for kept in tuple(self._unsettled):
            await self._end(kept)

    @property
    def is_open(self) -> bool:
        """Whether the browser runs."""
        return self._kept is not None and self._kept.is_alive

    @property
    def facts(self) -> dict[str, Any]:
        """What readiness tells: the session, renders since it was opened, memory."""
        kept = self._kept
        return {
            "session": kept.session if kept else None,
            "renders": kept.renders if kept else 0,
            "memory_mb": round(self._memory_mb),
            "busy": self._busy,
        }

    async def render(self, scene: Scene | CurveScene) -> bytes:
        """Draw a scene.

        Raises:
            RenderFailedError: neither the kept browser nor the plain way gave a picture.
        """
        async with self._slots:
            self._busy += 1
            try:
                return await self._render(curve_figure(scene) if isinstance(scene, CurveScene) else figure(scene))
            finally:
                self._busy -= 1

    async def _render(self, drawn: dict[str, Any]) -> bytes:
        text = msgspec.json.encode(drawn).decode()
        for _ in range(2):
            kept = await self._current()
            try:
                return await self._draw(kept, text)
            except (BrowserGoneError, TimeoutError) as e:
                await self._discard(kept, "hung" if isinstance(e, TimeoutError) else "died")
            except PageError as e:
                logger.error("page.refused", error=str(e))  # noqa: TRY400  # the place is in the page, not here
                break
        return await self._plainly(drawn)

    async def _draw(self, kept: KeptBrowser, text: str) -> bytes:
        started = time.perf_counter()
        async with asyncio.timeout(self._limits.render_s):
            png = await kept.draw(text)
        metrics.RENDER_SECONDS.labels("kept").observe(time.perf_counter() - started)
        return png

    async def _plainly(self, drawn: dict[str, Any]) -> bytes:
        started = time.perf_counter()
        limit_s = self._limits.open_s + self._limits.render_s
        try:
            png = await draw_plainly(self._launch, drawn, limit_s=limit_s)
        except (BrowserGoneError, PageError, TimeoutError) as e:
            raise RenderFailedError(f"no picture, not even plainly: {_told(e)}") from e
        metrics.RENDER_SECONDS.labels("plain").observe(time.perf_counter() - started)
        return png

    # --- the browser's life -------------------------------------------------------------------------------------------

    async def _current(self) -> KeptBrowser:
        """Give the browser, a new one where there is none, it has died, or its time is over."""
        async with self._door:
            kept = self._kept
            if kept is not None:
                reason = "died" if not kept.is_alive else await self._overdue(kept)
                if reason is None:
                    return kept
                self._kept = None
                self._unsettled.add(kept)
                await self._retire(kept, reason)
            self._kept = await self._open()
            return self._kept

    async def _open(self) -> KeptBrowser:
        kept = KeptBrowser(self._launch, self._limits.tabs)
        self._unsettled.add(kept)
        try:
            async with asyncio.timeout(self._limits.open_s):
                await kept.open()
        except (BrowserGoneError, PageError, TimeoutError) as e:
            await self._end(kept)
            raise RenderFailedError(f"no browser: {_told(e)}") from e
        self._unsettled.discard(kept)
        logger.info("browser.opened", pid=kept.session)
        self._measured_at = 0
        return kept

    async def _overdue(self, kept: KeptBrowser) -> str | None:
        """Tell why the browser's time is over: None while it is not."""
        if kept.renders >= self._limits.renders:
            return "worn"
        if kept.session is not None and kept.renders - self._measured_at >= _MEMORY_EVERY:
            self._measured_at = kept.renders
            self._memory_mb = await asyncio.to_thread(memory_mb, kept.session)
            if self._memory_mb > self._limits.memory_mb:
                return "large"
        return None

    async def _retire(self, kept: KeptBrowser, reason: str) -> None:
        """End a browser that nobody will be given any more; what it still draws may finish first."""
        metrics.BROWSER_RESTARTS.labels(reason).inc()
        logger.info("browser.retired", reason=reason, count=kept.renders)
        if kept.is_alive:
            for _ in range(self._limits.tabs):
                await kept.free.get()
        await self._end(kept)

    async def _discard(self, kept: KeptBrowser, reason: str) -> None:
        """End a browser that failed somebody, once."""
        async with self._door:
            if self._kept is not kept:
                return
            self._kept = None
            metrics.BROWSER_RESTARTS.labels(reason).inc()
            logger.warning("browser.discarded", reason=reason, pid=kept.session)
            await self._end(kept)

    async def _end(self, kept: KeptBrowser) -> None:
        """End a browser. One whose end is cut short by a cancellation is ended by `close`."""
        self._unsettled.add(kept)
        await kept.close()
        self._unsettled.discard(kept)


def _told(error: BaseException) -> str:
    """Say what happened; a TimeoutError says nothing itself."""
    return str(error) or "it took too long"
