"""The life of a position as a table: what may happen in which state, and what is then told.

proposed → open → closed, proposed → void. A proposal whose level is crossed before its delivery is known is parked:
the exit waits in its row, and counts only if the message arrives. Whatever is not in the table changes nothing.
"""

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a position stands."""

    PROPOSED = "proposed"
    PARKED = "parked"
    OPEN = "open"
    CLOSED = "closed"
    VOID = "void"


LIVE = frozenset({State.PROPOSED, State.PARKED, State.OPEN})
"""States that keep a subscriber from another position on the symbol: the unique index names the same three."""

FOLLOWED = frozenset({State.PROPOSED, State.OPEN})
"""States whose levels a tick can cross."""


class Event(StrEnum):
    """What can happen to a position."""

    DELIVERED = "delivered"
    CROSSED = "crossed"
    LOST = "lost"


class Fact(StrEnum):
    """What the other rooms are told."""

    OPENED = "opened"
    CLOSED = "closed"
    VOIDED = "voided"


class Step(NamedTuple):
    """The state after an event, and the facts it makes, in order."""

    state: State
    facts: tuple[Fact, ...]


_TABLE: dict[tuple[State, Event], Step] = {
    (State.PROPOSED, Event.DELIVERED): Step(State.OPEN, (Fact.OPENED,)),
    (State.PROPOSED, Event.CROSSED): Step(State.PARKED, ()),
    (State.PROPOSED, Event.LOST): Step(State.VOID, (Fact.VOIDED,)),
    (State.PARKED, Event.DELIVERED): Step(State.CLOSED, (Fact.OPENED, Fact.CLOSED)),
    (State.PARKED, Event.LOST): Step(State.VOID, (Fact.VOIDED,)),
    (State.OPEN, Event.CROSSED): Step(State.CLOSED, (Fact.CLOSED,)),
}


def step(state: State, event: Event) -> Step:
    """Tell what an event does to a state. An event that is not allowed there changes nothing and tells nothing."""
    return _TABLE.get((state, event), Step(state, ()))
