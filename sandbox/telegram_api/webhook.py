"""Pushing updates to the bot's own server.

Updates of one queue (a chat, a person's presses) go one after another: the next is pushed only after the last was
answered with 2xx, so one that fails holds up its own chat and nobody else. Source: telegram-bot-api's WebhookActor.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.telegram_api.settings import WebhookSettings
from sandbox.telegram_api.updates import Update, UpdateQueue

Json = dict[str, Any]
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name, no secret
LONGEST_RETRY_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Where updates are pushed to; `closed` is set when it is replaced."""

    url: str
    secret: str = field(default="", repr=False)
    max_connections: int = 40
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(40), repr=False)
    closed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a push did not count, and how long the receiver asked us to wait."""

    message: str
    retry_after_s: float | None = None


class WebhookDelivery:
    """Pushes the queue's updates to the target, if there is one, for as long as `run` runs."""

    def __init__(self, updates: UpdateQueue, settings: WebhookSettings) -> None:
        self._updates = updates
        self._settings = settings
        self._busy: set[str] = set()
        self.target: Target | None = None
        self.last_error: tuple[int, str] | None = None
        self.set_at = float("-inf")
        self.execute: Callable[[str, Json], Awaitable[None]] | None = None

    def set(self, target: Target) -> None:
        """Push to this target from now on."""
        self.clear()
        self.target = target
        self._updates.arrived.set()

    def clear(self) -> None:
        """Stop pushing; what is pending stays for getUpdates."""
        if self.target is not None:
            self.target.closed.set()
        self.target = None
        self.last_error = None

    async def run(self) -> None:
        """Push until cancelled."""
        timeout = aiohttp.ClientTimeout(total=self._settings.answer_within_s)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            while True:
                await self._updates.arrived.wait()
                self._updates.arrived.clear()
                self._start_queues(group, session)

    def _start_queues(self, group: asyncio.TaskGroup, session: aiohttp.ClientSession) -> None:
        """Start one worker for each queue that has updates and none."""
        if self.target is None:
            return
        for queue in {one.queue for one in self._updates.pending} - self._busy:
            self._busy.add(queue)
            group.create_task(self._drain(queue, self.target, session))

    async def _drain(self, queue: str, target: Target, session: aiohttp.ClientSession) -> None:
        """Push a queue's updates in order until it is empty or the target is gone."""
        try:
            while target is self.target and (update := self._first_of(queue)) is not None:
                await self._push_until_taken(update, target, session)
        finally:
            self._busy.discard(queue)
            # A new target may have come meanwhile and found this queue busy.
            if target is not self.target:
                self._updates.arrived.set()

    def _first_of(self, queue: str) -> Update | None:
        return next((one for one in self._updates.pending if one.queue == queue), None)

    async def _push_until_taken(self, update: Update, target: Target, session: aiohttp.ClientSession) -> None:
        """Push one update until it is taken, too old, or the target is gone."""
        attempt = 0
        while target is self.target:
            if update.expires_at <= time.time():
                self._updates.drop_expired()
                return
            async with target.slots:
                failure = await self._push(update, target, session)
            if failure is None:
                self._updates.confirm(update)
                return
            if target is self.target:
                self.last_error = (int(time.time()), failure.message)
            await _pause(target, self._delay_s(attempt, failure))
            attempt += 1

    async def _push(self, update: Update, target: Target, session: aiohttp.ClientSession) -> _Failure | None:
        """Push once; None when it was taken."""
        headers = {SECRET_HEADER: target.secret} if target.secret else {}
        try:
            async with session.post(
                target.url, json=update.render(), headers=headers, allow_redirects=False
            ) as response:
                body = await response.read()
        except TimeoutError:
            return _Failure("Read timeout expired")
        except aiohttp.ClientConnectorError as error:
            return _Failure(os.strerror(error.errno) if error.errno else "Connection refused")
        except aiohttp.ClientError:
            return _Failure("Connection reset by peer")
        if not 200 <= response.status < 300:
            words = f"Wrong response from the webhook: {response.status} {response.reason}"
            return _Failure(words, _seconds(response.headers.get("Retry-After")))
        await self._execute_reply(response.content_type, body)
        return None

    async def _execute_reply(self, content_type: str, body: bytes) -> None:
        """Run the method that a receiver may put into its answer; nobody sees how it ends."""
        if self.execute is None or content_type != "application/json" or not body.strip():
            return
        try:
            reply = json.loads(body)
        except ValueError:
            return
        if isinstance(reply, dict) and isinstance(reply.get("method"), str):
            await self.execute(reply.pop("method"), reply)

    def _delay_s(self, attempt: int, failure: _Failure) -> float:
        """Return the pause before the next try: none, then growing, or what the receiver asked for."""
        if failure.retry_after_s is not None:
            return min(failure.retry_after_s, LONGEST_RETRY_AFTER_S)
        if attempt == 0:
            return 0.0
        # The real server spreads the longest pause between one and two minutes.
        longest = self._settings.longest_delay_s * random.uniform(1, 2)
        return min(self._settings.first_delay_s * 2.0 ** min(attempt - 1, 20), longest)


async def _pause(target: Target, delay_s: float) -> None:
    """Wait, unless the target goes away."""
    try:
        async with asyncio.timeout(delay_s):
            await target.closed.wait()
    except TimeoutError:
        return


def _seconds(header: str | None) -> float | None:
    try:
        return None if header is None else max(0.0, float(header))
    except ValueError:
        return None
