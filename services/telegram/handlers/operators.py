"""Tells those who run the bot when prices stop and when they are back: once each, however often the feed retries."""

import asyncio
from enum import StrEnum
from itertools import count

import structlog

from chassis.bus import Bus
from chassis.clock import Clock
from chassis.consume import growing_delay
from chassis.errors import AskFailedError, TransientError
from chassis.trace import child_trace
from contracts import catalogue, ids
from contracts.asks import GetSubscriber
from contracts.messages import FeedNotice, FeedState, FeedStateChanged, SendClass, SendMessage
from services.telegram.domain.times import DEFAULT_ZONE
from services.telegram.domain.words import DEFAULT_LANGUAGE

logger = structlog.get_logger()


class Weather(StrEnum):
    """What an operator cares about; the feed's ways of being in trouble are one."""

    FINE = "fine"
    TROUBLE = "trouble"
    CLOSED = "closed"


WEATHER = {
    FeedState.LIVE: Weather.FINE,
    FeedState.STALE: Weather.TROUBLE,
    FeedState.RECONNECTING: Weather.TROUBLE,
    FeedState.CLOSED: Weather.CLOSED,
}
"""BACKFILLING is on the way from one to another and says nothing new."""


class FeedWatch:
    """Follows the feed's state for the operators."""

    def __init__(self, bus: Bus, clock: Clock, operators: tuple[int, ...]) -> None:
        self._bus = bus
        self._clock = clock
        self._operators = operators
        self._weather: dict[str, Weather] = {}

    async def run(self) -> None:
        """Tell every change, for ever. What was true when we came is news only if it is trouble."""
        async with self._bus.follow(catalogue.FEED) as changes:
            async for change in changes:
                if self._is_news(change):
                    await self._tell_all(change)

    def _is_news(self, change: FeedStateChanged) -> bool:
        weather = WEATHER.get(change.state)
        if weather is None:
            return False
        before = self._weather.get(change.symbol)
        self._weather[change.symbol] = weather
        return weather is Weather.TROUBLE if before is None else weather is not before

    async def _tell_all(self, change: FeedStateChanged) -> None:
        for operator in self._operators:
            await self._say(await self._notice(change, operator))

    async def _say(self, notice: SendMessage) -> None:
        """Publish, however long the broker is away: trouble there must not end the gateway, nor be kept quiet."""
        for attempt in count(1):
            try:
                await self._bus.publish(catalogue.SEND, notice, SendClass.REPLY.value, notice.chat_id)
            except TransientError as e:
                if attempt == 1:
                    logger.warning("notice.delayed", send_id=notice.id, error=str(e))
                await asyncio.sleep(growing_delay(attempt))
            else:
                return

    async def _notice(self, change: FeedStateChanged, operator: int) -> SendMessage:
        language, zone = await self._reads(operator)
        return SendMessage(
            id=ids.send_id(f"{change.id}:{operator}", "feed"),
            at=self._clock.now(),
            trace=child_trace(change.trace),
            chat_id=operator,
            subscriber_id=operator,
            kind=SendClass.REPLY,
            content=FeedNotice(
                symbol=change.symbol, state=change.state, reason=change.reason, since_ms=change.since_ms
            ),
            language=language,
            time_zone=zone,
        )

    async def _reads(self, operator: int) -> tuple[str, str]:
        try:
            found = await self._bus.ask(catalogue.SUBSCRIBER, GetSubscriber(subscriber_id=operator))
        except (AskFailedError, TransientError):  # an operator who never pressed start is told in the default language
            return DEFAULT_LANGUAGE, DEFAULT_ZONE
        return found.language, found.time_zone
