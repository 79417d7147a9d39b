"""What a subscriber is told of, and how loud; and that his trades do not know of it."""

import itertools
import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import AskFailedError
from contracts import asks, catalogue
from contracts.messages import (
    OutcomeNotice,
    PauseNotice,
    ReducedNotice,
    SendMessage,
    SignalNotice,
    StopNotice,
    SummaryNotice,
)
from services.positions.domain.hearing import Hearing, Kind, Loudness, SignalsOffError, read_hearing
from services.positions.domain.preferences import BadSettingError, Chosen, Preferences, changed
from tests.positions.builders import a_signal, a_tick, now
from tests.positions.house import House, until
from tests.positions.ledger import keep
from tests.positions.test_summaries import closed, said, summed_up

ON, SILENT, OFF = Loudness
ABOUT = {
    SignalNotice: Kind.SIGNAL,
    OutcomeNotice: Kind.EXIT,
    ReducedNotice: Kind.TARGET,
    StopNotice: Kind.STOP,
    SummaryNotice: Kind.SUMMARY,
}
NEWCOMER = Chosen(lots=Decimal("0.01"), time_zone="Asia/Jakarta", preferences=Preferences())
CHOICES = [
    dict(zip(Kind, choice, strict=True)) for choice in itertools.product((ON, SILENT), *[tuple(Loudness)] * 3, (ON,))
]
"""Every choice that a trade could know of: two for signals, three for exits, targets and stops."""


# --- the choice -------------------------------------------------------------------------------------------------------


@given(st.builds(Hearing, signal=st.sampled_from((ON, SILENT)), **{
    kind.value: st.sampled_from(Loudness) for kind in Kind if kind is not Kind.SIGNAL
}))  # fmt: skip
def test_what_was_chosen_is_read_as_it_was_written(hearing: Hearing) -> None:
    assert read_hearing(str(hearing)) == hearing


def test_a_row_keeps_only_what_is_not_as_for_everybody() -> None:
    assert str(Hearing()) == ""
    assert str(Hearing(stop=SILENT, exit=OFF)) == "exit=off,stop=silent"


def test_a_kind_of_a_release_to_come_is_left_out() -> None:
    assert read_hearing("news=off,exit=silent") == Hearing(exit=SILENT)


def test_signals_are_never_off() -> None:
    with pytest.raises(SignalsOffError, match="/stopmonitor"):
        Hearing(signal=OFF)
    with pytest.raises(BadSettingError, match=r"when its signal arrived\. /stopmonitor ends"):
        changed(NEWCOMER, "notify_signal", "off", NEWCOMER)


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_is_chosen_by_its_name_and_taken_back(kind: Kind) -> None:
    silent = changed(NEWCOMER, f"notify_{kind}", "silent", NEWCOMER)

    assert silent.preferences.hearing == Hearing(**{kind.value: SILENT})
    assert changed(silent, f"notify_{kind}", "default", NEWCOMER) == NEWCOMER
    assert changed(silent, f"notify_{kind}", "on", NEWCOMER) == NEWCOMER


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [("notify_exit", "loud", "on, silent or off"), ("dashboard", "silent", "on or off")],
)
def test_another_value_is_refused_with_those_there_are(name: str, value: str, complaint: str) -> None:
    with pytest.raises(BadSettingError, match=complaint):
        changed(NEWCOMER, name, value, NEWCOMER)


# --- in the room ------------------------------------------------------------------------------------------------------


async def choose(house: House, person: int, **settings: str) -> asks.Settings:
    """Choose by name: `exit="off"`, `dashboard="on"`."""
    for name, value in settings.items():
        named = f"notify_{name}" if name in set(Kind) else name
        request = asks.ChangeSetting(subscriber_id=person, name=named, value=value)
        found = await house.bus.ask(catalogue.CHANGE_SETTING, request)
    return found


def told(house: House, person: int) -> list[SendMessage]:
    return [one for one in house.bus.said(catalogue.SEND) if one.subscriber_id == person]


def heard(house: House, person: int) -> Counter[tuple[Kind, bool]]:
    """Count what a person was sent: about what, and whether without a sound."""
    return Counter((ABOUT[type(one.content)], one.silent) for one in told(house, person))


def expected(everything: Counter[tuple[Kind, bool]], choice: dict[Kind, Loudness]) -> Counter[tuple[Kind, bool]]:
    """Say what a choice makes of what all others hear. The stop that a part moved is told by the part, or, where that
    is off, by its own message.
    """
    everything = everything + Counter({(Kind.STOP, False): int(choice[Kind.TARGET] is OFF)})
    return Counter({
        (kind, choice[kind] is SILENT): count for (kind, _), count in everything.items() if choice[kind] is not OFF
    })  # fmt: skip


