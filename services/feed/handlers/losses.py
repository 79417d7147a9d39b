"""What a broker that was killed has lost of what it had acknowledged, and what can still be done about it.

The end of a subject can be said again. What lies before a message that is stored cannot, since it would come out of
order: lost ticks are told as a gap, a lost candle as a correction of a candle that was never told.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from chassis.bus import Outgoing
from contracts import catalogue, codec, ids
from contracts.channels import Topic
from contracts.messages import CandleClosed, CandleCorrected, GapRecorded, Message, Tick


@dataclass(frozen=True, slots=True)
class Said:
    """A message on its way, and where it belongs."""

    topic: Topic[Any]
    tokens: tuple[object, ...]
    outgoing: Outgoing


def said(topic: Topic[Any], message: Message, *tokens: object) -> Said:
    """Prepare a message."""
    return Said(topic, tokens, Outgoing(topic.subject(*tokens), codec.encode(message), message.id))


class Loss(NamedTuple):
    """What the broker lacks of one subject, oldest first: at its end, and before what it has."""

    tail: list[Said]
    middle: list[Said]


def find_loss(ours: Sequence[Said], stored: Iterable[str]) -> Loss:
    """Compare what was said on one subject (oldest first) with the ids that the broker has.

    What is older than all that is stored is not lost: streams let go of their oldest.
    """
    known = set(stored)
    places = [place for place, item in enumerate(ours) if item.outgoing.id in known]
    if not places:
        return Loss(list(ours), [])
    between = ours[places[0] : places[-1]]
    return Loss(list(ours[places[-1] + 1 :]), [item for item in between if item.outgoing.id not in known])


def amends(ours: Sequence[Said], lost: Sequence[Said]) -> Iterator[Said]:
    """Tell what became of lost messages of one subject, as far as anybody can care."""
    if lost and lost[0].topic is catalogue.TICK:
        yield from _gaps(ours, lost)
    elif lost and lost[0].topic is catalogue.CANDLE:
        for item in lost:
            candle = codec.decode(item.outgoing.body, CandleClosed)
            yield said(catalogue.CORRECTION, _never_told(candle), *item.tokens)


def _gaps(ours: Sequence[Said], lost: Sequence[Said]) -> Iterator[Said]:
    missing = {item.outgoing.id for item in lost}
    run: list[Tick] = []
    for item in ours:
        if item.outgoing.id in missing:
            run.append(codec.decode(item.outgoing.body, Tick))
        elif run:
            yield said(catalogue.GAP, _gap(run), *item.tokens)
            run = []


def _gap(run: Sequence[Tick]) -> GapRecorded:
    first, last = run[0], run[-1]
    return GapRecorded(
        id=f"g:{first.symbol}:{first.epoch_ms}:{last.epoch_ms + 1}",
        at=last.at,
        trace=last.trace,
        symbol=first.symbol,
        from_ms=first.epoch_ms,
        to_ms=last.epoch_ms + 1,
        reason="the broker lost them",
    )


def _never_told(candle: CandleClosed) -> CandleCorrected:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return CandleCorrected(
        id=ids.correction_id(candle.symbol, candle.interval, candle.open_time_s, prices),
        at=candle.at,
        trace=candle.trace,
        symbol=candle.symbol,
        interval=candle.interval,
        open_time_s=candle.open_time_s,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
    )
