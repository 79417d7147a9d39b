"""The life of a position as a table: what may happen in which state, and what is then told.

proposed → open → closed, proposed → void. A proposal whose last level is crossed before its delivery is known is
parked: the exit waits in its row, and counts only if the message arrives. Whatever is not in the table changes
nothing. `docs/positions-life.md` is made from it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Self


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
    """What can happen to a position once it is proposed."""

    DELIVERED = "delivered"
    LOST = "lost"
    REDUCED = "reduced"
    MOVED = "moved"
    CROSSED = "crossed"

    @property
    def meaning(self) -> str:
        """Say it to a reader of the diagram."""
        return _MEANINGS[self]


_MEANINGS = {
    Event.DELIVERED: "the message arrived, or may have",
    Event.LOST: "the message never arrived",
    Event.REDUCED: "a target closed a part",
    Event.MOVED: "the stop was tightened",
    Event.CROSSED: "the last target, the stop or the time limit",
}


class Fact(StrEnum):
    """What is told."""

    OPENED = "opened"
    REDUCED = "reduced"
    MOVED = "moved"
    CLOSED = "closed"
    VOIDED = "voided"


class Step(NamedTuple):
    """The state after an event, and the facts it makes, in order."""

    state: State
    facts: tuple[Fact, ...]


TABLE: dict[tuple[State, Event], Step] = {
    (State.PROPOSED, Event.DELIVERED): Step(State.OPEN, (Fact.OPENED,)),
    (State.PROPOSED, Event.LOST): Step(State.VOID, (Fact.VOIDED,)),
    (State.PROPOSED, Event.REDUCED): Step(State.PROPOSED, ()),
    (State.PROPOSED, Event.MOVED): Step(State.PROPOSED, ()),
    (State.PROPOSED, Event.CROSSED): Step(State.PARKED, ()),
    (State.PARKED, Event.DELIVERED): Step(State.CLOSED, (Fact.OPENED, Fact.CLOSED)),
    (State.PARKED, Event.LOST): Step(State.VOID, (Fact.VOIDED,)),
    (State.OPEN, Event.REDUCED): Step(State.OPEN, (Fact.REDUCED,)),
    (State.OPEN, Event.MOVED): Step(State.OPEN, (Fact.MOVED,)),
    (State.OPEN, Event.CROSSED): Step(State.CLOSED, (Fact.CLOSED,)),
}
"""What happens while a position is only proposed is kept with it, and told when the signal has arrived."""


def is_legal(state: State, event: Event) -> bool:
    """Tell whether an event may happen in a state."""
    return (state, event) in TABLE


def step(state: State, event: Event) -> Step:
    """Tell what an event does to a state. An event that is not allowed there changes nothing and tells nothing."""
    return TABLE.get((state, event), Step(state, ()))


class Life(NamedTuple):
    """A position's state, and its version: one more with every event that happened to it."""

    state: State = State.PROPOSED
    version: int = 1

    def after(self, event: Event) -> Self:
        """Tell the life after an event; one that is not allowed leaves it as it is."""
        if not is_legal(self.state, event):
            return self
        return type(self)(step(self.state, event).state, self.version + 1)


def fold(events: Iterable[Event]) -> Life:
    """Tell what a position has become, from what happened since it was proposed, in order."""
    life = Life()
    for event in events:
        life = life.after(event)
    return life
