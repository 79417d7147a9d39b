"""The one dispatcher of a bot token: takes SENDS, brings them into order and pace, tells how each ended.

A message stays with its broker (in progress) until its row says how it ended and that has been published; then it is
acknowledged. Waiting for another try happens here, in its chat's place, so that the order of a chat is kept. While the
broker holds sends back because too many are unsettled, the important ones among them are taken ahead (`horizon`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import structlog

from chassis import metrics
from chassis.bus import Bus, Delivery, Stored
from chassis.clock import Clock
from chassis.consume import Settler, growing_delay
from chassis.dead_letters import bury
from chassis.errors import DatabaseAwayError, TransientError
from contracts import catalogue, codec
from contracts.messages import DeliveryState, SendClass, SendMessage
from services.telegram.domain import fees
from services.telegram.domain.attempt import Close, Row
from services.telegram.domain.fees import FeeMeter
from services.telegram.domain.outcome import Verdict
from services.telegram.domain.scheduler import Job, Limits, Pick, Scheduler
from services.telegram.handlers.announcer import Announcer
from services.telegram.handlers.courier import Courier, Ended, Later
from services.telegram.handlers.gallery import Gallery
from services.telegram.handlers.horizon import Horizon

CONSUMER = catalogue.TELEGRAM_SENDS
BEAT_S = CONSUMER.ack_wait_s / 3
"""How often the broker is told that we still have a message."""
AWAY_S = 2.0
"""How long everything rests when the database or the broker is away."""
LOCKED_OUT_S = 30.0
"""How long everything rests when Telegram does not know our token."""
REDRIVEN = "redrive:"
"""How the broker's id of a message begins that was sent again out of the dead letters."""
LOOK_S = 0.25
"""How often the horizon is looked at while the broker holds sends back."""
AT_HAND = 32
"""How many sends of each class shall be at hand: at 28 calls a second it is more than one look uses up."""
HAND_BACK_S = 0.2
"""When a message that was handed back at a stop may come to another copy."""

logger = structlog.get_logger()


@dataclass(slots=True)
class Held:
    """A send we hold. A send that the broker delivers again while we hold it gets settled with all its deliveries.

    `ahead` is the message where it was taken before the broker handed it out; it may have no delivery then.
    """

    send: SendMessage
    deliveries: list[Delivery] = field(default_factory=list)
    ahead: Stored | None = None
    is_begun: bool = False

    def is_redriven(self) -> bool:
        """Tell, until it was carried once, whether an operator sent this again out of the dead letters."""
        messages = [delivery.message for delivery in self.deliveries] + ([self.ahead] if self.ahead else [])
        return not self.is_begun and any(one.headers.get("Nats-Msg-Id", "").startswith(REDRIVEN) for one in messages)


