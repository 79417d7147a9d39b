"""A signal becomes positions: gates, one position per subscriber, and the messages that tell of it, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from chassis import metrics
from chassis.bus import Outgoing, Stored
from chassis.errors import RejectedError
from chassis.trace import child_trace
from contracts import catalogue, ids
from contracts.messages import DrawChart, Mode, SignalRaised
from services.positions.domain import chart, gates, notices
from services.positions.domain.gates import Given, Refusal
from services.positions.domain.subscriber import Person
from services.positions.domain.terms import Terms, price_signal
from services.positions.handlers.ground import Ground
from services.positions.handlers.isolation import in_parts
from services.positions.handlers.speech import said, sent, wished
from services.positions.ports import Candidate, Change, Proposal, Refused, Work

PAGE = 250
"""Subscribers worked on without a break: about 10 ms, so that ticks do not wait."""

logger = structlog.get_logger()


@dataclass
class Offering:
    """One signal while it is handed out: what it offers, and what became of it so far."""

    terms: Terms
    refusals: tuple[Refusal, ...]
    looks: dict[tuple[str, str], DrawChart] = field(default_factory=dict)
    wished: set[str] = field(default_factory=set)
    proposed: dict[int, str] = field(default_factory=dict)
    refused: dict[int, tuple[str, ...]] = field(default_factory=dict)


class Proposing:
    """Hands signals out."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def on_signal(self, signal: SignalRaised, _stored: Stored) -> None:
        """Give an automatic signal to everybody whose gates are open, in one transaction. Manual ones were asked for
        by one subscriber and given already: here they are a record only.
        """
        if signal.mode is Mode.MANUAL:
            return
        offering = self._offering(signal)
        with metrics.FAN_OUT_SECONDS.time():
            async with self._ground.store.work() as work:
                if not await work.is_first_time(catalogue.POSITIONS_SIGNALS.name, signal.id):
                    return
                await self._to_all(work, offering)
        self._tell(offering)

    async def give(self, signal: SignalRaised, person: Person) -> tuple[str | None, tuple[str, ...]]:
        """Give a signal to one subscriber; returns the position's id, or why there is none."""
        offering = self._offering(signal)
        async with self._ground.store.work() as work:
            await work.proposals.record(offering.terms)
            candidate = await work.proposals.candidate(signal.symbol, person.subscriber_id)
            if candidate is not None:
                await self._to_some(work, offering, [candidate])
            if offering.proposed:
                await work.announce(Change(signal.symbol, signal_id=signal.id))
        self._tell(offering)
        return offering.proposed.get(person.subscriber_id), offering.refused.get(person.subscriber_id, ())

    def _offering(self, signal: SignalRaised) -> Offering:
        instrument = self._ground.instruments.get(signal.symbol)
        if instrument is None:
            raise RejectedError(f"{signal.symbol} is not followed here: see SINYAL_POSITIONS_SYMBOLS")
        terms = price_signal(signal, instrument)
        refusals = gates.market_refusals(
            instrument,
            feed=self._ground.market.feed(signal.symbol),
            spread=signal.ask - signal.bid,
            is_expired=self._ground.clock.now() >= terms.expires_at,
        )
        return Offering(terms, refusals)

    async def _to_all(self, work: Work, offering: Offering) -> None:
        signal = offering.terms.signal
        await work.proposals.record(offering.terms)
        after_id = -1
        while page := await work.proposals.candidates(signal.symbol, after_id=after_id, limit=PAGE):
            after_id = page[-1].person.subscriber_id
            await self._to_some(work, offering, page)
        if offering.proposed:
            await work.announce(Change(signal.symbol, signal_id=signal.id))

    async def _to_some(self, work: Work, offering: Offering, page: Sequence[Candidate]) -> None:
        """Look at the gates of some subscribers and store what comes of it."""
        allowed = [one for one in page if self._ground.access.is_allowed(one.person.subscriber_id)]
        passed = await self._through_gates(work, offering, allowed)

        async def propose(people: Sequence[Person]) -> None:
            await self._propose(work, offering, people)

        await in_parts(work, passed, propose, _give_up)
        await self._refuse(work, offering, [one.person.subscriber_id for one in allowed])

    async def _through_gates(self, work: Work, offering: Offering, page: Sequence[Candidate]) -> list[Person]:
        signal, people = offering.terms.signal, [one.person.subscriber_id for one in page]
        given = await work.proposals.given(signal.symbol, people, signal.quote_ms - self._ground.rules.memory_ms)
        passed = []
        for one in page:
            refusals = self._refusals(offering, one, given.get(one.person.subscriber_id, ()))
            if refusals:
                offering.refused[one.person.subscriber_id] = refusals
            else:
                passed.append(one.person)
        return passed

    def _refusals(self, offering: Offering, one: Candidate, given: Sequence[Given]) -> tuple[Refusal, ...]:
        terms = offering.terms
        return offering.refusals + gates.personal_refusals(
            self._ground.rules, terms.instrument, terms.offer, has_position=one.has_position, given=given
        )

    async def _propose(self, work: Work, offering: Offering, people: Sequence[Person]) -> None:
        """Store the positions with their messages. Whoever got another position meanwhile loses the race."""
        terms, at = offering.terms, self._ground.clock.now()
        wanted = [Proposal(ids.position_id(terms.signal.id, one.subscriber_id), one) for one in people]
        stored = await work.proposals.propose(terms, wanted, at)
        made = [one for one in wanted if one.position_id in stored]
        pictures = {one.position_id: self._picture(offering, one.person) for one in made}
        wishes = {wish.key: wished(wish) for wish in pictures.values() if wish.key not in offering.wished}
        messages = [message for one in made for message in self._messages(terms, one, pictures[one.position_id].key)]
        await work.say([*wishes.values(), *messages])
        offering.wished.update(wishes)
        offering.proposed.update({one.person.subscriber_id: one.position_id for one in made})
        offering.refused.update(await self._lost(work, [one for one in wanted if one.position_id not in stored]))

    async def _lost(self, work: Work, lost: Sequence[Proposal]) -> dict[int, tuple[str, ...]]:
        """Tell why a position could not be stored: this one existed already (and ended), or another one lives."""
        if not lost:
            return {}
        existing = {one.position_id for one in await work.positions.lock([one.position_id for one in lost])}
        return {
            one.person.subscriber_id: (Refusal.SAME_SIGNAL if one.position_id in existing else Refusal.POSITION_OPEN,)
            for one in lost
        }

    def _messages(self, terms: Terms, one: Proposal, chart_key: str) -> tuple[Outgoing, Outgoing]:
        """Write the fact and the message of one position."""
        stamp = notices.Stamp(self._ground.clock.now(), child_trace(terms.signal.trace))
        fact = notices.proposed(terms, one.person, one.position_id, stamp)
        message = notices.signal_message(terms, one.person, one.position_id, chart_key, stamp)
        return said(catalogue.POSITION_PROPOSED, fact, one.person.subscriber_id), sent(message)

    def _picture(self, offering: Offering, person: Person) -> DrawChart:
        """Wish for the picture of one language and time zone; the same for everybody who shares them."""
        look = (person.language, person.time_zone)
        if look not in offering.looks:
            signal = offering.terms.signal
            picture = chart.Picture(
                symbol=signal.symbol,
                interval=signal.interval,
                until_s=signal.candle_open_s,
                language=person.language,
                time_zone=person.time_zone,
                levels=offering.terms.levels,
            )
            offering.looks[look] = chart.wish(
                picture,
                at=self._ground.clock.now(),
                trace=child_trace(signal.trace),
                expires_at=offering.terms.expires_at,
            )
        return offering.looks[look]

    async def _refuse(self, work: Work, offering: Offering, people: Sequence[int]) -> None:
        """Keep the refusals of these people."""
        signal, at = offering.terms.signal, self._ground.clock.now()
        refused = [
            Refused(
                subscriber_id=one, symbol=signal.symbol, mode=signal.mode, reasons=offering.refused[one],
                refused_at=at, signal_id=signal.id, market_ms=signal.quote_ms,
            )
            for one in people if one in offering.refused
        ]  # fmt: skip
        await work.proposals.refuse(refused)

    def _tell(self, offering: Offering) -> None:
        metrics.POSITIONS.labels("proposed").inc(len(offering.proposed))
        for reasons in offering.refused.values():
            for reason in reasons:
                metrics.REFUSALS.labels(reason).inc()
        logger.info(
            "signal.handed_out",
            signal_id=offering.terms.signal.id,
            symbol=offering.terms.signal.symbol,
            count=len(offering.proposed),
            suppressed=len(offering.refused),
        )


def _give_up(person: Person, error: RejectedError) -> None:
    metrics.BUGS.labels(catalogue.POSITIONS_SIGNALS.name, catalogue.SIGNAL.name).inc()
    logger.error("proposal.refused", subscriber_id=person.subscriber_id, error=str(error))
