"""Carries one send over the wire: its row, the call, its row again.

The row is written before the call and after it, so that whoever finds it later knows whether a call was under way.
What a call's end means is decided in the domain (`outcome`, `attempt`); nothing here is tried twice in a hurry.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

import msgspec
import structlog

from chassis.errors import DatabaseAwayError, TransientError
from contracts.messages import DeliveryState, PictureNotice, SendMessage, TextNotice
from services.telegram.domain import attempt, outcome
from services.telegram.domain.attempt import Call, Close, Progress, Row
from services.telegram.domain.outcome import Fault, FaultKind, Outcome, Verdict
from services.telegram.domain.pictures import PictureRoom
from services.telegram.handlers.letters import Letter, NotYet, Writer
from services.telegram.handlers.turnstile import Turnstile
from services.telegram.ports import CallFailedError, Deliveries, Shown

R = TypeVar("R")

TAKEN_ELSEWHERE_S = 5.0
"""How long to leave a send alone whose row another copy has moved on."""
UPLOADED_ELSEWHERE_S = 0.5
"""How long a picture waits for another send to upload it."""
LONGEST_INSISTENCE_S = 5.0
"""How long at most between two tries to write down what a call brought."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ended:
    """The send is settled; `was_called` tells whether its chat must rest now, `stored` which picture Telegram has."""

    row: Row
    was_called: bool
    stored: str | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """The send must be carried again after `delay_s`; `verdict` tells who must rest with it."""

    delay_s: float
    verdict: Verdict
    reason: str


Carried = Ended | Later