class Sender:
    """Sends what the product says, for as long as it runs."""

    def __init__(
        self, bus: Bus, courier: Courier, announcer: Announcer, gallery: Gallery, clock: Clock, limits: Limits
    ) -> None:
        self._bus = bus
        self._courier = courier
        self._announcer = announcer
        self._gallery = gallery
        self._clock = clock
        self._scheduler: Scheduler[Held] = Scheduler(limits)
        self._settler = Settler(bus, CONSUMER, (), clock)
        self._held: dict[str, Held] = {}
        self._horizon = Horizon(bus)
        self._closing: asyncio.Queue[tuple[Held, Close]] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._limits = limits
        self._fees = FeeMeter()
        self._trouble = ""

    @property
    def held(self) -> int:
        """How many sends are held."""
        return len(self._held)

    @property
    def trouble(self) -> str:
        """Why nothing is sent (our token is refused, database or broker are away), or nothing."""
        return self._trouble

    def waiting(self) -> dict[SendClass, int]:
        """Count the sends that wait for their turn, by class."""
        return self._scheduler.waiting()

    @property
    def is_paid(self) -> bool:
        """Whether the pace is faster than what is free."""
        return self._limits.is_paid

    @property
    def stars(self) -> Decimal:
        """What was spent since the start, at most, in Telegram Stars."""
        return self._fees.stars

    def cost(self, messages: int) -> Decimal:
        """Tell what so many messages cost, at most, in Telegram Stars."""
        return fees.cost(messages, self._limits.per_second) if self.is_paid else Decimal(0)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; then let the calls under way end and hand the rest back to the broker."""
        async with self._bus.deliveries(CONSUMER) as deliveries:
            async with asyncio.TaskGroup() as carriers, asyncio.TaskGroup() as loops:
                running = [
                    loops.create_task(self._take(deliveries)),
                    loops.create_task(self._dispatch(carriers)),
                    loops.create_task(self._beat()),
                    loops.create_task(self._close()),
                    loops.create_task(self._look_ahead()),
                    loops.create_task(self._gallery.run(self._release, self._expire)),
                ]
                await stop.wait()
                for task in running:
                    task.cancel()
            await self._hand_back()

    # --- in -----------------------------------------------------------------------------------------------------------

    async def _take(self, deliveries: AsyncIterator[Delivery]) -> None:
        async for delivery in deliveries:
            self._horizon.passed(delivery.message.sequence)
            try:
                send = codec.decode(delivery.message.body, SendMessage)
            except codec.MalformedError as e:
                await self._bury_malformed(delivery, str(e))
                continue
            self._hold(send, delivery)

    async def _bury_malformed(self, delivery: Delivery, reason: str) -> None:
        try:
            await self._settler.bury(delivery, catalogue.SEND.name, reason)
        except TransientError as e:
            logger.warning("message.unsettled", key=delivery.message.subject, error=str(e))
            await _said(delivery.nak(growing_delay(delivery.attempt)))

    def _hold(self, send: SendMessage, delivery: Delivery) -> None:
        held = self._held.get(send.id)
        if held is not None:
            held.deliveries.append(delivery)
            return
        self._begin(Held(send, [delivery]))

    def _begin(self, held: Held) -> None:
        self._held[held.send.id] = held
        if held.send.kind is SendClass.PICTURE:
            self._release(self._gallery.arrive(held.send))
        else:
            self._offer(held.send.id)

    async def _look_ahead(self) -> None:
        """Take important sends ahead while the broker holds them back, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            delivered = sum(bool(held.deliveries) for held in self._held.values())
            if delivered < CONSUMER.in_flight // 2:
                continue
            try:
                for kind in tuple(SendClass)[:-1]:
                    await self._take_ahead(kind)
            except TransientError as e:
                logger.info("horizon.unseen", error=str(e))

    async def _take_ahead(self, kind: SendClass) -> None:
        for one in await self._horizon.find(kind, AT_HAND - self._scheduler.waiting()[kind]):
            if one.send.id not in self._held:
                metrics.SENDS_AHEAD.labels(one.send.kind.value).inc()
                self._begin(Held(one.send, ahead=one.stored))

    def _release(self, send_ids: list[str]) -> None:
        """Let pictures go whose time has come."""
        for send_id in send_ids:
            self._offer(send_id)

    def _offer(self, send_id: str) -> None:
        held = self._held.get(send_id)
        if held is None:
            return
        replaced = self._scheduler.offer(self._job(held), self._clock.monotonic())
        self._changed.set()
        self._drop(replaced)

    def _job(self, held: Held) -> Job[Held]:
        send = held.send
        expires_s = None
        if send.expires_at is not None:
            left_s = (send.expires_at - self._clock.now()).total_seconds()
            expires_s = self._clock.monotonic() + left_s
        return Job(chat_id=send.chat_id, kind=send.kind, work=held, expires_s=expires_s, coalesce=send.coalesce)

    # --- out ----------------------------------------------------------------------------------------------------------

    async def _dispatch(self, carriers: asyncio.TaskGroup) -> None:
        while True:
            self._changed.clear()
            now_s = self._clock.monotonic()
            while (pick := self._scheduler.next(now_s)) is not None:
                carriers.create_task(self._carry(pick))
                now_s = self._clock.monotonic()
            self._measure()
            await self._until(self._scheduler.wake_at(now_s), now_s)

    async def _until(self, wake_at_s: float | None, now_s: float) -> None:
        try:
            async with asyncio.timeout(None if wake_at_s is None else max(0.0, wake_at_s - now_s)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _carry(self, pick: Pick[Held]) -> None:
        held = pick.job.work
        try:
            is_expired = pick.is_expired or self._is_expired(held.send)
            carried = await self._courier.carry(held.send, is_expired=is_expired, is_redriven=held.is_redriven())
        except TransientError as e:
            self._rest(pick, AWAY_S, str(e))
        except Exception:  # a bug in one send must not stop the others
            logger.exception("send.failed", send_id=held.send.id, chat_id=held.send.chat_id)
            self._free(pick, was_called=True)
            self._release(self._gallery.carried(held.send, None))
            await self._fail(held)
        else:
            held.is_begun = True
            await self._ended(pick, carried) if isinstance(carried, Ended) else self._later(pick, carried)
        finally:
            self._changed.set()

    def _is_expired(self, send: SendMessage) -> bool:
        return send.expires_at is not None and self._clock.now() >= send.expires_at

    async def _ended(self, pick: Pick[Held], ended: Ended) -> None:
        held = pick.job.work
        self._free(pick, was_called=ended.was_called)
        self._trouble = ""
        if self.is_paid and ended.was_called and ended.row.state is DeliveryState.DELIVERED:
            metrics.PAID_STARS.inc(float(self._fees.count(self._clock.monotonic())))
        self._release(self._gallery.carried(held.send, ended.stored))
        self._changed.set()
        async with self._giving_back(held):
            await self._tell(held, ended.row)

    async def _tell(self, held: Held, row: Row) -> None:
        await self._announcer.announce(held.send, row)
        await self._let_go(held, row.state, row.reason)

    @asynccontextmanager
    async def _giving_back(self, held: Held) -> AsyncIterator[None]:
        """Give a send back to the broker where its end cannot be written or told: one of them must not stop all."""
        try:
            yield
        except TransientError as e:
            logger.warning("send.unannounced", send_id=held.send.id, error=str(e))
            await self._give_back(held)
        except Exception:
            logger.exception("send.failed", send_id=held.send.id, chat_id=held.send.chat_id)
            await self._give_back(held)

    async def _let_go(self, held: Held, state: object, reason: str) -> None:
        """End the send at the broker: acknowledged, or moved to the dead letters."""
        self._held.pop(held.send.id, None)
        dead_of = reason if state is DeliveryState.DEAD else None
        if held.ahead is not None and not held.deliveries:
            await self._let_go_ahead(held.ahead, dead_of)
        for number, delivery in enumerate(held.deliveries):
            if number == 0 and dead_of is not None:
                await self._settler.bury(delivery, catalogue.SEND.name, dead_of)
            else:
                await _said(delivery.ack())

    async def _let_go_ahead(self, ahead: Stored, dead_of: str | None) -> None:
        """End a send that the broker never handed out: it leaves the stream, as a dead letter where it is dead."""
        if dead_of is not None:
            await bury(self._bus, self._clock, CONSUMER, ahead, reason=dead_of, attempts=1)
        await self._bus.remove_stored(CONSUMER.stream, ahead.sequence)

    def _later(self, pick: Pick[Held], later: Later) -> None:
        job, now_s = pick.job, self._clock.monotonic()
        send = job.work.send
        logger.info("send.delayed", send_id=send.id, delay_s=round(later.delay_s, 2), reason=later.reason)
        self._release(self._gallery.carried(send, None))
        if pick.is_expired:
            self._scheduler.offer(job, now_s)
        elif later.verdict is Verdict.FLOOD:
            overtaken = self._scheduler.flood(job, now_s, later.delay_s)
            metrics.FLOOD_WAITS.labels("all" if self._scheduler.is_paused(now_s) else "chat").inc()
            self._drop(overtaken)
        else:
            self._drop(self._scheduler.put_back(job, now_s, later.delay_s))
        if later.verdict is Verdict.LOCKED_OUT:
            self._trouble = f"SINYAL_TELEGRAM_TOKEN: Telegram refuses it: {later.reason}"
            self._scheduler.pause(now_s, LOCKED_OUT_S)

    def _rest(self, pick: Pick[Held], delay_s: float, reason: str) -> None:
        """Let everything rest: what is away is away for all."""
        logger.warning("sender.resting", delay_s=delay_s, error=reason)
        self._trouble = reason
        now_s = self._clock.monotonic()
        self._scheduler.pause(now_s, delay_s)
        self._release(self._gallery.carried(pick.job.work.send, None))
        if pick.is_expired:
            self._drop(self._scheduler.offer(pick.job, now_s))
        else:
            self._drop(self._scheduler.put_back(pick.job, now_s, delay_s))

    def _free(self, pick: Pick[Held], *, was_called: bool) -> None:
        if not pick.is_expired:
            self._scheduler.complete(pick.job.chat_id, self._clock.monotonic(), was_called=was_called)

    def _drop(self, overtaken: Job[Held] | None) -> None:
        if overtaken is not None:
            self._closing.put_nowait((overtaken.work, Close(DeliveryState.EXPIRED, "superseded")))

    def _expire(self, send_ids: list[str]) -> None:
        """End pictures that were not drawn in time: their texts stand alone."""
        for held in filter(None, map(self._held.get, send_ids)):
            self._closing.put_nowait((held, Close(DeliveryState.EXPIRED, "not drawn in time")))

    async def _close(self) -> None:
        """End sends without a call: nobody wants to see them any more, or they fail too often."""
        while True:
            held, close = await self._closing.get()
            async with self._giving_back(held):
                try:
                    row = await self._courier.settle(held.send, close)
                except DatabaseAwayError as e:  # no fault of the send: given back too often, it would be dead
                    self._closing.put_nowait((held, close))
                    self._trouble = str(e)
                    await asyncio.sleep(AWAY_S)
                    continue
                await self._tell(held, row)

    # --- with the broker ----------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for held in list(self._held.values()):
                for delivery in held.deliveries:
                    await _said(delivery.in_progress())

    async def _fail(self, held: Held) -> None:
        """Try a send that met a bug again later; the last time it is dead, so that whoever waits for it learns it."""
        if max((delivery.attempt for delivery in held.deliveries), default=1) < CONSUMER.max_deliver:
            await self._give_back(held)
        else:
            self._closing.put_nowait((held, Close(DeliveryState.DEAD, "failed unexpectedly, too often")))

    async def _give_back(self, held: Held) -> None:
        """Ask the broker to deliver a send again, later."""
        self._held.pop(held.send.id, None)
        for delivery in held.deliveries:
            await _said(delivery.nak(growing_delay(delivery.attempt)))

    async def _hand_back(self) -> None:
        self._gallery.drain()
        self._scheduler.drain()
        for held in self._held.values():
            for delivery in held.deliveries:
                await _said(delivery.nak(HAND_BACK_S))
        self._held.clear()

    def _measure(self) -> None:
        for kind, count in self._scheduler.waiting().items():
            metrics.SEND_QUEUE.labels(kind.value).set(count)


async def _said(word: Awaitable[None]) -> None:
    """Say a word about a delivery. Unsaid, it does no harm: the broker gives the send again, and its row knows."""
    try:
        await word
    except TransientError as e:
        logger.info("message.unattended", error=str(e))
