"""A person's view is asked for everybody else's rows, by every method it has: it shows nothing, and takes no change."""

import inspect
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from chassis.errors import TransientError
from contracts import asks, catalogue, ids
from services.positions.adapters import postgres_export, postgres_statistics
from services.positions.adapters.postgres_store import PostgresStore, PostgresView
from services.positions.domain.preferences import Chosen, Preferences
from services.positions.ports import Applicant, Scope, View
from tests.positions.builders import START_MS, a_signal, a_tick
from tests.positions.house import House
from tests.positions.ledger import Done, keep

AT = datetime(2026, 1, 5, tzinfo=UTC)
ALL = Scope(from_ms=None, symbol=None, strategy=None, time_zone="UTC")
NOBODY = 99

Ask = Callable[[View, int], Awaitable[Any]]


def his_position(person: int) -> str:
    return ids.position_id(a_signal(0).id, person)


READS: dict[str, Ask] = {
    "subscribers.find": lambda view, one: view.subscribers.find(one),
    "answers.live": lambda view, one: view.answers.live(one, "XAUUSD"),
    "answers.history": lambda view, one: view.answers.history(one, offset=0, limit=50),
    "answers.story": lambda view, one: view.answers.story(one, None),
    "answers.refusal": lambda view, one: view.answers.refusal(one),
    "answers.drawn": lambda view, one: view.answers.drawn(one, his_position(one)),
    "answers.live_drawn": lambda view, one: view.answers.live_drawn(one, "XAUUSD"),
    "statistics.of_subscriber": lambda view, one: view.statistics.of_subscriber(one, ALL, has_curve=True),
    "export.document": lambda view, one: view.export.document(one, AT),
    "export.trades": lambda view, one: view.export.trades(one),
}
OVER_ALL: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "answers.counts": lambda view: view.answers.counts(),
    "statistics.of_all": lambda view: view.statistics.of_all(ALL),
    "statistics.of_signals": lambda view: view.statistics.of_signals(ALL),
}
"""Not the port's of a view, but there behind it: of these a person sees his own part."""
NEWCOMER = Applicant(subscriber_id=1, chat_id=1, name="x", language="en", time_zone="UTC", lots=Decimal("0.01"))
CHOSEN = Chosen(lots=Decimal("0.5"), time_zone="UTC", preferences=Preferences())
CHANGES: dict[str, Ask] = {
    "subscribers.register": lambda view, _: view.subscribers.register(NEWCOMER),
    "subscribers.set_language": lambda view, one: view.subscribers.set_language(one, "en"),
    "subscribers.set_auto": lambda view, one: view.subscribers.set_auto(one, auto=False),
    "subscribers.choose": lambda view, one: view.subscribers.choose(one, CHOSEN),
    "subscribers.deactivate": lambda view, one: view.subscribers.deactivate(one, "x", datetime.now(UTC)),
}


@pytest.fixture(params=[False, True], ids=["in place", "archived"])
async def traded(request: pytest.FixtureRequest, house: House) -> House:
    """Three people: a closed trade, in the archive or not, a live one, and a refusal each."""
    async with house.room(cooldown_s=0):
        await house.opened(1, 2, 3)
        await house.tick(a_tick(1000, 4003.1))
        await house.closed(3)
        await house.raise_signal(a_signal(5))
        await house.deliver_next(1, 2)
        await house.raise_signal(a_signal(9))  # they hold a position: refused
        await house.quiet()
    if request.param:
        async with PostgresStore(house.pool).work() as work:
            assert await work.archive.move(0, 10) == 3
    return house


async def test_every_method_of_a_view_is_tried_here(house: House) -> None:
    """A method that comes later fails here until it is tried."""
    async with PostgresStore(house.pool).view(1) as view:
        there = {
            f"{part}.{name}"
            for part in vars(view)
            for name, _ in inspect.getmembers(getattr(view, part), inspect.iscoroutinefunction)
            if not name.startswith("_")
        }
    assert there == READS.keys() | OVER_ALL.keys() | CHANGES.keys()
    assert {name.partition(".")[0] for name in there} == {
        name for name, _ in inspect.getmembers(View, lambda member: isinstance(member, property))
    }