class Courier:
    """Carries sends, any number at a time, each send once at a time."""

    def __init__(
        self,
        writer: Writer,
        deliveries: Deliveries,
        pictures: PictureRoom,
        most_attempts: int,
        turnstile: Turnstile,
    ) -> None:
        self._writer = writer
        self._turnstile = turnstile
        self._deliveries = deliveries
        self._pictures = pictures
        self._most_attempts = most_attempts
        self._doubted: dict[str, Call] = {}

    async def carry(self, send: SendMessage, *, is_expired: bool, is_redriven: bool = False) -> Carried:
        """Carry a send as far as it goes now. A redriven one was dead, and an operator wants it tried again.

        Raises:
            TransientError: database or broker are away; every call that was made is in its row.
        """
        if is_redriven:
            await self._deliveries.revive(send.id)
        row = await self._row(send)
        plan = attempt.plan(row, send.kind, is_idempotent=is_idempotent(send), is_expired=is_expired)
        match plan:
            case attempt.Settled(row=settled):
                return Ended(settled, was_called=False)
            case Close():
                return await self._close(send, plan, row)
            case attempt.Wait(delay_s=delay_s):
                return Later(delay_s, Verdict.RETRY, "rests")
            case Call():
                return await self._call(send, plan, row)

    async def settle(self, send: SendMessage, close: Close) -> Row:
        """Write that a send ended without another call. What ended before stands as it was."""
        row = await self._row(send)
        ended = await self._close(send, attempt.given_up(row, close, is_idempotent=is_idempotent(send)), row)
        return ended.row

    async def _row(self, send: SendMessage) -> Row | None:
        """Read the row of a send. Where it says that we began a call which we never made, because the database went
        away before it could tell us, nothing is under way: nobody has read it, and it may be sent without a mark.
        """
        row = await self._deliveries.find(send.id)
        doubted = self._doubted.get(send.id)
        if row is None or row.state is not Progress.ATTEMPTING or doubted is None:
            return row
        is_ours = await self._deliveries.is_ours(send.id, doubted)
        return replace(row, state=Progress.WAITING) if is_ours else row

    async def _begin(self, send: SendMessage, call: Call) -> bool:
        """Write that a call starts. Who hears no answer does not know what the row says, but that he makes no call."""
        try:
            is_begun = await self._deliveries.begin(send, call)
        except DatabaseAwayError:
            self._doubted[send.id] = call
            raise
        if is_begun:
            self._doubted.pop(send.id, None)
        return is_begun

    async def _close(self, send: SendMessage, close: Close, row: Row | None) -> Ended:
        old = row or Row(send_id=send.id, state=close.state)
        closed = replace(old, state=close.state, reason=close.reason)
        settled = await self._deliveries.settle(send, closed)
        self._doubted.pop(send.id, None)
        return Ended(settled, was_called=False)

    async def _call(self, send: SendMessage, call: Call, row: Row | None) -> Carried:
        letter = await self._writer.compose(await self._addressed(send), call)
        if isinstance(letter, NotYet):
            return Later(UPLOADED_ELSEWHERE_S, Verdict.RETRY, "uploaded elsewhere")
        if isinstance(letter, Close):
            return await self._close(send, letter, row)
        if not await self._begin(send, call):
            return Later(TAKEN_ELSEWHERE_S, Verdict.RETRY, "taken elsewhere")
        patience_s = attempt.patience_s(send.kind, is_idempotent=is_idempotent(send))
        try:
            async with self._turnstile.passing(send.chat_id), asyncio.timeout(patience_s):
                shown = await letter.make()
        except CallFailedError as e:
            return await self._failed(send, call, letter, outcome.judge(e.fault))
        except TimeoutError:
            return await self._failed(send, call, letter, outcome.judge(Fault(kind=FaultKind.TIMED_OUT)))
        return await self._delivered(send, call, letter, shown)

    async def _addressed(self, send: SendMessage) -> SendMessage:
        """Put the id on a send under which Telegram knows its chat now; only groups ever change theirs."""
        if send.chat_id > 0:
            return send
        return msgspec.structs.replace(send, chat_id=await self._deliveries.address(send.chat_id))

    async def _delivered(self, send: SendMessage, call: Call, letter: Letter, shown: Shown) -> Ended:
        waits = letter.waits_for_picture
        row = Row(
            send_id=send.id,
            state=DeliveryState.DELIVERED,
            attempts=call.attempt,
            repeats=call.repeats,
            message_id=shown.message_id,
            html=letter.shown.html if waits else None,
            buttons=letter.shown.buttons if waits else (),
        )
        settled = await self._write_delivered(send, row)
        stored = letter.by_file_id or await self._keep_file(letter.uploads, shown.file_id)
        return Ended(settled, was_called=True, stored=stored)

    async def _write_delivered(self, send: SendMessage, row: Row) -> Row:
        """Write that a message was shown. Whatever of the row cannot be kept is left out: what a person has read must
        not be sent again because of something that failed behind it.
        """
        try:
            return await _insist(lambda: self._deliveries.settle(send, row))
        except Exception:
            logger.exception("row.stripped", send_id=send.id)
        bare = replace(row, html=None, buttons=())
        return await _insist(lambda: self._deliveries.settle(send, bare))

    async def _keep_file(self, key: str | None, file_id: str | None) -> str | None:
        if key is None or file_id is None:
            return None
        await _insist(lambda: self._deliveries.keep_file(key, file_id))
        return key

    async def _failed(self, send: SendMessage, call: Call, letter: Letter, seen: Outcome) -> Carried:
        if seen.verdict is Verdict.LOST_FILE and letter.by_file_id is not None:
            return await self._lost_file(send, call, letter.by_file_id, seen)
        if seen.moved_to is not None:
            return await self._moved(send, call, seen.moved_to, seen)
        if seen.verdict is Verdict.UNKNOWN:
            return await self._unknown(send, call, seen)
        if seen.verdict in (Verdict.RETRY, Verdict.FLOOD, Verdict.LOCKED_OUT):
            delay_s = attempt.backoff_s(call.attempt) if seen.delay_s is None else seen.delay_s
            return await self._again(send, call, call.repeats, Later(delay_s, seen.verdict, seen.reason))
        return Ended(await self._end(send, call, _STATES[seen.verdict], seen), was_called=True)

    async def _lost_file(self, send: SendMessage, call: Call, key: str, seen: Outcome) -> Carried:
        """Upload again what Telegram has lost."""
        await _insist(lambda: self._deliveries.forget_file(key))
        self._pictures.lost(key)
        return await self._again(send, call, call.repeats, Later(0.0, Verdict.RETRY, seen.reason))

    async def _moved(self, send: SendMessage, call: Call, new_id: int, seen: Outcome) -> Carried:
        """Follow a group that has become a supergroup."""
        logger.warning("chat.moved", chat_id=send.chat_id, moved_to=new_id)
        await _insist(lambda: self._deliveries.move(send.chat_id, new_id))
        return await self._again(send, call, call.repeats, Later(0.0, Verdict.RETRY, seen.reason))

    async def _unknown(self, send: SendMessage, call: Call, seen: Outcome) -> Carried:
        """Follow the policy: nobody knows whether the person has read it."""
        logger.warning("send.lost_sight", send_id=send.id, attempt=call.attempt, reason=seen.reason)
        repeats = attempt.after_unknown(send.kind, call.repeats, is_idempotent=is_idempotent(send))
        if repeats is None:
            return Ended(await self._end(send, call, DeliveryState.UNKNOWN, seen), was_called=True)
        later = Later(attempt.backoff_s(call.attempt), Verdict.UNKNOWN, seen.reason)
        return await self._again(send, call, repeats, later)

    async def _again(self, send: SendMessage, call: Call, repeats: int, later: Later) -> Carried:
        if call.attempt >= self._most_attempts and later.verdict is not Verdict.LOCKED_OUT:
            seen = Outcome(Verdict.DEAD, f"gave up after {call.attempt} attempts: {later.reason}")
            state = DeliveryState.UNKNOWN if repeats else DeliveryState.DEAD
            return Ended(await self._end(send, call, state, seen), was_called=True)
        await _insist(lambda: self._deliveries.put_off(send.id, call, repeats, later.delay_s))
        return later

    async def _end(self, send: SendMessage, call: Call, state: DeliveryState, seen: Outcome) -> Row:
        edited = send.content.edit_message_id if isinstance(send.content, TextNotice) else None
        row = Row(
            send_id=send.id,
            state=state,
            attempts=call.attempt,
            repeats=call.repeats,
            message_id=edited,
            reason=seen.reason,
            deactivate=seen.verdict is Verdict.UNREACHABLE,
        )
        return await _insist(lambda: self._deliveries.settle(send, row))


_STATES = {
    Verdict.UNCHANGED: DeliveryState.DELIVERED,
    Verdict.UNREACHABLE: DeliveryState.VOID,
    Verdict.GONE: DeliveryState.VOID,
    Verdict.LOST_FILE: DeliveryState.DEAD,
    Verdict.DEAD: DeliveryState.DEAD,
}


def is_idempotent(send: SendMessage) -> bool:
    """Tell whether the same call twice shows the same: an edit, and a picture that joins a message."""
    content = send.content
    return isinstance(content, PictureNotice) or (
        isinstance(content, TextNotice) and content.edit_message_id is not None
    )


async def _insist(write: Callable[[], Awaitable[R]]) -> R:
    """Write down what a call brought, however long the database is away: only we know it, and forgetting it would
    send a message twice.
    """
    for number in count():
        try:
            return await write()
        except TransientError as e:
            if number == 0:
                logger.warning("row.delayed", error=str(e))
            await asyncio.sleep(min(LONGEST_INSISTENCE_S, 0.1 * 2.0 ** min(number, 10)))
    raise AssertionError("count() does not end")
