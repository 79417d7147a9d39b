"""A signal becomes positions: gates, one position per subscriber, and the messages that tell of it, all at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import structlog

from chassis import metrics
from chassis.bus import Stored
from chassis.errors import RejectedError
from chassis.trace import child_trace
from contracts import catalogue, ids
from contracts.messages import DrawChart, Mode, SignalRaised
from services.positions.domain import chart, gates, notices
from services.positions.domain.day import DaySpan, DayTotal, day_of
from services.positions.domain.gates import Refusal
from services.positions.domain.plans import Choice, Plan
from services.positions.domain.sizing import lots_of
from services.positions.domain.subscriber import Person
from services.positions.domain.terms import Terms, price_signal
from services.positions.handlers.forms import Forms
from services.positions.handlers.ground import Ground
from services.positions.handlers.isolation import in_parts
from services.positions.handlers.speech import wished
from services.positions.ports import Candidate, Change, Look, Proposal, Refused, Work

BEFORE_ALL = -(2**63)
"""Below every id: channels have negative ones, so that they are handed a signal first."""
PAGE = 250
"""Subscribers worked on without a break: about 10 ms, so that ticks do not wait."""

logger = structlog.get_logger()


@dataclass
class Offering:
    """One signal while it is handed out: what it offers, and what became of it so far."""

    terms: Terms
    refusals: tuple[Refusal, ...]
    plan: Plan
    by_choice: dict[Choice, Terms] = field(default_factory=dict)
    days: dict[str, DaySpan] = field(default_factory=dict)
    looks: dict[tuple[str, str, Plan], DrawChart] = field(default_factory=dict)
    forms: dict[tuple[str, str, Plan, Decimal], Forms] = field(default_factory=dict)
    wished: set[str] = field(default_factory=set)
    proposed: dict[int, str] = field(default_factory=dict)
    refused: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def to(self, person: Person) -> Terms:
        """Tell the terms of a person's plan; who chose alike shares them."""
        choice = person.preferences.choice
        if choice not in self.by_choice:
            self.by_choice[choice] = self.terms.with_plan(choice.over(self.plan))
        return self.by_choice[choice]

    def day(self, person: Person) -> DaySpan:
        """Tell a person's own day; those of one time zone share it."""
        if person.time_zone not in self.days:
            self.days[person.time_zone] = day_of(self.terms.quote_ms, person.time_zone)
        return self.days[person.time_zone]


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
        with metrics.FAN_OUT_SECONDS.time():
            async with self._ground.store.work() as work:
                if not await work.is_first_time(catalogue.POSITIONS_SIGNALS.name, signal.id):
                    return
                offering = await self._offering(work, signal)
                await self._to_all(work, offering)
        self._tell(offering)

    async def give(self, signal: SignalRaised, person: Person) -> tuple[str | None, tuple[str, ...]]:
        """Give a signal to one subscriber; returns the position's id, or why there is none."""
        async with self._ground.store.work() as work:
            offering = await self._offering(work, signal)
            await work.proposals.record(offering.terms)
            candidate = await work.proposals.candidate(self._look(offering, None), person.subscriber_id)
            if candidate is not None:
                await self._to_some(work, offering, [candidate])
            if offering.proposed:
                await work.announce(Change(signal.symbol, signal_id=signal.id))
        self._tell(offering)
        return offering.proposed.get(person.subscriber_id), offering.refused.get(person.subscriber_id, ())

    async def _offering(self, work: Work, signal: SignalRaised) -> Offering:
        """Look at what is the same for everybody. A price that has gone away since is priced anew, this once."""
        instrument = self._ground.instruments.get(signal.symbol)
        if instrument is None:
            raise RejectedError(f"{signal.symbol} is not followed here: see SINYAL_POSITIONS_SYMBOLS")
        terms, spread = price_signal(signal, instrument), signal.ask - signal.bid
        price = self._ground.market.price(signal.symbol)
        if price is not None and terms.has_left(price):
            terms, spread = price_signal(signal, instrument, price), price.ask - price.bid
            logger.info("signal.repriced", signal_id=signal.id, symbol=signal.symbol)
        refusals = gates.market_refusals(
            instrument,
            feed=self._ground.market.feed(signal.symbol),
            spread=spread,
            is_expired=self._ground.clock.now() >= terms.expires_at,
            is_paused=await work.proposals.pause(signal.symbol, terms.quote_ms) is not None,
        )
        return Offering(terms, refusals, self._ground.plans.of(signal.strategy))

    async def _to_all(self, work: Work, offering: Offering) -> None:
        signal, look = offering.terms.signal, self._look(offering, offering.terms.quote_ms)
        await work.proposals.record(offering.terms)
        after_id = BEFORE_ALL
        while page := await work.proposals.candidates(look, after_id=after_id, limit=PAGE):
            after_id = page[-1].person.subscriber_id
            await self._to_some(work, offering, page)
        if offering.proposed:
            await work.announce(Change(signal.symbol, signal_id=signal.id))

    def _look(self, offering: Offering, quote_ms: int | None) -> Look:
        terms = offering.terms
        return Look(terms.signal.symbol, quote_ms, terms.quote_ms - self._ground.rules.memory_ms)

    async def _to_some(self, work: Work, offering: Offering, page: Sequence[Candidate]) -> None:
        """Look at the gates of some subscribers and store what comes of it."""
        allowed = [one for one in page if self._ground.access.is_allowed(one.person.subscriber_id)]
        passed = await self._through_gates(work, offering, allowed)

        async def propose(people: Sequence[Person]) -> None:
            await self._propose(work, offering, people)

        await in_parts(work, passed, propose, _give_up)
        await self._refuse(work, offering, [one.person.subscriber_id for one in allowed])

    async def _through_gates(self, work: Work, offering: Offering, page: Sequence[Candidate]) -> list[Person]:
        days = await self._days(work, offering, page)
        passed = []
        for one in page:
            person = one.person
            refusals = self._refusals(offering, one)
            refusals += self._chosen_refusals(offering, person, days.get(person.subscriber_id))
            if refusals:
                offering.refused[person.subscriber_id] = refusals
            else:
                passed.append(person)
        return passed

    async def _days(self, work: Work, offering: Offering, page: Sequence[Candidate]) -> Mapping[int, DayTotal]:
        """Read what those lost today who have a limit."""
        people = [one.person for one in page if one.person.preferences.daily_loss_limit is not None]
        if not people:
            return {}
        return await work.positions.day_totals({one.subscriber_id: offering.day(one) for one in people})

    def _refusals(self, offering: Offering, one: Candidate) -> tuple[Refusal, ...]:
        terms = offering.terms
        return offering.refusals + gates.personal_refusals(
            self._ground.rules, terms.instrument, terms.offer, has_position=one.has_position, given=one.given
        )

    def _chosen_refusals(self, offering: Offering, person: Person, day: DayTotal | None) -> tuple[Refusal, ...]:
        return gates.chosen_refusals(
            person.preferences,
            time_zone=person.time_zone,
            market_ms=offering.terms.quote_ms,
            day_pnl=Decimal(0) if day is None else day.pnl,
            is_asked_for=offering.terms.signal.mode is Mode.MANUAL,
        )

    async def _propose(self, work: Work, offering: Offering, people: Sequence[Person]) -> None:
        """Store the positions with their messages. Whoever got another position meanwhile loses the race."""
        signal, at = offering.terms.signal, self._ground.clock.now()
        wanted = [self._proposal(offering, one) for one in people]
        stored = await work.proposals.propose(signal, wanted, at)
        made = [one for one in wanted if one.position_id in stored]
        forms = [self._form(offering, one) for one in made]
        wishes = {wish.key: wished(wish) for wish in offering.looks.values() if wish.key not in offering.wished}
        messages = [
            message for form, one in zip(forms, made, strict=True) for message in form.fill(one.position_id, one.person)
        ]
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

    def _proposal(self, offering: Offering, person: Person) -> Proposal:
        terms = offering.to(person)
        lots = lots_of(person.lots, person.preferences, terms.instrument, entry=terms.entry, stop=terms.stop)
        return Proposal(ids.position_id(terms.signal.id, person.subscriber_id), person, terms, lots)

    def _form(self, offering: Offering, one: Proposal) -> Forms:
        """Find the messages of all who share how it looks and how large it is."""
        person = one.person
        look = (person.language, person.time_zone, one.terms.plan, one.lots)
        if look not in offering.forms:
            stamp = notices.Stamp(self._ground.clock.now(), child_trace(one.terms.signal.trace))
            picture = self._picture(offering, one)
            offering.forms[look] = Forms(one.terms, person, one.lots, picture.key, stamp)
        return offering.forms[look]

    def _picture(self, offering: Offering, one: Proposal) -> DrawChart:
        """Wish for the picture of one language, time zone and plan; the same for everybody who shares them."""
        person, signal = one.person, offering.terms.signal
        look = (person.language, person.time_zone, one.terms.plan)
        if look not in offering.looks:
            picture = chart.Picture(
                symbol=signal.symbol,
                interval=signal.interval,
                until_s=signal.candle_open_s,
                language=person.language,
                time_zone=person.time_zone,
                levels=one.terms.levels,
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
