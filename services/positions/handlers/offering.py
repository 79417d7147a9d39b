"""What a signal offers to each subscriber: gates, size, plan, and the messages that would tell of it.

Nothing is stored here. Who chose alike shares what is worked out: terms, day, picture and messages.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import structlog

from chassis.bus import Outgoing
from chassis.errors import RejectedError
from chassis.trace import child_trace
from contracts import ids
from contracts.messages import DrawChart, Mode, SignalRaised
from services.positions.domain import chart, gates, notices
from services.positions.domain.day import DaySpan, DayTotal, day_of
from services.positions.domain.gates import Refusal
from services.positions.domain.hearing import Loudness
from services.positions.domain.plans import Choice, Plan
from services.positions.domain.sizing import lots_of
from services.positions.domain.subscriber import Person
from services.positions.domain.terms import Terms, price_signal
from services.positions.handlers.forms import Forms
from services.positions.handlers.ground import Ground
from services.positions.handlers.speech import wished
from services.positions.ports import Candidate, Look, Proposal, Work

AT_A_TIME = 25
"""Subscribers decided without a break: about 1 ms, so that neither ticks and questions wait nor the database, which
stores the page before meanwhile.
"""

logger = structlog.get_logger()

Style = tuple[str, str, Plan]
"""Language, time zone and plan: who shares them shares a picture."""


@dataclass
class Offering:
    """One signal while it is handed out: what it offers, and what was worked out of that so far."""

    terms: Terms
    refusals: tuple[Refusal, ...]
    plan: Plan
    by_choice: dict[Choice, Terms] = field(default_factory=dict)
    days: dict[str, DaySpan] = field(default_factory=dict)
    pictures: dict[Style, tuple[str, Outgoing]] = field(default_factory=dict)
    forms: dict[tuple[Style, Decimal, Loudness], Forms] = field(default_factory=dict)

    @property
    def signal(self) -> SignalRaised:
        """What is handed out."""
        return self.terms.signal

    def look(self, memory_ms: int) -> Look:
        """Say how its subscribers are looked at; who asked for a signal is looked at as of now."""
        quote_ms = None if self.signal.mode is Mode.MANUAL else self.terms.quote_ms
        return Look(self.signal.symbol, quote_ms, self.terms.quote_ms - memory_ms)

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


@dataclass(frozen=True, slots=True)
class Draft:
    """A position that may be stored, what is then said, and the wish for its picture."""

    proposal: Proposal
    messages: tuple[Outgoing, ...]
    wish: Outgoing


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for some subscribers, by their ids."""

    drafts: list[Draft]
    refused: dict[int, tuple[str, ...]]


class Offers:
    """Makes offerings, and decides who gets them."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def offering(self, work: Work, signal: SignalRaised) -> Offering:
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

    def look(self, offering: Offering) -> Look:
        """Say how subscribers are looked at."""
        return offering.look(self._ground.rules.memory_ms)

    async def decide(self, work: Work, offering: Offering, candidates: Sequence[Candidate]) -> Decision:
        """Hold the gates against subscribers, and write what those who pass would be given. Who is not let in (any
        more) is in neither.
        """
        allowed = [one for one in candidates if self._ground.access.is_allowed(one.person.subscriber_id)]
        days = await self._days(work, offering, allowed)
        decision = Decision([], {})
        for number, one in enumerate(allowed):
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)
            person = one.person
            refusals = self._refusals(offering, one)
            refusals += self._chosen_refusals(offering, person, days.get(person.subscriber_id))
            if refusals:
                decision.refused[person.subscriber_id] = refusals
            else:
                decision.drafts.append(self._draft(offering, person))
        return decision

    # --- gates --------------------------------------------------------------------------------------------------------

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
            is_asked_for=offering.signal.mode is Mode.MANUAL,
        )

    # --- what is given ------------------------------------------------------------------------------------------------

    def _draft(self, offering: Offering, person: Person) -> Draft:
        terms = offering.to(person)
        lots = lots_of(person.lots, person.preferences, terms.instrument, entry=terms.entry, stop=terms.stop)
        proposal = Proposal(ids.position_id(offering.signal.id, person.subscriber_id), person, terms, lots)
        style = (person.language, person.time_zone, terms.plan)
        picture = self._picture(offering, style, terms)
        messages = self._form(offering, style, proposal).fill(proposal.position_id, person)
        return Draft(proposal, messages, picture[1])

    def _form(self, offering: Offering, style: Style, one: Proposal) -> Forms:
        """Find the messages of all who share how it looks, how large it is and how loud."""
        key = (style, one.lots, one.person.preferences.hearing.signal)
        if key not in offering.forms:
            stamp = notices.Stamp(self._ground.clock.now(), child_trace(offering.signal.trace))
            offering.forms[key] = Forms(one.terms, one.person, one.lots, offering.pictures[style][0], stamp)
        return offering.forms[key]

    def _picture(self, offering: Offering, style: Style, terms: Terms) -> tuple[str, Outgoing]:
        """Wish for the picture of one style, the same for everybody who shares it: its key, and the wish."""
        if style not in offering.pictures:
            wish = self._wish(offering, style, terms)
            offering.pictures[style] = (wish.key, wished(wish))
        return offering.pictures[style]

    def _wish(self, offering: Offering, style: Style, terms: Terms) -> DrawChart:
        signal, (language, time_zone, _) = offering.signal, style
        picture = chart.Picture(
            symbol=signal.symbol,
            interval=signal.interval,
            until_s=signal.candle_open_s,
            language=language,
            time_zone=time_zone,
            levels=terms.levels,
        )
        return chart.wish(
            picture, at=self._ground.clock.now(), trace=child_trace(signal.trace), expires_at=terms.expires_at
        )
