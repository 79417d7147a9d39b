"""Takes updates in: stored first, confirmed then, so that a crash in between repeats and never loses one.

By webhook where one is wanted and works, else by polling; from one to the other and back without a loss, since Telegram
keeps what it could not hand over, and without a double, since what is stored is known by its number.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from chassis import metrics
from chassis.bus import Bus
from chassis.clock import Clock
from chassis.errors import TransientError
from services.telegram.handlers.intake import Heard, Intake
from services.telegram.ports import (
    PollConflictError,
    PollRefusedError,
    UpdateSource,
    WebhookRefusedError,
    Webhooks,
    WebhookState,
)

CONFLICT_S = 5.0
"""How long to leave the updates to somebody else who reads them (another copy of ours, while one replaces another)."""
REFUSED_S = 30.0
LONGEST_DELAY_S = 30.0
LOOK_S = 4.0
"""How often Telegram is asked what it thinks of the webhook."""
BAD_LOOKS = 2
"""So many in a row with a new error and updates that wait, and the webhook does not work: one may be an accident."""
LONGEST_RETRY = 16
"""The most by which the wait grows before a webhook that failed again and again is tried anew."""

logger = structlog.get_logger()


class Mode(StrEnum):
    """How updates arrive."""

    WEBHOOK = "webhook"
    POLLING = "polling"


@dataclass(frozen=True, slots=True)
class Hook:
    """The webhook that is wanted. Without a `url` none is, and one that somebody left behind is taken away."""

    calls: Webhooks
    url: str = ""
    secret: str = ""
    retry_s: float = 60.0


class _WebhookWorksError(Exception):
    """While we polled, another copy of ours has set the webhook."""


class Receiver:
    """Reads updates for as long as it runs; `trouble` says why none come, or nothing; `fallback` why they are polled
    although a webhook is wanted.
    """

    def __init__(
        self, bus: Bus, source: UpdateSource, clock: Clock, hook: Hook | None = None, heard: Heard | None = None
    ) -> None:
        self.intake = Intake(bus, clock, heard)
        self._bus = bus
        self._source = source
        self._hook = hook
        self._offset: int | None = None
        self._failures = 0
        self._relapses = 0
        self.mode = Mode.POLLING
        self.fallback = ""
        self.trouble = "not connected yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set; then confirm what is stored. A webhook stays set: Telegram keeps what waits."""
        async with asyncio.TaskGroup() as group:
            receiving = group.create_task(self._receive())
            await stop.wait()
            receiving.cancel()
        if self.mode is Mode.POLLING:
            await self._confirm()

    async def _receive(self) -> None:
        while True:
            if self._hook is not None and self._hook.url:
                await self._push(self._hook)
            await self._poll_for_a_while()

    # --- by webhook ---------------------------------------------------------------------------------------------------

    async def _push(self, hook: Hook) -> None:
        """Have updates pushed for as long as that works; returns when it does not."""
        try:
            await hook.calls.set_webhook(hook.url, hook.secret)
            before = await hook.calls.webhook_state()
        except (WebhookRefusedError, PollRefusedError, TransientError) as e:
            self._fall_back("refused", str(e))
            return
        self._enter(Mode.WEBHOOK)
        reason = await self._watch(hook, before)
        self._fall_back("failing", reason)

    async def _watch(self, hook: Hook, before: WebhookState) -> str:
        """Look at the webhook until it does not work; returns why. While the broker is away it is we who fail."""
        bad = good = 0
        last_error_at = before.last_error_at
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                now = await hook.calls.webhook_state()
            except PollRefusedError as e:
                self.trouble = f"SINYAL_TELEGRAM_TOKEN refused: {e}"
                continue
            except TransientError as e:
                self._note_away(e)
                continue
            self._recover()
            if now.url != hook.url:
                return "somebody took the webhook away"
            is_bad = now.pending > 0 and _is_newer(now.last_error_at, last_error_at) and self._bus.is_connected
            bad = bad + 1 if is_bad else 0
            good = 0 if is_bad else good + 1
            if bad >= BAD_LOOKS:
                return f"{now.pending} updates wait: {now.last_error}"
            if not is_bad:
                last_error_at = now.last_error_at
            if good * LOOK_S > hook.retry_s:
                self._relapses = 0

    def _fall_back(self, why: str, reason: str) -> None:
        metrics.WEBHOOK_FALLBACKS.labels(why).inc()
        logger.warning("webhook.failed", state=why, reason=reason)
        self.fallback = f"{why}: {reason}"

    # --- by polling ---------------------------------------------------------------------------------------------------

    async def _poll_for_a_while(self) -> None:
        """Poll for ever, or until it is time to try the webhook again, or another copy has it working."""
        hook = self._hook
        is_wanted = hook is not None and bool(hook.url)
        span_s = hook.retry_s * min(LONGEST_RETRY, 2**self._relapses) if hook is not None and is_wanted else None
        self._relapses = min(self._relapses + 1, LONGEST_RETRY)
        self._enter(Mode.POLLING)
        self._offset = None  # what was pushed meanwhile has no place in it; what comes twice is known
        try:
            async with asyncio.timeout(span_s):
                await self._take_away_webhook()
                await self._poll()
        except TimeoutError:
            await self._confirm()
        except _WebhookWorksError:
            logger.info("webhook.set_elsewhere")

    async def _take_away_webhook(self) -> None:
        """Delete a webhook, ours or a stranger's, so that polls are answered; what waits stays with Telegram."""
        while self._hook is not None:
            try:
                await self._hook.calls.delete_webhook()
            except PollRefusedError as e:
                await self._rest("SINYAL_TELEGRAM_TOKEN refused", str(e), REFUSED_S)
            except TransientError as e:
                await self._rest_longer(e)
            else:
                return

    async def _poll(self) -> None:
        while True:
            try:
                # in trouble the answer is wanted at once: a long poll would hide for a while that all is well again
                await self._take(await self._source.fetch(self._offset, is_patient=not self.trouble))
            except PollConflictError as e:
                await self._leave_to_another_copy()
                await self._rest("conflict", str(e), CONFLICT_S)
            except PollRefusedError as e:
                await self._rest("SINYAL_TELEGRAM_TOKEN refused", str(e), REFUSED_S)
            except TransientError as e:
                await self._rest_longer(e)
            else:
                self._recover()

    async def _take(self, updates: list[bytes]) -> None:
        """Store updates in order. The offset moves behind each one that is stored: those are never asked for again.

        Pushes do not move it: chats are pushed side by side, so that a larger number says nothing of a smaller one.
        """
        for raw in updates:
            taken = await self.intake.take(raw)
            if taken.update_id is not None:
                self._offset = taken.update_id + 1

    async def _leave_to_another_copy(self) -> None:
        """Where the conflict is our own webhook, set by another copy, go back to it."""
        if self._hook is None or not self._hook.url:
            return
        try:
            state = await self._hook.calls.webhook_state()
        except (PollRefusedError, TransientError):
            return
        if state.url == self._hook.url:
            raise _WebhookWorksError

    # --- in trouble ---------------------------------------------------------------------------------------------------

    def _enter(self, mode: Mode) -> None:
        if mode is Mode.WEBHOOK:
            self.fallback = ""
            self._recover()
        self.mode = mode
        for one in Mode:
            metrics.RECEIVER_MODE.labels(one.value).set(1 if one is mode else 0)
        logger.info("receiver.mode_changed", state=mode.value)

    async def _rest_longer(self, error: TransientError) -> None:
        self._failures += 1
        delay_s = min(LONGEST_DELAY_S, 0.5 * 2.0 ** min(self._failures - 1, 8))
        await self._rest("away", str(error), delay_s if error.delay_s is None else error.delay_s)

    async def _rest(self, state: str, reason: str, delay_s: float) -> None:
        if not self.trouble or self._failures <= 1:
            logger.warning("receiver.troubled", state=state, reason=reason, delay_s=delay_s)
        self.trouble = f"{state}: {reason}"
        await asyncio.sleep(delay_s)

    def _note_away(self, error: TransientError) -> None:
        if not self.trouble:
            logger.warning("receiver.troubled", state="away", reason=str(error))
        self.trouble = f"away: {error}"

    def _recover(self) -> None:
        if self.trouble:
            logger.info("receiver.connected")
        self.trouble, self._failures = "", 0

    async def _confirm(self) -> None:
        """Say once more what is stored: the poll that was cut short may never have left."""
        if self._offset is None:
            return
        try:
            await self._source.confirm(self._offset)
        except (PollConflictError, PollRefusedError, TransientError) as e:
            logger.info("receiver.unconfirmed", reason=str(e))


def _is_newer(moment: datetime | None, before: datetime | None) -> bool:
    return moment is not None and (before is None or moment > before)
