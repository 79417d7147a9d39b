"""A subscriber asks for a signal now."""

from chassis import metrics
from chassis.errors import AskFailedError, TransientError
from contracts import asks, catalogue
from contracts.messages import Mode
from services.positions.domain import gates
from services.positions.domain.gates import Refusal
from services.positions.domain.instrument import Instrument
from services.positions.domain.subscriber import Person
from services.positions.handlers.ground import Ground
from services.positions.handlers.people import People
from services.positions.handlers.proposing import Proposing
from services.positions.ports import Look, Refused, Work

EVALUATION_S = 4.0
"""How long the signals room may think: half of what the asker waits."""


class Requesting:
    """Answers `request_signal`."""

    def __init__(self, ground: Ground, people: People, proposing: Proposing) -> None:
        self._ground = ground
        self._people = people
        self._proposing = proposing

    async def request_signal(self, request: asks.RequestSignal) -> asks.SignalRequested:
        """Look at the gates, have the market judged, and propose; or tell why not.

        Raises:
            AskFailedError: `not_registered`, `not_allowed`, `unknown_symbol`, `signals_unavailable`.
        """
        instrument = self._ground.instruments.get(request.symbol)
        if instrument is None:
            raise AskFailedError("unknown_symbol", f"{request.symbol} is not followed here")
        async with self._ground.store.work() as work:
            person = await self._people.required(work, request.subscriber_id)
            closed = await self._closed_gates(work, instrument, person)
            if closed:
                return await self._refuse(work, request, closed)
        evaluation = await self._evaluate(request.symbol)
        if evaluation.signal is None:
            async with self._ground.store.work() as work:
                return await self._refuse(work, request, evaluation.why)
        position_id, why = await self._proposing.give(evaluation.signal, person)
        return asks.SignalRequested(position_id=position_id, why=why)

    async def _closed_gates(self, work: Work, instrument: Instrument, person: Person) -> tuple[Refusal, ...]:
        """List the gates that are closed whatever the market says; they cost less than judging it."""
        symbol, price = instrument.symbol, self._ground.market.price(instrument.symbol)
        spread = 0.0 if price is None else price.ask - price.bid
        is_paused = price is not None and await work.proposals.pause(symbol, price.epoch_ms) is not None
        feed = self._ground.market.feed(symbol)
        found = list(gates.market_refusals(instrument, feed=feed, spread=spread, is_paused=is_paused))
        market_ms = 0 if price is None else price.epoch_ms
        look = Look(symbol, None, market_ms - self._ground.rules.memory_ms)
        candidate = await work.proposals.candidate(look, person.subscriber_id)
        if candidate is not None and candidate.has_position:
            found.append(Refusal.POSITION_OPEN)
        if candidate is not None and gates.is_cooling(self._ground.rules, candidate.given, market_ms):
            found.append(Refusal.COOLDOWN)
        return tuple(found)

    async def _evaluate(self, symbol: str) -> asks.Evaluation:
        try:
            return await self._ground.bus.ask(
                catalogue.EVALUATE, asks.EvaluateNow(symbol=symbol), deadline_s=EVALUATION_S
            )
        except (TransientError, AskFailedError) as e:
            raise AskFailedError("signals_unavailable", str(e)) from e

    async def _refuse(self, work: Work, request: asks.RequestSignal, reasons: tuple[str, ...]) -> asks.SignalRequested:
        price = self._ground.market.price(request.symbol)
        refused = Refused(
            subscriber_id=request.subscriber_id, symbol=request.symbol, mode=Mode.MANUAL, reasons=reasons,
            refused_at=self._ground.clock.now(), market_ms=None if price is None else price.epoch_ms,
        )  # fmt: skip
        if reasons:
            await work.proposals.refuse([refused])
        for reason in reasons:
            metrics.REFUSALS.labels(reason).inc()
        return asks.SignalRequested(position_id=None, why=reasons)