async def a_whole_trade(house: House, *people: int) -> None:
    """Lead people who have a signal through a first target, a trailed stop and the end."""
    await house.tick(a_tick(1000, 4002.2))
    await until(lambda: len(house.bus.said(catalogue.POSITION_REDUCED)) >= len(people), "a part")
    await house.tick(a_tick(3000, 4001.6))
    await house.closed(len(people))
    await house.quiet()


async def test_a_choice_is_stored_and_told(house: House) -> None:
    async with house.room(follows=False):
        await house.subscribe(1, 2)
        await choose(house, 1, signal="silent", exit="off", summary="off", dashboard="on")
    async with house.room(follows=False):
        found = await house.bus.ask(catalogue.SETTINGS, asks.GetSettings(subscriber_id=1))
        other = await house.bus.ask(catalogue.SETTINGS, asks.GetSettings(subscriber_id=2))

    assert (found.notify_signal, found.notify_exit, found.notify_target) == ("silent", "off", "on")
    assert (found.notify_stop, found.notify_summary, found.dashboard) == ("on", "off", True)
    assert (other.notify_signal, other.notify_exit, other.notify_summary, other.dashboard) == ("on", "on", "on", False)


async def test_signals_off_is_refused_and_nothing_is_changed(house: House) -> None:
    async with house.room(follows=False):
        await house.subscribe(1)
        await choose(house, 1, signal="silent")
        with pytest.raises(AskFailedError, match="/stopmonitor") as refused:
            await choose(house, 1, signal="off")
        found = await house.bus.ask(catalogue.SETTINGS, asks.GetSettings(subscriber_id=1))

    assert refused.value.code == "bad_value"
    assert found.notify_signal == "silent"


@pytest.mark.parametrize("kept", ["signal=off", "exit=off,signal=off", "exit=loud", "exit", ",", "exit=off,"])
async def test_the_database_keeps_nothing_that_could_not_be_read(house: House, kept: str) -> None:
    async with house.room(follows=False):
        await house.subscribe(1)
        with pytest.raises(psycopg.errors.CheckViolation, match="subscriber_hearing"):
            await house.rows("update subscriber set hearing = %s returning id", kept)


async def test_each_kind_comes_as_loud_as_it_was_chosen(house: House) -> None:
    async with house.room(plan="three+trailing+break_even"):
        await house.feed()
        await house.subscribe(1, 2)
        await choose(house, 1, signal="silent", exit="silent", target="off")
        await house.tick(a_tick(0, 3999.9))
        await house.raise_signal(a_signal())
        await house.deliver(1, 2)
        await house.followed(2)
        await a_whole_trade(house, 1, 2)

    assert heard(house, 2) == {(Kind.SIGNAL, False): 1, (Kind.TARGET, False): 1, (Kind.EXIT, False): 1}
    # nobody told him of the part, which says where the stop is: so the stop's own message does
    assert heard(house, 1) == {(Kind.SIGNAL, True): 1, (Kind.STOP, False): 1, (Kind.EXIT, True): 1}


async def test_whatever_is_chosen_the_trades_and_the_figures_are_those_of_everything_on(house: House) -> None:
    """All choices at once, each by a person of its own; one trade is led to its end as it happens, another had crossed
    its levels before its signal arrived.
    """
    people = dict(enumerate(CHOICES, start=1))
    everything_on = next(one for one, choice in people.items() if set(choice.values()) == {ON})
    async with house.room(plan="three+trailing+break_even"):
        await house.feed()
        await house.subscribe(*people)
        for one, choice in people.items():
            await choose(house, one, **{kind.value: loudness for kind, loudness in choice.items()})
        await house.tick(a_tick(0, 3999.9))
        await house.raise_signal(a_signal())
        await house.deliver(*people)
        await house.followed(len(people))
        await a_whole_trade(house, *people)
        await house.tick(a_tick(119_000, 3999.9))
        await house.raise_signal(a_signal(2))
        await house.tick(a_tick(121_000, 4002.2), a_tick(122_000, 4001.6))
        await house.followed(0)
        for one in people:
            await house.deliver_next(one, 2)
        await house.closed(2 * len(people))
        await house.quiet()
        statistics = {one: await of_person(house, one) for one in people}
        trades = await house.rows(
            "select subscriber_id, array_agg((signal_id, state, exit_reason, exit_price, pnl, r, legs, stop, closed_ms)"
            "::text order by quote_ms) from position group by subscriber_id"
        )

    everything = heard(house, everything_on)
    assert everything.keys() == {(Kind.SIGNAL, False), (Kind.TARGET, False), (Kind.EXIT, False)}
    assert {one: heard(house, one) for one in people} == {
        one: expected(everything, choice) for one, choice in people.items()
    }
    assert len(dict(trades)[everything_on]) == 2
    assert {json.dumps(trade) for _, trade in trades} == {json.dumps(dict(trades)[everything_on])}
    assert statistics == dict.fromkeys(people, statistics[everything_on])
    replies = {one.reply_to for one in house.bus.said(catalogue.SEND) if one.reply_to is not None}
    assert replies <= {one.id for one in house.sent()}


