"""Topic: the live dashboard, by command and by button; and the updater that keeps them live.

The updater remembers nothing: it claims rows that are due, asks positions, and sends an edit where there is news. A
process that ends between any two lines leaves rows that the next one goes on with.
"""

import asyncio
from datetime import timedelta

import msgspec
import structlog

from chassis import metrics
from chassis.bus import Bus
from chassis.clock import Clock
from chassis.errors import AskFailedError, TransientError
from chassis.trace import new_trace
from contracts import catalogue, ids
from contracts.asks import GetHistory, GetStatus, Status, Subscriber
from contracts.messages import SendClass, SendMessage, TextNotice
from services.telegram.domain import answers, dashboards
from services.telegram.domain.dashboards import Dashboard, Ending, Step
from services.telegram.domain.rendering import Rendered
from services.telegram.domain.words import Catalogue, in_language
from services.telegram.handlers.desk import ANSWER_LIFE, EDIT_LIFE, Desk, Request
from services.telegram.ports import Dashboards

LOOK_S = 0.5
"""How often rows that are due are looked for."""
AT_ONCE = 16
"""How many are brought up to date side by side: positions has other askers."""
BATCH = 200
PAST_TRADES = 10
"""Among so many of the last trades the one that was shown is looked for."""

logger = structlog.get_logger()


