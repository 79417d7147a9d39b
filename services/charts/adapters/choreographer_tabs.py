"""A kept browser with N tabs of our page: figure in, PNG out."""

import asyncio
import base64
from typing import Any

from services.charts.adapters.choreographer_browser import BrowserGoneError, Launch, SupervisedBrowser, send
from services.charts.adapters.plotly_page import write_page
from services.charts.adapters.plotly_theme import BACKGROUND
from services.charts.domain import canvas

_CLIP = {"x": 0, "y": 0, "width": canvas.WIDTH_PX, "height": canvas.HEIGHT_PX, "scale": 1}


class Tab:
    """One tab that holds our page."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._window = ""

    async def load(self, url: str) -> None:
        """Load the page and get hold of its window."""
        metrics = {"width": canvas.WIDTH_PX, "height": canvas.HEIGHT_PX, "deviceScaleFactor": 1, "mobile": False}
        await send(self._target, "Emulation.setDeviceMetricsOverride", **metrics)
        await send(self._target, "Page.enable")
        loaded = self._target.subscribe_once("Page.loadEventFired")
        await send(self._target, "Page.navigate", url=url)
        await _event(loaded)
        loaded = self._target.subscribe_once("Page.loadEventFired")  # before the look, so that none is missed
        while not await self._is_at(url):  # on a busy machine the first event is that of the empty page before ours
            await _event(loaded)
            loaded = self._target.subscribe_once("Page.loadEventFired")
        loaded.cancel()
        await send(self._target, "Page.disable")
        result = await send(self._target, "Runtime.evaluate", expression="window")
        self._window = result["result"]["objectId"]
        await self._call("function () { if (typeof draw !== 'function' || !window.Plotly) throw Error('no page') }")

    async def _is_at(self, url: str) -> bool:
        place = "document.readyState === 'complete' && document.URL"
        return bool((await send(self._target, "Runtime.evaluate", expression=place))["result"]["value"] == url)

    async def draw(self, figure: str) -> bytes:
        """Draw a figure (JSON text) and photograph it.

        `optimizeForSpeed` stays off: it halves the encoding but makes the file three times as large to send.
        """
        await self._call("function (text) { return draw(text) }", {"value": figure})
        shot = await send(self._target, "Page.captureScreenshot", format="png", clip=_CLIP)
        return base64.b64decode(shot["data"])

    async def _call(self, function: str, *arguments: dict[str, str]) -> None:
        await send(
            self._target,
            "Runtime.callFunctionOn",
            functionDeclaration=function,
            objectId=self._window,
            arguments=list(arguments),
            awaitPromise=True,
            returnByValue=True,
        )


async def _event(future: asyncio.Future[Any]) -> None:
    """Wait for an event; its future is cancelled when the browser goes away."""
    await asyncio.wait({future})
    if future.cancelled():
        raise BrowserGoneError("the browser went away while a page was loading")


class KeptBrowser:
    """A browser with its free tabs in a queue."""

    def __init__(self, launch: Launch, tab_count: int) -> None:
        self._browser = SupervisedBrowser(launch)
        self._count = tab_count
        self.free: asyncio.Queue[Tab] = asyncio.Queue()
        self.renders = 0

    @property
    def session(self) -> int | None:
        """The session of its processes."""
        return self._browser.session

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._browser.is_alive

    async def open(self) -> None:
        """Start the browser and load all tabs.

        Raises:
            BrowserGoneError, PageError: it does not come up.
        """
        await self._browser.open()
        url = write_page(self._browser.folder.path, BACKGROUND)
        for number in range(self._count):
            tab = Tab(await self._target(number))
            await tab.load(url)
            self.free.put_nowait(tab)

    async def _target(self, number: int) -> Any:
        """Give the tab the browser came with, then new ones: a window each, since a hidden tab is not painted."""
        first = self._browser.first_tab if number == 0 else None
        return first or await self._browser.call("create_tab", "about:blank", window=True)

    async def draw(self, figure: str) -> bytes:
        """Draw in the next free tab.

        Raises:
            BrowserGoneError, PageError: as `send`.
        """
        tab = await self.free.get()
        try:
            png = await tab.draw(figure)
        finally:
            self.free.put_nowait(tab)
        self.renders += 1
        return png

    async def close(self) -> None:
        """End it; nothing is left."""
        await self._browser.close()