async def of_person(house: House, person: int) -> tuple[asks.Statistics, tuple[Any, ...]]:
    figures = await house.bus.ask(catalogue.STATISTICS, asks.GetStatistics(subscriber_id=person))
    history = await house.history(person)
    return figures, (history.total, history.wins, history.losses, history.pnl, [one.r for one in history.trades])


async def test_the_last_choice_counts_at_the_moment_something_is_told(house: House) -> None:
    async with house.room():
        await house.opened(1, 2)
        await choose(house, 1, exit="off")
        await choose(house, 2, exit="silent")
        await house.tick(a_tick(1000, 4003.2))
        await house.closed(2)
        await house.quiet()

    assert heard(house, 1) == {(Kind.SIGNAL, False): 1}
    assert heard(house, 2) == {(Kind.SIGNAL, False): 1, (Kind.EXIT, True): 1}


async def test_a_signal_that_was_asked_for_is_as_silent_as_the_others(house: House) -> None:
    async def judge(_request: asks.EvaluateNow) -> asks.Evaluation:
        return asks.Evaluation(signal=a_signal(mode="manual"))

    async with house.room(), house.bus.answer(catalogue.EVALUATE, judge):
        await house.feed()
        await house.subscribe(1, auto=False)
        await choose(house, 1, signal="silent")
        await house.tick(a_tick(0, 3999.9))
        await house.ask_for_signal(1)
        send = await house.sent_to(1)

    assert send.silent


async def test_an_operator_hears_of_a_pause_whatever_he_chose(house: House) -> None:
    async with house.room(operator_ids="1"):
        await house.opened(1)
        await choose(house, 1, signal="silent", exit="off", target="off", stop="off", summary="off")
        await house.tick(a_tick(1000, 3990.0))
        await house.closed(1)
        await house.quiet()

    (pause,) = [one for one in told(house, 1) if isinstance(one.content, PauseNotice)]
    assert not pause.silent


async def test_what_opened_says_who_wants_to_watch(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        await choose(house, 1, dashboard="on")
        await house.raise_signal(a_signal())
        await house.deliver(1, 2)
        await house.quiet()

    assert {one.subscriber_id: one.dashboard for one in house.bus.said(catalogue.POSITION_OPENED)} == {
        1: True,
        2: False,
    }


# --- days -------------------------------------------------------------------------------------------------------------


def day_of(sends: list[SendMessage]) -> list[tuple[int, bool, int]]:
    return [
        (one.subscriber_id, one.silent, one.content.trades) for one in sends if isinstance(one.content, SummaryNotice)
    ]


async def test_a_summary_comes_silently_or_not_at_all_and_is_not_made_up_for(house: House) -> None:
    keep(house.url, [closed(place, "2026-01-05T10:00:00", person=place) for place in (1, 2, 3)])
    await house.rows_only("update subscriber set hearing = 'summary=silent' where id = 2")
    await house.rows_only("update subscriber set hearing = 'summary=off' where id = 3")
    evening = await summed_up(house, datetime.fromisoformat("2026-01-05T17:00:00+00:00"))
    await house.rows_only("update subscriber set hearing = '' where id = 3")
    keep(house.url, [closed(4, "2026-01-06T10:00:00", person=3)])

    await summed_up(house, datetime.fromisoformat("2026-01-06T17:00:00+00:00"))

    assert day_of(evening) == [(1, False, 1), (2, True, 1)]
    assert day_of(await said(house))[2:] == [(3, False, 1)]


# --- a person's own ---------------------------------------------------------------------------------------------------


async def test_choices_are_exported_and_erased_with_their_person(house: House) -> None:
    async with house.room(follows=False):
        await house.subscribe(1)
        await choose(house, 1, exit="off", stop="silent", dashboard="on")
        found = await house.bus.ask(catalogue.EXPORT, asks.ExportSubscriber(subscriber_id=1))
        exported = json.loads(await house.bus.get(catalogue.EXPORTS, found.json_key) or b"")
        await house.bus.ask(catalogue.ERASE, asks.EraseSubscriber(subscriber_id=1, asked_at=now()))
        await house.subscribe(1)
        again = await house.bus.ask(catalogue.SETTINGS, asks.GetSettings(subscriber_id=1))

    assert (exported["person"]["hearing"], exported["person"]["dashboard"]) == ("exit=off,stop=silent", True)
    assert (again.notify_exit, again.notify_stop, again.dashboard) == ("on", "on", False)
