"""A durable consumer read by continuous pull, across reconnects, restarts of the broker and changes of its owner.

A pinned consumer has one owner at a time, and order. Whoever becomes its owner, or was cut off as its owner, drops what
it holds, resets the consumer and goes on in a fresh inbox: the broker then gives all that is unsettled again, in order.
Pinning is no fence: an old owner may still be finishing a message, and the inbox table decides who was first.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from nats.aio.msg import Msg

from chassis.bus import Delivery, Endless, Stored
from chassis.cancellation import background
from chassis.errors import TransientError
from chassis.nats_link import ApiError, Link
from chassis.pull_inbox import PullInbox, Refusal
from contracts.channels import Consumer

PINNED_GROUP = "owner"
PINNED_TIMEOUT_S = 3.0
"""An owner that has not pulled for so long loses the consumer."""
REQUEST_S = 5.0
PINNED_REQUEST_S = 1.0
"""A waiting request does not keep the pin alive (measured): only a new one does."""
TROUBLE_PAUSE_S = 0.5

logger = structlog.get_logger()


class NatsDelivery:
    """A delivery of a `NatsBus`."""

    __slots__ = ("_attempt", "_message", "_owner", "_reply")

    def __init__(self, owner: "PullConsumer", message: Stored, attempt: int, reply: str) -> None:
        self._owner = owner
        self._message = message
        self._attempt = attempt
        self._reply = reply

    @property
    def message(self) -> Stored:
        """What was delivered."""
        return self._message

    @property
    def attempt(self) -> int:
        """1 for the first delivery."""
        return self._attempt

    def count(self, attempt: int) -> None:
        """Correct the number of the attempt."""
        self._attempt = attempt

    async def ack(self) -> None:
        """Say that it is done."""
        await self._owner.settle(self, self._reply, b"+ACK")

    async def nak(self, delay_s: float) -> None:
        """Ask for it again after `delay_s`."""
        await self._owner.put_off(self, self._reply, delay_s)

    async def in_progress(self) -> None:
        """Ask for another ack_wait."""
        await self._owner.tell(self._reply, b"+WPI")

    async def term(self, reason: str) -> None:
        """Say that it will never be done."""
        await self._owner.settle(self, self._reply, b"+TERM " + reason.encode())


def stored_of(message: Msg) -> tuple[Stored, int, int, int]:
    """Read what a stream says of a message: it, its deliveries, its place in the consumer, and how many wait behind it.

    Source: NATS ADR-15, the acknowledgement subject; its second form puts two tokens more in front.
    """
    tokens = message.reply.split(".")
    offset = 2 if len(tokens) >= 11 else 0
    delivered, sequence, place, stored_ns, pending = tokens[4 + offset : 9 + offset]
    stored_at = datetime.fromtimestamp(int(stored_ns) / 1e9, UTC)
    stored = Stored(message.subject, message.data, message.headers or {}, int(sequence), stored_at)
    return stored, int(delivered), int(place), int(pending)


class PullConsumer:
    """One reader of a durable consumer."""

    def __init__(self, link: Link, consumer: Consumer, ahead: int) -> None:
        self._link = link
        self._consumer = consumer
        self._path = f"{consumer.stream}.{consumer.name}"
        self._ahead = ahead
        self._request_s = PINNED_REQUEST_S if consumer.pinned else REQUEST_S
        self._inbox = PullInbox(link, self._receive, self._refused)
        self._buffer: deque[NatsDelivery] = deque()
        self._held: dict[int, tuple[NatsDelivery, str]] = {}
        self._handed: dict[int, int] = {}
        self._readers = 0
        self._arrived = asyncio.Event()
        self._wake = asyncio.Event()
        self._pin: str | None = None
        self._must_take_over = False
        self._is_troubled = False
        self._asked_at = 0.0
        self._beaten_at = 0.0
        self._failure: BaseException | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Pull while the context is open; then give back what is unsettled."""
        with self._link.watched(self._on_connection):
            await self._inbox.open()
            try:
                async with background(self._pump(), self._fail):
                    yield Endless(self._take)
            finally:
                await self._leave()

    # --- settling -----------------------------------------------------------------------------------------------------

    async def settle(self, delivery: NatsDelivery, reply: str, word: bytes) -> None:
        """End a delivery."""
        await self.tell(reply, word)
        self._let_go(delivery)
        self._handed.pop(delivery.message.sequence, None)

    async def put_off(self, delivery: NatsDelivery, reply: str, delay_s: float) -> None:
        """Hand a delivery back for a while."""
        await self.tell(reply, b'-NAK {"delay": %d}' % max(1, int(delay_s * 1e9)))
        self._let_go(delivery)

    async def tell(self, reply: str, word: bytes) -> None:
        """Say a word about a delivery."""
        await self._link.send(reply, word)

    def _let_go(self, delivery: NatsDelivery) -> None:
        held = self._held.get(delivery.message.sequence)
        if held is not None and held[0] is delivery:
            del self._held[delivery.message.sequence]

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _take(self) -> Delivery:
        self._readers += 1
        try:
            while not self._buffer:
                if self._failure is not None:
                    raise self._failure
                self._arrived.clear()
                self._wake.set()
                await self._arrived.wait()
        finally:
            self._readers -= 1
        delivery = self._buffer.popleft()
        self._count(delivery)
        if self._missing() > self._ahead // 2:
            self._wake.set()
        return delivery

    def _receive(self, message: Msg) -> None:
        if self._consumer.pinned and not self._is_ours((message.headers or {}).get("Nats-Pin-Id")):
            return
        self._is_troubled = False
        stored, delivered, _, _ = stored_of(message)
        delivery = NatsDelivery(self, stored, delivered, message.reply)
        self._held[stored.sequence] = (delivery, message.reply)
        self._buffer.append(delivery)
        self._arrived.set()

    def _is_ours(self, pin: str | None) -> bool:
        """Whether a message came under the pin we took over with; a new pin means taking over first."""
        if pin == self._pin and not self._must_take_over:
            return True
        self._pin = pin
        self._must_take_over = True
        self._wake.set()
        return False

    def _count(self, delivery: NatsDelivery) -> None:
        """Count attempts ourselves where the broker does not: a reset consumer starts again at 1.

        What waited in the buffer and was never handed out was no attempt.
        """
        if self._consumer.pinned:
            sequence = delivery.message.sequence
            self._handed[sequence] = max(delivery.attempt, self._handed.get(sequence, 0) + 1)
            delivery.count(self._handed[sequence])

    def _refused(self, refusal: Refusal) -> None:
        if refusal.status == "423":
            self._pin = None
        elif refusal.status == "408":
            self._is_troubled = False
        else:
            self._trouble(str(refusal))
        self._wake.set()

    def _trouble(self, reason: str) -> None:
        """Say once that the consumer cannot be read, and slow down."""
        if not self._is_troubled:
            logger.warning("consumer.halted", consumer=self._path, error=reason)
        self._is_troubled = True

    def _on_connection(self, is_connected: bool) -> None:
        """Begin again on a new connection: requests died with the old one, and so did what was on its way."""
        self._inbox.forget()
        if is_connected:
            self._must_take_over = self._consumer.pinned
            self._wake.set()

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._arrived.set()

    # --- pulling ------------------------------------------------------------------------------------------------------

    def _missing(self) -> int:
        return max(self._ahead, self._readers) - len(self._buffer) - self._inbox.owed

    async def _pump(self) -> None:
        """Keep enough requests at the broker, for ever."""
        while True:
            self._wake.clear()
            try:
                await self._link.connected.wait()
                if self._must_take_over:
                    await self._take_over()
                await self._ask()
                await self._keep_buffered()
            except (TransientError, ApiError) as e:
                self._trouble(str(e))
            await self._sleep()

    async def _ask(self) -> None:
        self._inbox.write_off_overdue()
        missing = self._missing()
        now = asyncio.get_running_loop().time()
        is_due = self._consumer.pinned and now - self._asked_at >= PINNED_REQUEST_S
        if missing > self._ahead // 2 or (missing > 0 and not self._inbox.owed) or is_due:
            self._asked_at = now
            extra = {"group": PINNED_GROUP} if self._consumer.pinned else {}
            if self._pin:
                extra["id"] = self._pin
            await self._inbox.request(self._path, max(1, missing), self._request_s, extra)
        if is_due and self._pin is None and not self._buffer:
            await self._free_orphans()

    async def _free_orphans(self) -> None:
        """Give again what a dead owner left unsettled: without a message to deliver nobody would become the owner."""
        info = await self._link.call(f"CONSUMER.INFO.{self._path}")
        group = (info.get("priority_groups") or [{}])[0]
        if info["num_ack_pending"] and not group.get("pinned_client_id"):
            await self._link.call(f"CONSUMER.RESET.{self._path}", {})

    async def _take_over(self) -> None:
        """Drop what came before and let the broker give all that is unsettled again, in order."""
        await self._inbox.close()
        self._inbox = PullInbox(self._link, self._receive, self._refused)
        await self._inbox.open()
        self._buffer.clear()
        self._held.clear()
        await self._link.call(f"CONSUMER.RESET.{self._path}", {})
        self._must_take_over = False
        logger.info("consumer.taken", consumer=self._path)

    async def _keep_buffered(self) -> None:
        """Ask for more time for what waits in our buffer, else the broker would give it to another."""
        now = asyncio.get_running_loop().time()
        if now - self._beaten_at < self._consumer.ack_wait_s / 3:
            return
        self._beaten_at = now
        for delivery in list(self._buffer):
            await delivery.in_progress()

    async def _sleep(self) -> None:
        """Until there is something to do; after a refusal for a while, whatever happens."""
        if self._is_troubled:
            await asyncio.sleep(TROUBLE_PAUSE_S)
            return
        limit_s = min(self._request_s, self._consumer.ack_wait_s / 3)
        try:
            async with asyncio.timeout(limit_s):
                await self._wake.wait()
        except TimeoutError:
            return

    # --- leaving ------------------------------------------------------------------------------------------------------

    async def _leave(self) -> None:
        """Give back at once what is unsettled: nobody should wait for `ack_wait` because we restarted."""
        await self._inbox.close()
        if not self._link.is_connected:
            return
        try:
            for _, reply in self._held.values():
                await self.tell(reply, b"-NAK")
            if self._pin is not None:
                body = b'{"group": "%s"}' % PINNED_GROUP.encode()
                await self._link.send(f"$JS.API.CONSUMER.UNPIN.{self._path}", body)
        except TransientError as e:
            logger.info("consumer.left", consumer=self._path, error=str(e))