async def open_dashboard(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Open a dashboard; an older one ends. The row comes first: a message without one would never be edited. It knows
    the trade from the start, so that even one that is never looked at again ends with its result.
    """
    question = GetStatus(subscriber_id=subscriber.subscriber_id, symbol=desk.symbol)
    found = await desk.bus.ask(catalogue.STATUS, question)
    reader = desk.reader(subscriber)
    opened = Dashboard(
        dashboard_id=ids.send_id(str(request.update_id), "reply"),
        subscriber_id=subscriber.subscriber_id,
        chat_id=request.chat_id,
        symbol=desk.symbol,
        language=reader.words.language,
        time_zone=reader.zone,
        position_id=_held(found),
        shown=dashboards.fingerprint(found),
    )
    await desk.dashboards.open(opened)
    await desk.answer(request, reader, dashboards.live(found, desk.symbol, reader.words, reader.zone))


async def stop_dashboard(desk: Desk, request: Request, subscriber: Subscriber) -> None:
    """Stop it by command: the dashboard's own last edit says so, and so does the answer."""
    reader = desk.reader(subscriber)
    had_one = await desk.dashboards.stop(subscriber.subscriber_id)
    await desk.answer(request, reader, answers.plain("dash.stopping" if had_one else "dash.none", reader.words))


async def press_stop(desk: Desk, request: Request, subscriber: Subscriber) -> None:  # noqa: ARG001  # as all topics
    """Stop it by its button: its last edit is the answer."""
    await desk.dashboards.stop(subscriber.subscriber_id)


class Updater:
    """Keeps dashboards live for as long as it runs; any number of copies share the rows."""

    def __init__(self, bus: Bus, rows: Dashboards, words: Catalogue, clock: Clock, per_second: float) -> None:
        self._bus = bus
        self._per_second = per_second
        self._rows = rows
        self._words = words
        self._clock = clock
        self._is_away = False

    async def run(self) -> None:
        """Look for ever. Cancel it to stop: nothing in hand is lost."""
        while True:
            try:
                found = await self.look_once()
            except TransientError as e:
                self._note(e)
                found = 0
            else:
                self._is_away = False
            if found < BATCH:
                await asyncio.sleep(LOOK_S)

    async def look_once(self) -> int:
        """Bring up to date what is due; returns how many rows were. Raises TransientError."""
        live = await self._rows.count()
        metrics.DASHBOARDS.set(live)
        due = await self._rows.claim(BATCH, dashboards.rhythm(live, self._per_second))
        slots = asyncio.Semaphore(AT_ONCE)

        async def update(row: Dashboard) -> None:
            async with slots:
                await self._try(row)

        async with asyncio.TaskGroup() as group:
            for row in due:
                group.create_task(update(row))
        return len(due)

    async def _try(self, row: Dashboard) -> None:
        try:
            await self._update(row)
        except AskFailedError as e:
            if e.code in ("not_registered", "not_allowed"):
                await self._rows.forget(row.dashboard_id)
            else:
                logger.warning("question.refused", key=e.code, error=str(e))
        except TransientError as e:  # it is due again in a moment
            self._note(e)
        except Exception:  # a bug in one dashboard must not end the others
            logger.exception("dashboard.failed", send_id=row.dashboard_id)

    async def _update(self, row: Dashboard) -> None:
        match dashboards.next_step(row):
            case Step.WAIT:
                return
            case Step.FORGET:
                await self._rows.forget(row.dashboard_id)
            case Step.REOPEN:
                await self._reopen(row)
            case Step.END:
                await self._end(row, row.ending or Ending.AGED)
            case Step.LOOK:
                await self._look(row)

    async def _reopen(self, row: Dashboard) -> None:
        """Send another message for one that got lost, while its trade runs. Cut before the row says so it is sent
        again: the same one dissolves.
        """
        found = await self._status(row)
        if dashboards.has_ended(row, found):
            await self._rows.forget(row.dashboard_id)
            return
        shown = dashboards.live(found, row.symbol, in_language(self._words, row.language), row.time_zone)
        content = TextNotice(html=shown.html, buttons=shown.buttons)
        send_id = ids.send_id(f"{row.dashboard_id}:again", "dashboard")
        message = msgspec.structs.replace(self._message(row, send_id, content, ANSWER_LIFE), silent=True)
        logger.info("dashboard.reopened", send_id=row.dashboard_id)
        await self._bus.publish(catalogue.SEND, message, SendClass.DASHBOARD.value, row.chat_id)
        await self._rows.reopen(row, send_id=message.id, position_id=_held(found))

    async def _look(self, row: Dashboard) -> None:
        found = await self._status(row)
        if dashboards.has_ended(row, found):
            await self._end(row, Ending.FINISHED)
        elif not row.is_patient and dashboards.is_news(row, found):
            words = in_language(self._words, row.language)
            shown = dashboards.live(found, row.symbol, words, row.time_zone)
            await self._edit(row, shown, dashboards.fingerprint(found), _held(found))

    async def _end(self, row: Dashboard, ending: Ending) -> None:
        """Send the last edit: how the trade ended, where it did; else why nothing is shown any more."""
        words = in_language(self._words, row.language)
        found = await self._status(row)
        shown = dashboards.ended(found, row, ending, words, row.time_zone)
        if dashboards.has_ended(row, found):
            question = GetHistory(subscriber_id=row.subscriber_id, page_size=PAST_TRADES)
            past = await self._bus.ask(catalogue.HISTORY, question)
            trade = dashboards.trade_of(past, row.position_id)
            if trade is not None:
                shown = dashboards.finished(trade, past.digits, words, row.time_zone)
        await self._edit(row, shown, ending.value, row.position_id, is_final=True)

    async def _status(self, row: Dashboard) -> Status:
        return await self._bus.ask(catalogue.STATUS, GetStatus(subscriber_id=row.subscriber_id, symbol=row.symbol))

    async def _edit(
        self, row: Dashboard, shown: Rendered, fingerprint: str, position_id: str | None, *, is_final: bool = False
    ) -> None:
        """Send an edit, then write it down. Cut in between it is sent again: the same one dissolves, another one is
        newer and takes its place.
        """
        content = TextNotice(html=shown.html, buttons=shown.buttons, edit_message_id=row.message_id)
        send_id = ids.send_id(f"{row.dashboard_id}:{row.edits + 1}:{ids.digest((shown.html,))[:8]}", "dashboard")
        message = self._message(row, send_id, content, None if is_final else EDIT_LIFE)
        edit = msgspec.structs.replace(message, coalesce=f"dashboard:{row.dashboard_id}")
        await self._bus.publish(catalogue.SEND, edit, SendClass.DASHBOARD.value, row.chat_id)
        await self._rows.show(row, send_id=edit.id, shown=fingerprint, position_id=position_id, is_final=is_final)

    def _message(self, row: Dashboard, send_id: str, content: TextNotice, life: timedelta | None) -> SendMessage:
        """Address something to the chat of a dashboard; with `life` it expires."""
        now = self._clock.now()
        return SendMessage(
            id=send_id,
            at=now,
            trace=new_trace(),
            chat_id=row.chat_id,
            subscriber_id=row.subscriber_id,
            kind=SendClass.DASHBOARD,
            content=content,
            language=row.language,
            time_zone=row.time_zone,
            expires_at=None if life is None else now + life,
        )

    def _note(self, error: TransientError) -> None:
        if not self._is_away:
            logger.warning("dashboards.delayed", error=str(error))
        self._is_away = True


def _held(found: Status) -> str | None:
    return found.position.position_id if found.position is not None else None
