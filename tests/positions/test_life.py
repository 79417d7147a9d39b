"""The transition table, its fold, and its picture."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.positions.domain.diagram import page
from services.positions.domain.life import LIVE, Event, Fact, Life, State, fold, is_legal, step

LEGAL = [
    (State.PROPOSED, Event.DELIVERED, State.OPEN, (Fact.OPENED,)),
    (State.PROPOSED, Event.CROSSED, State.PARKED, ()),
    (State.PROPOSED, Event.REDUCED, State.PROPOSED, ()),
    (State.PROPOSED, Event.MOVED, State.PROPOSED, ()),
    (State.PROPOSED, Event.LOST, State.VOID, (Fact.VOIDED,)),
    (State.PARKED, Event.DELIVERED, State.CLOSED, (Fact.OPENED, Fact.CLOSED)),
    (State.PARKED, Event.LOST, State.VOID, (Fact.VOIDED,)),
    (State.OPEN, Event.REDUCED, State.OPEN, (Fact.REDUCED,)),
    (State.OPEN, Event.MOVED, State.OPEN, (Fact.MOVED,)),
    (State.OPEN, Event.CROSSED, State.CLOSED, (Fact.CLOSED,)),
]
ILLEGAL = [pair for pair in product(State, Event) if pair not in {(one[0], one[1]) for one in LEGAL}]


@pytest.mark.parametrize(("state", "event", "after", "facts"), LEGAL)
def test_what_may_happen(state: State, event: Event, after: State, facts: tuple[Fact, ...]) -> None:
    assert is_legal(state, event)
    assert step(state, event) == (after, facts)
    assert Life(state, 7).after(event) == Life(after, 8)


@pytest.mark.parametrize(("state", "event"), ILLEGAL)
def test_whatever_else_happens_changes_nothing(state: State, event: Event) -> None:
    assert not is_legal(state, event)
    assert step(state, event) == (state, ())
    assert Life(state, 7).after(event) == Life(state, 7)


@given(st.lists(st.sampled_from(list(Event)), max_size=12))
def test_any_story_opens_and_ends_at_most_once_and_never_both_ways(events: list[Event]) -> None:
    state, told = State.PROPOSED, []
    for event in events:
        state, facts = step(state, event)
        told += [fact for fact in facts if fact not in {Fact.REDUCED, Fact.MOVED}]

    assert len(told) == len(set(told))
    assert not {Fact.CLOSED, Fact.VOIDED} <= set(told)
    assert (Fact.CLOSED in told) == (state is State.CLOSED)
    assert Fact.CLOSED not in told or told.index(Fact.OPENED) < told.index(Fact.CLOSED)
    assert (state in LIVE) == (not {Fact.CLOSED, Fact.VOIDED} & set(told))


@given(st.lists(st.sampled_from(list(Event)), max_size=12))
def test_a_life_is_the_fold_of_its_events_and_every_event_that_counts_is_a_version(events: list[Event]) -> None:
    state, counted = State.PROPOSED, 0
    for event in events:
        counted += is_legal(state, event)
        state = step(state, event).state

    assert fold(events) == Life(state, 1 + counted)


def test_the_page_in_the_docs_is_the_table() -> None:
    written = Path(__file__).parents[2] / "docs" / "positions-life.md"

    assert written.read_text() == page(), "write it anew: see the module"
