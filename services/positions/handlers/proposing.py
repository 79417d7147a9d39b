"""A signal becomes positions: gates, one position per subscriber, and the messages that tell of it.

An automatic signal is handed out in pages of subscribers, by their ids. A page is one transaction: its positions, its
refusals, its messages, and how far the signal was handed out by it. So nobody's exit and nobody's question waits for a
large crowd, the first messages leave while the last are being written, and a copy that dies leaves whole pages: the
next one goes on behind them. The signal counts as handled with its last page.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from chassis import metrics
from chassis.bus import Outgoing, Stored
from chassis.errors import RejectedError, TransientError
from contracts import catalogue
from contracts.messages import Mode, SignalRaised
from services.positions.domain.gates import Refusal
from services.positions.domain.subscriber import Person
from services.positions.handlers.ground import Ground
from services.positions.handlers.isolation import in_parts
from services.positions.handlers.offering import Decision, Draft, Offering, Offers
from services.positions.ports import Change, Proposal, Refused, Span, Work

PAGE = 500
"""Subscribers in one transaction: about 35 ms, so that no exit waits long for its turn in the outbox."""

logger = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Subscribers of a span of ids and what was decided for them, not stored yet."""

    span: Span
    is_last: bool
    decision: Decision


@dataclass
class Tally:
    """What became of a signal."""

    proposed: dict[int, str] = field(default_factory=dict)
    refused: dict[int, tuple[str, ...]] = field(default_factory=dict)


