"""A person wants to be forgotten."""

import secrets
from collections.abc import Sequence

import structlog

from chassis.errors import AskFailedError
from chassis.trace import new_trace
from contracts import asks
from contracts.messages import ExitReason
from services.positions.domain.exits import Exit
from services.positions.domain.history import Ended, Happened, Lost
from services.positions.domain.holding import Holding
from services.positions.domain.life import State
from services.positions.domain.pseudonym import pseudonym_of
from services.positions.handlers.ending import Ending
from services.positions.handlers.ground import Ground
from services.positions.ports import Change, Work

ERASED = "erased"

logger = structlog.get_logger()


class Erasing:
    """Answers `erase`. Everything happens in one transaction, and doing it twice is doing it once."""

    def __init__(self, ground: Ground, ending: Ending, key: bytes | None) -> None:
        """Erase people; without a `key` each is given a random pseudonym, which nobody can work out again."""
        self._ground = ground
        self._ending = ending
        self._key = key

    async def erase(self, request: asks.EraseSubscriber) -> asks.Erased:
        """Take a person out of every table of this room. A live position ends first: one that never arrived is void,
        an open one is closed at the last price known, the market being open or not; where none is known it has no
        honest end, and goes without a trace.

        Raises:
            AskFailedError: `registered_since`, where a late repeat would erase somebody who has come back.
        """
        async with self._ground.store.work() as work:
            leaving = await work.erasure.lock(request.subscriber_id)
            if leaving is None:
                return asks.Erased(was_known=False)
            if leaving.registered_at > request.asked_at:
                raise AskFailedError("registered_since", "this person has come since the question was asked")
            await self._end(work, leaving.live)
            kept = await work.erasure.erase(request.subscriber_id, self._pseudonym(request.subscriber_id))
        logger.info("subscriber.erased", count=kept)
        return asks.Erased(was_known=True, kept_trades=kept, ended_live=len(leaving.live))

    async def _end(self, work: Work, position_ids: Sequence[str]) -> None:
        locked = await work.positions.lock(position_ids)
        ends = [(one, end) for one in locked if (end := self._end_of(one)) is not None]
        await self._ending.write(work, [(holding, [end]) for holding, end in ends], new_trace())
        for holding in locked:
            await work.announce(Change(holding.symbol, voided_id=holding.position_id))

    def _end_of(self, holding: Holding) -> Happened | None:
        if holding.state is not State.OPEN:
            return Lost(None, ERASED)
        price = self._ground.market.price(holding.symbol)
        if price is None:
            return None
        now = price.closing(holding.side)
        closed_ms = max(price.epoch_ms, holding.quote_ms)
        return Ended(Exit(reason=ExitReason.RESET, level=now, price=now, slippage_pips=0.0, closed_ms=closed_ms))

    def _pseudonym(self, subscriber_id: int) -> str:
        return secrets.token_hex(16) if self._key is None else pseudonym_of(subscriber_id, self._key)
