"""What happened to a position, and what it thereby became: the fold that the store's rows are held to.

The table of `life` says whether something may happen; what may not, changes nothing. Beside it two rules keep a repeat
from counting twice: targets are reached in their order, and a stop only gets tighter.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from contracts.messages import DeliveryState, ExitReason
from services.positions.domain.exits import Exit
from services.positions.domain.holding import Holding, Leg
from services.positions.domain.life import Event, Fact, is_legal, step


@dataclass(frozen=True, slots=True)
class Arrived:
    """The message was delivered, or may have been."""

    delivery: DeliveryState


@dataclass(frozen=True, slots=True)
class Lost:
    """The message will never arrive; `delivery` is None where nobody told."""

    delivery: DeliveryState | None
    reason: str


@dataclass(frozen=True, slots=True)
class Reduced:
    """A target closed a part."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class Moved:
    """The stop was tightened; it is in force for ticks later than `at_ms` (market time)."""

    stop: float
    reason: ExitReason
    at_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The last level was crossed."""

    exit: Exit


Happened = Arrived | Lost | Reduced | Moved | Ended

EVENTS: dict[type[Happened], Event] = {
    Arrived: Event.DELIVERED,
    Lost: Event.LOST,
    Reduced: Event.REDUCED,
    Moved: Event.MOVED,
    Ended: Event.CROSSED,
}


class Told(NamedTuple):
    """A position after something happened, and the facts that makes; the same position and none: it did not count."""

    holding: Holding
    facts: tuple[Fact, ...]


def happen(holding: Holding, happened: Happened) -> Told:
    """Tell what a position becomes by what happened to it."""
    event = EVENTS[type(happened)]
    if not is_legal(holding.state, event) or _is_repeat(holding, happened):
        return Told(holding, ())
    after = step(holding.state, event)
    changed = replace(_changed(holding, happened), state=after.state, version=holding.version + 1)
    return Told(changed, after.facts)


def _is_repeat(holding: Holding, happened: Happened) -> bool:
    match happened:
        case Reduced(leg):
            return leg.number != len(holding.legs) + 1
        case Moved(stop):
            return (stop - holding.stop) * holding.side.sign <= 0
        case _:
            return False


def _changed(holding: Holding, happened: Happened) -> Holding:
    match happened:
        case Reduced(leg):
            return replace(holding, legs=(*holding.legs, leg))
        case Moved(stop, reason):
            return replace(holding, stop=stop, stop_reason=reason)
        case Ended(end):
            return replace(holding, exit=end)
        case _:
            return holding


def at_ms(happened: Happened, holding: Holding) -> int:
    """Tell when something happened (market time); what is no matter of the market, when the position was offered."""
    match happened:
        case Reduced(leg):
            return leg.exit.closed_ms
        case Moved():
            return happened.at_ms
        case Ended(end):
            return end.closed_ms
        case _:
            return holding.quote_ms