class Proposing:
    """Hands signals out."""

    def __init__(self, ground: Ground, *, page: int = PAGE) -> None:
        self._ground = ground
        self._offers = Offers(ground)
        self._page = page

    async def on_signal(self, signal: SignalRaised, _stored: Stored) -> None:
        """Give an automatic signal to everybody whose gates are open, page by page, from where it was left. Manual
        ones were asked for by one subscriber and given already: here they are a record only.
        """
        if signal.mode is Mode.MANUAL:
            return
        with metrics.FAN_OUT_SECONDS.time():
            begun = await self._begin(signal)
            if begun is not None:
                await self._hand_out(*begun)

    async def give(self, signal: SignalRaised, person: Person) -> tuple[str | None, tuple[str, ...]]:
        """Give a signal to one subscriber; returns the position's id, or why there is none."""
        tally = Tally()
        async with self._ground.store.work() as work:
            offering = await self._offers.offering(work, signal)
            await work.proposals.record(offering.terms)
            candidate = await work.proposals.candidate(self._offers.look(offering), person.subscriber_id)
            if candidate is not None:
                decision = await self._offers.decide(work, offering, [candidate])
                await self._store(work, offering, decision, tally)
            if tally.proposed:
                await work.announce(Change(signal.symbol, signal_id=signal.id))
        _count(tally)
        _tell(offering, len(tally.proposed), len(tally.refused))
        return tally.proposed.get(person.subscriber_id), tally.refused.get(person.subscriber_id, ())

    # --- to all -------------------------------------------------------------------------------------------------------

    async def _begin(self, signal: SignalRaised) -> tuple[Offering, int] | None:
        """Work out the offering, and find behind whom to go on; None: it was handed out to all."""
        async with self._ground.store.work() as work:
            if await work.was_handled(catalogue.POSITIONS_SIGNALS.name, signal.id):
                return None
            offering = await self._offers.offering(work, signal)
            await work.proposals.record(offering.terms)
            return offering, await work.proposals.handed_to(signal.id)

    async def _hand_out(self, offering: Offering, after_id: int) -> None:
        """Store page after page, and decide the next one meanwhile."""
        proposed = refused = 0
        page = await self._decide(offering, after_id)
        while True:
            following: Page | None = None
            if page.is_last:
                tally = await self._store_page(offering, page)
            else:
                tally, following = await _side_by_side(
                    self._store_page(offering, page), self._decide(offering, page.span.until_id)
                )
            proposed, refused = proposed + len(tally.proposed), refused + len(tally.refused)
            if following is None:
                break
            page = following
        _tell(offering, proposed, refused)

    async def _decide(self, offering: Offering, after_id: int) -> Page:
        """Decide for the next subscribers behind an id."""
        async with self._ground.store.work() as work:
            look = self._offers.look(offering)
            candidates = await work.proposals.candidates(look, after_id=after_id, limit=self._page)
            decision = await self._offers.decide(work, offering, candidates)
        until_id = candidates[-1].person.subscriber_id if candidates else after_id
        return Page(Span(after_id, until_id), len(candidates) < self._page, decision)

    async def _store_page(self, offering: Offering, page: Page) -> Tally:
        """Store a page whole, if it is still the next one."""
        signal, tally = offering.signal, Tally()
        async with self._ground.store.work() as work:
            is_next = await work.proposals.handed_to(signal.id) == page.span.after_id
            if not is_next or await work.was_handled(catalogue.POSITIONS_SIGNALS.name, signal.id):
                raise TransientError(f"another copy hands out {signal.id}")
            await self._store(work, offering, page.decision, tally)
            await work.proposals.hand_on(signal.id, None if page.is_last else page.span.until_id)
            if tally.proposed:
                await work.announce(Change(signal.symbol, signal_id=signal.id, people=page.span))
            if page.is_last:
                await work.is_first_time(catalogue.POSITIONS_SIGNALS.name, signal.id)
        _count(tally)
        return tally

    # --- to some ------------------------------------------------------------------------------------------------------

    async def _store(self, work: Work, offering: Offering, decision: Decision, tally: Tally) -> None:
        """Store what was decided; what the database refuses for one is left out for this one only."""

        async def propose(drafts: Sequence[Draft]) -> None:
            await self._propose(work, offering, drafts, tally)

        await in_parts(work, decision.drafts, propose, _give_up)
        tally.refused.update(decision.refused)
        await self._refuse(work, offering.signal, tally.refused)

    async def _propose(self, work: Work, offering: Offering, drafts: Sequence[Draft], tally: Tally) -> None:
        """Store the positions with their messages. Whoever got another position meanwhile loses the race."""
        wanted = [one.proposal for one in drafts]
        stored = await work.proposals.propose(offering.signal, wanted, self._ground.clock.now())
        made = [one for one in drafts if one.proposal.position_id in stored]
        wishes: dict[str, Outgoing] = {one.wish.id: one.wish for one in made}
        await work.say([*wishes.values(), *(message for one in made for message in one.messages)])
        refused = await self._lost(work, [one for one in wanted if one.position_id not in stored])
        tally.proposed.update({one.proposal.person.subscriber_id: one.proposal.position_id for one in made})
        tally.refused.update(refused)

    async def _lost(self, work: Work, lost: Sequence[Proposal]) -> dict[int, tuple[str, ...]]:
        """Tell why a position could not be stored: this one existed already (and ended), or another one lives."""
        if not lost:
            return {}
        existing = {one.position_id for one in await work.positions.lock([one.position_id for one in lost])}
        return {
            one.person.subscriber_id: (Refusal.SAME_SIGNAL if one.position_id in existing else Refusal.POSITION_OPEN,)
            for one in lost
        }

    async def _refuse(self, work: Work, signal: SignalRaised, refused: dict[int, tuple[str, ...]]) -> None:
        """Keep these refusals."""
        at = self._ground.clock.now()
        rows = [
            Refused(
                subscriber_id=one, symbol=signal.symbol, mode=signal.mode, reasons=reasons, refused_at=at,
                signal_id=signal.id, market_ms=signal.quote_ms,
            )
            for one, reasons in sorted(refused.items())
        ]  # fmt: skip
        await work.proposals.refuse(rows)


async def _side_by_side(store: Coroutine[None, None, Tally], decide: Coroutine[None, None, T]) -> tuple[Tally, T]:
    """Run both at once; what fails first stops the other and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            stored, decided = group.create_task(store), group.create_task(decide)
    except ExceptionGroup as e:
        raise e.exceptions[0] from e
    return stored.result(), decided.result()


def _count(tally: Tally) -> None:
    metrics.POSITIONS.labels("proposed").inc(len(tally.proposed))
    for reason, count in Counter(reason for reasons in tally.refused.values() for reason in reasons).items():
        metrics.REFUSALS.labels(reason).inc(count)


def _tell(offering: Offering, proposed: int, refused: int) -> None:
    logger.info(
        "signal.handed_out",
        signal_id=offering.signal.id,
        symbol=offering.signal.symbol,
        count=proposed,
        suppressed=refused,
    )


def _give_up(one: Draft, error: RejectedError) -> None:
    metrics.BUGS.labels(catalogue.POSITIONS_SIGNALS.name, catalogue.SIGNAL.name).inc()
    logger.error("proposal.refused", subscriber_id=one.proposal.person.subscriber_id, error=str(error))