@pytest.mark.parametrize("name", READS)
async def test_asked_for_anothers_rows_a_view_shows_what_it_shows_of_nobody(traded: House, name: str) -> None:
    store = PostgresStore(traded.pool)
    async with store.view(2) as view:
        of_another, of_nobody = await READS[name](view, 1), await READS[name](view, NOBODY)
    async with store.view(1) as view:
        his_own = await READS[name](view, 1)
    async with store.work() as work:
        without_a_view = await READS[name](work, 1)

    assert of_another == of_nobody
    assert his_own == without_a_view
    if not (name == "answers.drawn" and await _is_archived(traded)):  # a chart is drawn while the position is kept
        assert his_own != of_nobody, "there was nothing to hide"


async def _is_archived(house: House) -> bool:
    return (await house.rows("select exists (select from position_archive)"))[0][0] is True


@pytest.mark.parametrize("name", OVER_ALL)
async def test_what_counts_everybody_counts_the_reader_alone(traded: House, name: str) -> None:
    store = PostgresStore(traded.pool)
    async with store.view(2) as view:
        assert isinstance(view, PostgresView)
        his = await OVER_ALL[name](view)
    async with store.view(NOBODY) as view:
        nobodys = await OVER_ALL[name](view)
    async with store.work() as work:
        everybodys = await OVER_ALL[name](work)

    assert nobodys != his
    if name == "statistics.of_signals":  # one signal, taken by all three: their mean is his
        assert (his.trades, everybodys.trades) == (1, 1)
    else:
        assert his != everybodys


@pytest.mark.parametrize("name", CHANGES)
async def test_a_view_takes_no_change_not_even_of_ones_own(house: House, name: str) -> None:
    async with house.room(follows=False):
        await house.subscribe(1)
    before = await house.rows("select s::text from subscriber s")

    with pytest.raises((TransientError, psycopg.errors.InsufficientPrivilege)):
        async with PostgresStore(house.pool).view(1) as view:
            await CHANGES[name](view, 1)

    assert await house.rows("select s::text from subscriber s") == before


@pytest.mark.parametrize("module", [postgres_statistics, postgres_export])
async def test_who_asks_is_told_of_himself_by_a_query_that_forgets_its_condition(
    traded: House, monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    for name, text in list(vars(module).items()):
        if isinstance(text, str) and "subscriber" in text and name.startswith("_"):
            monkeypatch.setattr(module, name, re.sub(r"(\w\.)?subscriber_id = %", "0 <> %", text))
    store = PostgresStore(traded.pool)

    async with traded.room(follows=False):
        told = await traded.bus.ask(catalogue.STATISTICS, asks.GetStatistics(subscriber_id=2))
        exported = await traded.bus.ask(catalogue.EXPORT, asks.ExportSubscriber(subscriber_id=2))
    async with store.work() as work:
        unguarded = await work.statistics.of_subscriber(2, ALL), await work.export.trades(2)

    assert (told.trades, exported.trades) == (1, 1)
    assert max(unguarded[0].trades, len(unguarded[1])) == 3, "the query forgot nothing"


async def test_the_figures_of_a_view_are_those_without_one(house: House) -> None:
    keep(
        house.url,
        [
            Done(place=n, person=1 + n % 3, pnl=Decimal(n * 37 % 11 - 5) / 3 * 3, r=n % 7 - 3.0, closed_ms=START_MS + n)
            for n in range(60)
        ],
    )
    store = PostgresStore(house.pool)
    for person in (1, 2, 3):
        async with store.view(person) as view:
            seen = await view.statistics.of_subscriber(person, ALL)
        async with store.work() as work:
            counted = await work.statistics.of_subscriber(person, ALL)
        assert seen == counted
        assert seen.trades == 20
