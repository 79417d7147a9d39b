"""Messages that can never be handled: how one is buried, found by the collector, and sent again.

Most are buried by the consume loop. The collector finds the others: those whose last delivery ended in a crash, or that
somebody terminated by hand. The broker tells of them in advisories that carry no payload, and leaves such a message in
its work queue for ever, undeliverable.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
import structlog

from chassis import metrics
from chassis.bus import Bus, Delivery, Outgoing, Stored
from chassis.clock import Clock
from chassis.errors import RejectedError, TransientError
from chassis.keep_alive import keep_alive
from chassis.subjects import published_of, topic_of
from contracts import catalogue
from contracts.channels import Consumer, Retention
from contracts.ids import digest
from contracts.messages import DeadLetter

BURIED = "buried: "
"""How the reason of our own terminations begins: the letter was written before, the collector has nothing to do."""
RETRY_S = 5.0
REDRIVES_HEADER = "Sinyal-Redrives"
"""How often a message was sent again out of the dead letters."""
TRIED_HEADER = "Sinyal-Tried"
"""How often it was tried before that, in all its lives. Not `Sinyal-Attempts`: a redriven message begins anew."""
FIRST_AT_HEADER = "Sinyal-First-At"
"""When it was stored in its first life."""
_OF_ONE_LIFE = ("Nats-", "Sinyal-Attempts")
"""Headers that a message does not take into its next life."""

_WORK_QUEUES = {stream.name for stream in catalogue.STREAMS if stream.retention is Retention.WORK_QUEUE}

logger = structlog.get_logger()


class _Advisory(msgspec.Struct):
    stream: str
    consumer: str
    stream_seq: int
    deliveries: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What a message went through in the lives before this one."""

    redrives: int
    tried: int
    first_at: datetime


def history_of(headers: Mapping[str, str], stored_at: datetime) -> History:
    """Read what a message brings along; one that was never sent again begins at `stored_at`."""
    redrives, tried = (headers.get(name, "") for name in (REDRIVES_HEADER, TRIED_HEADER))
    if not (redrives.isdecimal() and tried.isdecimal()):
        return History(0, 0, stored_at)
    try:
        first_at = datetime.fromisoformat(headers.get(FIRST_AT_HEADER, ""))
    except ValueError:
        first_at = stored_at
    return History(int(redrives), int(tried), first_at if first_at.tzinfo else stored_at)


class NothingToSendError(ValueError):
    """The letter holds no body: it was too large to be kept, so that nothing can be sent again."""


def topic_name(subject: str) -> str:
    """Name the topic of a stored subject, known or not."""
    topic = topic_of(subject)
    return topic.name if topic else subject.split(".", maxsplit=1)[0]


async def bury(bus: Bus, clock: Clock, consumer: Consumer, stored: Stored, *, reason: str, attempts: int) -> None:
    """Write a message into the dead letters. Repeats are one letter.

    The id holds the stream sequence: what fails again after a redrive must not be deduplicated away.
    """
    past = history_of(stored.headers, stored.stored_at)
    letter = DeadLetter(
        id=f"d:{consumer.stream}:{stored.sequence}:{digest((consumer.name, stored.stored_at))[:8]}",
        at=clock.now(),
        topic=topic_name(stored.subject),
        subject=stored.subject,
        stream=consumer.stream,
        sequence=stored.sequence,
        consumer=consumer.name,
        reason=reason,
        attempts=past.tried + attempts,
        first_at=past.first_at,
        headers=dict(stored.headers),
        payload=stored.body,
        redrives=past.redrives,
    )
    token = re.sub(r"[^A-Za-z0-9_-]", "_", letter.topic)
    try:
        await bus.publish(catalogue.DEAD, letter, token)
    except RejectedError:  # in base64 it is a third larger than it was, and may be too large now
        cut = msgspec.structs.replace(letter, payload=b"", reason=f"{reason} ({len(stored.body)} bytes left out)")
        await bus.publish(catalogue.DEAD, cut, token)
    logger.warning("message.buried", topic=letter.topic, key=stored.subject, seq=stored.sequence, reason=reason[:300])


