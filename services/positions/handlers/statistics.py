"""What closed trades come to: of the asker, of the strategies, and for operators of everybody.

Figures and the points of their curve are counted in one statement: what the picture shows is what the text tells.
"""

import asyncio
from typing import Protocol

import msgspec
import structlog

from chassis.errors import AskFailedError, RejectedError, TransientError
from chassis.trace import new_trace
from contracts import asks, catalogue
from contracts.messages import CurveSubject
from services.positions.domain.curve import Frame, curve_wish
from services.positions.domain.statistics import DAY_MS, Sums, days_asked, report
from services.positions.handlers.ground import Ground
from services.positions.handlers.people import People
from services.positions.ports import Scope

ASKING_LIMIT_S = 0.5
"""How long an answer waits until its picture is asked for; a text is worth more than a picture."""

logger = structlog.get_logger()


class _Span(Protocol):
    @property
    def days(self) -> int | None: ...
    @property
    def symbol(self) -> str | None: ...
    @property
    def strategy(self) -> str | None: ...


class Statistics:
    """Answers statistics, record and system_statistics."""

    def __init__(self, ground: Ground, people: People) -> None:
        self._ground = ground
        self._people = people

    async def of_subscriber(self, request: asks.GetStatistics) -> asks.Statistics:
        """Count a subscriber's own trades.

        Raises:
            AskFailedError: `not_registered`, `not_allowed`.
        """
        async with self._ground.store.view(request.subscriber_id) as view:
            person = await self._people.required(view, request.subscriber_id)
            scope = self._scope(request, person.time_zone)
            has_curve = request.secret is not None
            sums = await view.statistics.of_subscriber(person.subscriber_id, scope, has_curve=has_curve)
        frame = Frame(
            subject=CurveSubject.OWN,
            language=person.language,
            symbol=request.symbol,
            strategy=request.strategy,
            secret=request.secret,
        )
        return await self._pictured(sums, report(sums, time_zone=scope.time_zone, days=days_asked(request.days)), frame)

    async def record(self, request: asks.GetRecord) -> asks.Statistics:
        """Count what the strategies' automatic signals came to, each once.

        Raises:
            AskFailedError: `not_registered`, `not_allowed`.
        """
        async with self._ground.store.work() as work:
            person = await self._people.required(work, request.subscriber_id)
            scope = self._scope(request, person.time_zone)
            sums = await work.statistics.of_signals(scope, has_curve=request.has_curve)
        frame = Frame(
            subject=CurveSubject.RECORD,
            language=person.language,
            symbol=request.symbol,
            strategy=request.strategy,
        )
        return await self._pictured(sums, report(sums, time_zone=scope.time_zone, days=days_asked(request.days)), frame)

    async def of_system(self, request: asks.GetSystemStatistics) -> asks.SystemStatistics:
        """Count everybody's trades.

        Raises:
            AskFailedError: `not_operator`, `not_registered`.
        """
        if not self._ground.access.is_operator(request.subscriber_id):
            raise AskFailedError("not_operator", f"{request.subscriber_id} does not run this bot")
        async with self._ground.store.work() as work:
            person = await self._people.required(work, request.subscriber_id)
            sums = await work.statistics.of_all(self._scope(request, person.time_zone))
            counts = await work.answers.counts()
        return asks.SystemStatistics(
            subscribers=counts.subscribers,
            live_positions=counts.live_positions,
            statistics=report(sums, time_zone=person.time_zone, days=days_asked(request.days)),
        )

    async def _pictured(self, sums: Sums, told: asks.Statistics, frame: Frame) -> asks.Statistics:
        """Ask for the curve of what is told, if there is one; what cannot be asked for now leaves the text alone."""
        if sums.curve is None:
            return told
        drawing = curve_wish(sums.curve, told, frame, at=self._ground.clock.now(), trace=new_trace())
        try:
            async with asyncio.timeout(ASKING_LIMIT_S):
                await self._ground.bus.publish(catalogue.CURVE, drawing, drawing.key)
        except (TransientError, RejectedError, TimeoutError) as e:
            logger.warning("curve.not_asked", error=str(e) or "it took too long")
            return told
        return msgspec.structs.replace(told, chart_key=drawing.key)

    def _scope(self, asked: _Span, time_zone: str) -> Scope:
        days = days_asked(asked.days)
        from_ms = None if days is None else self._market_ms() - days * DAY_MS
        return Scope(from_ms=from_ms, symbol=asked.symbol, strategy=asked.strategy, time_zone=time_zone)

    def _market_ms(self) -> int:
        """Tell what time it is in the markets: that of the latest price; before the first one, the wall clock's."""
        prices = (self._ground.market.price(symbol) for symbol in self._ground.instruments)
        known = [price.epoch_ms for price in prices if price is not None]
        return max(known, default=int(self._ground.clock.now().timestamp() * 1000))
