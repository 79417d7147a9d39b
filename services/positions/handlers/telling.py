"""What is told of what happened to a position: facts for the other rooms, messages for its subscriber."""

from collections.abc import Iterator, Mapping, Sequence

from chassis.bus import Outgoing
from contracts import catalogue
from services.positions.domain import news, notices
from services.positions.domain.day import DayTotal
from services.positions.domain.history import Lost, Moved, Reduced
from services.positions.domain.holding import Closing, Holding, Leg
from services.positions.domain.life import Fact
from services.positions.handlers.ground import Ground
from services.positions.handlers.speech import said, sent
from services.positions.ports import Chapter


class Telling:
    """Writes the messages of a chapter."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def messages(
        self, chapter: Chapter, facts: Sequence[Fact], days: Mapping[int, DayTotal], stamp: notices.Stamp
    ) -> Iterator[Outgoing]:
        """Tell of a chapter, in the order it happened. What a proposal went through is told once its signal arrived."""
        holding = chapter.after
        if Fact.OPENED in facts:
            yield said(catalogue.POSITION_OPENED, notices.opened(holding, stamp), holding.subscriber_id)
        if Fact.VOIDED in facts:
            reason = next((one.reason for one in chapter.happened if isinstance(one, Lost)), "")
            yield said(catalogue.POSITION_VOIDED, notices.voided(holding, reason, stamp), holding.subscriber_id)
        legs = _legs(chapter, facts)
        yield from self._reduced(holding, legs, stamp)
        moved = self._moved(chapter, facts)
        if moved is not None:
            is_said = Fact.CLOSED in facts or (bool(legs) and holding.hearing.target.is_told)
            yield from self._stop(holding, moved, stamp, is_said=is_said)
        if chapter.closing is not None:
            yield from self._closed(chapter.closing, days, stamp)

    def _closed(self, closing: Closing, days: Mapping[int, DayTotal], stamp: notices.Stamp) -> Iterator[Outgoing]:
        holding = closing.holding
        yield said(catalogue.POSITION_CLOSED, notices.closed(closing, stamp), holding.subscriber_id)
        if holding.hearing.exit.is_told:
            digits = self._ground.instruments[holding.symbol].digits
            yield sent(notices.outcome_message(closing, days[holding.subscriber_id], digits, stamp))

    def _reduced(self, holding: Holding, legs: Sequence[Leg], stamp: notices.Stamp) -> Iterator[Outgoing]:
        digits = self._ground.instruments[holding.symbol].digits
        for leg in legs:
            yield said(catalogue.POSITION_REDUCED, news.reduced(holding, leg, stamp), holding.subscriber_id)
            if holding.hearing.target.is_told:
                yield sent(news.reduced_message(holding, leg, digits, stamp))

    def _stop(self, holding: Holding, moved: Moved, stamp: notices.Stamp, *, is_said: bool) -> Iterator[Outgoing]:
        """Tell of a moved stop; `is_said`: another message to its subscriber says it already, or it is over."""
        instrument = self._ground.instruments[holding.symbol]
        yield said(catalogue.POSITION_STOP_MOVED, news.stop_moved(holding, moved, stamp), holding.subscriber_id)
        if holding.hearing.stop.is_told and not is_said:
            yield sent(news.stop_message(holding, moved, instrument, stamp))

    def _moved(self, chapter: Chapter, facts: Sequence[Fact]) -> Moved | None:
        """Find where the stop was moved to, in this chapter or, when the signal has just arrived, before it."""
        holding = chapter.after
        if Fact.MOVED in facts:
            return next(one for one in reversed(chapter.happened) if isinstance(one, Moved))
        if Fact.OPENED in facts and holding.stop != holding.initial_stop:
            price = self._ground.market.price(holding.symbol)
            return Moved(holding.stop, holding.stop_reason, holding.quote_ms if price is None else price.epoch_ms)
        return None


def _legs(chapter: Chapter, facts: Sequence[Fact]) -> tuple[Leg, ...]:
    if Fact.OPENED in facts:
        return chapter.after.legs
    if Fact.REDUCED in facts:
        return tuple(one.leg for one in chapter.happened if isinstance(one, Reduced))
    return ()
