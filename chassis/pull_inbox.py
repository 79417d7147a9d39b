"""Pull requests in flight, and what they still owe us.

A request lives for a few seconds only: its end is the heartbeat of the link, and the server forgets a dead client
soon. The server serves requests first come first served, so a message is booked on the oldest one. A request whose end
was never told (it got lost with a connection) is written off after its time.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress

from nats import errors as nats_errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from chassis.nats_link import Link

OVERDUE_S = 2.0
"""How long after its end a request is waited for before it is written off."""


class Refusal(Exception):  # noqa: N818  # it is handed to a callback, never raised
    """The end of a pull request before its time: the HTTP-like status and its words."""

    def __init__(self, status: str, description: str) -> None:
        super().__init__(f"{status} {description}")
        self.status = status


class PullInbox:
    """One inbox with its requests. Messages go to `on_message`; a refused request to `on_refusal`."""

    def __init__(self, link: Link, on_message: Callable[[Msg], None], on_refusal: Callable[[Refusal], None]) -> None:
        self._link = link
        self._on_message = on_message
        self._on_refusal = on_refusal
        self._prefix = link.new_inbox() + "."
        self._owed: dict[str, list[float]] = {}
        self._number = 0
        self._subscription: Subscription | None = None
        self.owed = 0

    async def open(self) -> None:
        """Listen."""
        self._subscription = await self._link.subscribe(self._prefix + "*", self._receive)

    async def close(self) -> None:
        """Stop listening; what still arrives is dropped."""
        if self._subscription is not None:
            with suppress(nats_errors.Error):
                await self._subscription.unsubscribe()
            self._subscription = None

    async def request(self, consumer_path: str, batch: int, expires_s: float, extra: Mapping[str, str]) -> None:
        """Ask for up to `batch` messages of `<stream>.<consumer>`."""
        self._number += 1
        body = json.dumps({"batch": batch, "expires": int(expires_s * 1e9), **extra}).encode()
        self._owed[str(self._number)] = [batch, asyncio.get_running_loop().time() + expires_s + OVERDUE_S]
        self.owed += batch
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{consumer_path}"
        await self._link.send(subject, body, reply=f"{self._prefix}{self._number}")

    def forget(self) -> None:
        """Write all requests off: the server does not know them any more."""
        self._owed.clear()
        self.owed = 0

    def write_off_overdue(self) -> None:
        """Write off the requests whose end should have been told."""
        now = asyncio.get_running_loop().time()
        for number in [number for number, (_, deadline) in self._owed.items() if deadline <= now]:
            self._end(number)

    def _receive(self, message: Msg) -> None:
        if self._subscription is None:
            return
        if message.reply:
            self._book()
            self._on_message(message)
            return
        headers = message.headers or {}
        status = headers.get("Status", "")
        if status and status != "100":
            self._end(message.subject[len(self._prefix) :])
            if status != "408":
                self._on_refusal(Refusal(status, headers.get("Description", "")))
            else:
                self._on_refusal(Refusal(status, ""))

    def _book(self) -> None:
        for number, request in self._owed.items():
            request[0] -= 1
            self.owed -= 1
            if request[0] <= 0:
                del self._owed[number]
            return

    def _end(self, number: str) -> None:
        request = self._owed.pop(number, None)
        if request is not None:
            self.owed -= int(request[0])
