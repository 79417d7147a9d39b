"""What closed trades come to: of the asker, of the strategies, and for operators of everybody."""

from typing import Protocol

from chassis.errors import AskFailedError
from contracts import asks
from services.positions.domain.statistics import DAY_MS, days_asked, report
from services.positions.handlers.ground import Ground
from services.positions.handlers.people import People
from services.positions.ports import Scope


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
            sums = await view.statistics.of_subscriber(person.subscriber_id, scope)
        return report(sums, time_zone=person.time_zone, days=days_asked(request.days))

    async def record(self, request: asks.GetRecord) -> asks.Statistics:
        """Count what the strategies' automatic signals came to, each once.

        Raises:
            AskFailedError: `not_registered`, `not_allowed`.
        """
        async with self._ground.store.work() as work:
            person = await self._people.required(work, request.subscriber_id)
            sums = await work.statistics.of_signals(self._scope(request, person.time_zone))
        return report(sums, time_zone=person.time_zone, days=days_asked(request.days))

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

    def _scope(self, asked: _Span, time_zone: str) -> Scope:
        days = days_asked(asked.days)
        from_ms = None if days is None else self._market_ms() - days * DAY_MS
        return Scope(from_ms=from_ms, symbol=asked.symbol, strategy=asked.strategy, time_zone=time_zone)

    def _market_ms(self) -> int:
        """Tell what time it is in the markets: that of the latest price; before the first one, the wall clock's."""
        prices = (self._ground.market.price(symbol) for symbol in self._ground.instruments)
        known = [price.epoch_ms for price in prices if price is not None]
        return max(known, default=int(self._ground.clock.now().timestamp() * 1000))