Mourner = Callable[[Consumer, Stored, str], Awaitable[None]]
"""Is told of a message that the broker gave up on: whose it was, the message, and the reason. Told twice at times. It
may take its time: what it raises counts, and after ten times nobody is told.
"""


async def collect(bus: Bus, clock: Clock, mourn: Mourner | None = None) -> None:
    """Bury what the advisories tell of, for ever, and tell `mourn` of each before it is gone. Cancel it to stop."""
    async with bus.deliveries(catalogue.COLLECTOR) as advisories:
        async for delivery in advisories:
            try:
                async with keep_alive(delivery, catalogue.COLLECTOR.ack_wait_s):
                    await collect_one(bus, clock, delivery, mourn)
            except TransientError as e:
                logger.warning("advisory.delayed", seq=delivery.message.sequence, error=str(e))
                await _again(delivery)
            except Exception:  # one grave that cannot be dug must not end the digging
                logger.exception("advisory.failed", seq=delivery.message.sequence)
                await _again(delivery)


async def _again(delivery: Delivery) -> None:
    try:
        await delivery.nak(RETRY_S)
    except TransientError as e:  # then the broker gives it again by itself
        logger.info("message.unattended", seq=delivery.message.sequence, error=str(e))


async def collect_one(bus: Bus, clock: Clock, delivery: Delivery, mourn: Mourner | None = None) -> None:
    """Bury the message that one advisory tells of, and take it out of its work queue."""
    try:
        advisory = msgspec.json.decode(delivery.message.body, type=_Advisory)
    except msgspec.MsgspecError as e:
        logger.warning("advisory.malformed", seq=delivery.message.sequence, error=str(e))
        await delivery.term(f"malformed: {e}")
        return
    consumer = _consumer(advisory)
    if not advisory.reason.startswith(BURIED) and consumer.name != catalogue.COLLECTOR.name:
        stored = await bus.read_stored(advisory.stream, advisory.stream_seq)
        if stored is not None:
            reason = advisory.reason or f"delivered {advisory.deliveries} times and never settled"
            await bury(bus, clock, consumer, stored, reason=reason, attempts=advisory.deliveries)
            metrics.DEAD.labels(consumer.name, topic_name(stored.subject)).inc()
            if mourn is not None:
                await mourn(consumer, stored, reason)
            if advisory.stream in _WORK_QUEUES:
                await bus.remove_stored(advisory.stream, advisory.stream_seq)
    await delivery.ack()


async def redrive(bus: Bus, letter: DeadLetter, letter_sequence: int) -> None:
    """Send a dead letter's message again to its original subject, then delete the letter.

    The id is the letter's: a redrive that is repeated, or done by two at once, is one message as long as the stream
    remembers ids, and its reader knows its own work behind that. If it fails again it is a new message with a new
    sequence, so it becomes a new letter, and that one tells of all lives.

    Raises:
        NothingToSendError: the letter holds no body.
        TransientError, RejectedError: the broker did not take it; the letter stays.
    """
    if not letter.payload:
        raise NothingToSendError(f"{letter.id} holds no body: {letter.reason}")
    kept = {key: value for key, value in letter.headers.items() if not key.startswith(_OF_ONE_LIFE)}
    past = {
        REDRIVES_HEADER: str(letter.redrives + 1),
        TRIED_HEADER: str(letter.attempts),
        FIRST_AT_HEADER: letter.first_at.isoformat(),
    }
    again = Outgoing(published_of(letter.subject), letter.payload, f"redrive:{letter.id}", {**kept, **past})
    await bus.publish_batch([again])
    await bus.remove_stored("DEAD", letter_sequence)


def _consumer(advisory: _Advisory) -> Consumer:
    known = next((consumer for consumer in catalogue.CONSUMERS if consumer.name == advisory.consumer), None)
    if known is not None:
        return replace(known, stream=advisory.stream)
    return Consumer(advisory.consumer, advisory.stream, (), "")
