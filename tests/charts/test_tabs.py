"""A tab that is told of loads in an inconvenient order."""

import asyncio
from typing import Any

from services.charts.adapters.choreographer_tabs import Tab

URL = "file:///page.html"


class SlowTab:
    """A tab on a busy machine: the empty page it was born with tells its load only after ours was asked for."""

    def __init__(self) -> None:
        self.at = "about:blank"
        self.checked_at = ""
        self._waiting: list[asyncio.Future[Any]] = []

    def subscribe_once(self, _event: str) -> "asyncio.Future[Any]":
        self._waiting.append(asyncio.get_running_loop().create_future())
        return self._waiting[-1]

    def _fire(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result({})

    def _arrive(self) -> None:
        self.at = URL
        self._fire()

    async def send_command(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        if command == "Page.navigate":
            loop = asyncio.get_running_loop()
            loop.call_soon(self._fire)
            loop.call_later(0.05, self._arrive)
        if command == "Runtime.callFunctionOn":
            self.checked_at = self.at
        if command == "Runtime.evaluate" and params["expression"] != "window":
            return {"result": {"result": {"value": self.at}}}
        return {"result": {"result": {"objectId": "1"}}}


async def test_the_load_of_the_empty_page_is_not_taken_for_ours() -> None:
    target = SlowTab()
    async with asyncio.timeout(60):
        await Tab(target).load(URL)
    assert target.checked_at == URL
