"""The transition table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.positions.domain.life import LIVE, Event, Fact, State, step


@pytest.mark.parametrize(
    ("state", "event", "after", "facts"),
    [
        (State.PROPOSED, Event.DELIVERED, State.OPEN, (Fact.OPENED,)),
        (State.PROPOSED, Event.CROSSED, State.PARKED, ()),
        (State.PROPOSED, Event.LOST, State.VOID, (Fact.VOIDED,)),
        (State.PARKED, Event.DELIVERED, State.CLOSED, (Fact.OPENED, Fact.CLOSED)),
        (State.PARKED, Event.LOST, State.VOID, (Fact.VOIDED,)),
        (State.OPEN, Event.CROSSED, State.CLOSED, (Fact.CLOSED,)),
    ],
)
def test_what_may_happen(state: State, event: Event, after: State, facts: tuple[Fact, ...]) -> None:
    assert step(state, event) == (after, facts)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.PARKED, Event.CROSSED),
        (State.OPEN, Event.DELIVERED),
        (State.OPEN, Event.LOST),
        *((state, event) for state in (State.CLOSED, State.VOID) for event in Event),
    ],
)
def test_whatever_else_happens_changes_nothing(state: State, event: Event) -> None:
    assert step(state, event) == (state, ())


@given(st.lists(st.sampled_from(list(Event)), max_size=12))
def test_any_story_opens_and_ends_at_most_once_and_never_both_ways(events: list[Event]) -> None:
    state, told = State.PROPOSED, []
    for event in events:
        state, facts = step(state, event)
        told += facts

    assert len(told) == len(set(told))
    assert not {Fact.CLOSED, Fact.VOIDED} <= set(told)
    assert (Fact.CLOSED in told) == (state is State.CLOSED)
    assert Fact.CLOSED not in told or told.index(Fact.OPENED) < told.index(Fact.CLOSED)
    assert (state in LIVE) == (not {Fact.CLOSED, Fact.VOIDED} & set(told))
