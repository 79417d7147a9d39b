"""Dashboards that open by themselves: with the trades of whoever chose that.

What has opened is told by positions, once. The dashboard is named by its position, so a repeat is the same one; from
here on it is a row like any other, and the updater ends it with its trade.
"""

from datetime import timedelta

import structlog

from chassis.bus import Bus, Stored
from chassis.clock import Clock
from chassis.consume import consume
from chassis.errors import AskFailedError
from chassis.trace import child_trace
from contracts import catalogue, ids
from contracts.asks import GetStatus, GetSubscriber, Status, Subscriber
from contracts.messages import PositionOpened, SendClass, SendMessage, TextNotice
from services.telegram.domain import dashboards
from services.telegram.domain.dashboards import Dashboard
from services.telegram.domain.words import Catalogue, in_language
from services.telegram.ports import Dashboards

AT_ONCE = 8
"""How many open side by side: two questions to positions each."""
LIFE = timedelta(minutes=15)
"""How long the message that becomes a dashboard may wait for its turn; what it shows is brought up to date at once."""

logger = structlog.get_logger()


class Opening:
    """Opens dashboards for as long as it runs; copies share the work."""

    def __init__(self, bus: Bus, rows: Dashboards, words: Catalogue, clock: Clock) -> None:
        self._bus = bus
        self._rows = rows
        self._words = words
        self._clock = clock

    async def run(self) -> None:
        """Hear of trades for ever. Cancel it to stop."""
        routes = {catalogue.POSITION_OPENED: self.on_opened}
        await consume(self._bus, catalogue.TELEGRAM_OPENED, routes, clock=self._clock, concurrency=AT_ONCE)

    async def on_opened(self, opened: PositionOpened, _stored: Stored) -> None:
        """Open a dashboard where one is wanted and its trade still runs. Raises TransientError."""
        if not opened.dashboard:
            return
        try:
            subscriber = await self._bus.ask(catalogue.SUBSCRIBER, GetSubscriber(subscriber_id=opened.subscriber_id))
            found = await self._bus.ask(
                catalogue.STATUS, GetStatus(subscriber_id=opened.subscriber_id, symbol=opened.symbol)
            )
        except AskFailedError as e:
            if e.code not in ("not_registered", "not_allowed"):
                raise
            return  # he has left meanwhile
        if found.position is not None and found.position.position_id == opened.position_id:
            await self._open(opened, subscriber, found)

    async def _open(self, opened: PositionOpened, subscriber: Subscriber, found: Status) -> None:
        """Write the row, then send its message: a message without a row would never be edited."""
        row = Dashboard(
            dashboard_id=ids.send_id(opened.position_id, "dashboard"),
            subscriber_id=subscriber.subscriber_id,
            chat_id=subscriber.chat_id,
            symbol=opened.symbol,
            language=subscriber.language,
            time_zone=subscriber.time_zone,
            position_id=opened.position_id,
            shown=dashboards.fingerprint(found),
        )
        await self._rows.open(row)
        await self._bus.publish(
            catalogue.SEND, self._message(row, opened, found), SendClass.DASHBOARD.value, row.chat_id
        )

    def _message(self, row: Dashboard, opened: PositionOpened, found: Status) -> SendMessage:
        """Write the message that becomes the dashboard, without a sound: the signal it answers has just made one."""
        shown = dashboards.live(found, row.symbol, in_language(self._words, row.language), row.time_zone)
        now = self._clock.now()
        return SendMessage(
            id=row.dashboard_id,
            at=now,
            trace=child_trace(opened.trace),
            chat_id=row.chat_id,
            subscriber_id=row.subscriber_id,
            kind=SendClass.DASHBOARD,
            content=TextNotice(html=shown.html, buttons=shown.buttons),
            language=row.language,
            time_zone=row.time_zone,
            expires_at=now + LIFE,
            reply_to=ids.send_id(opened.position_id, "signal"),
            silent=True,
        )
