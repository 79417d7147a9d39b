"""The curve of closed trades: its points are what the figures beside it count, and its name is nobody else's."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, pairwise

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from chassis.clock import SystemClock
from contracts import asks, catalogue, ids
from contracts.messages import CurveSubject, DrawCurve
from services.positions.adapters.postgres_statistics import _MOST_POINTS, PostgresStatistics
from services.positions.domain.curve import Curve
from services.positions.domain.statistics import Sums
from tests.positions.builders import START_MS
from tests.positions.house import House, PatientBus
from tests.positions.ledger import Done, keep
from tests.positions.test_statistics import CENTS, EVERYTHING, HOUR_MS, a_history

SECRET = "a word of the person's"
Row = tuple[int, int, Decimal, Decimal]


async def sums_of(url: str, person: int) -> Sums:
    async with await AsyncConnection.connect(url, options="-c search_path=positions -c timezone=UTC") as connection:
        return await PostgresStatistics(connection).of_subscriber(person, EVERYTHING, has_curve=True)


def rows_of(curve: Curve) -> list[Row]:
    return [(point.number, point.closed_ms, point.balance, point.below) for point in curve.points]


def naive(done: Sequence[Done]) -> list[Row]:
    """Every trade, in the order in which they closed."""
    ordered = sorted(done, key=lambda one: (one.closed_ms, one.place))
    balances = list(accumulate(one.pnl for one in ordered))
    highest = list(accumulate(balances, max, initial=Decimal(0)))[1:]
    return [
        (number, one.closed_ms, balance, high - balance)
        for number, (one, balance, high) in enumerate(zip(ordered, balances, highest, strict=True), start=1)
    ]


def random_walk(count: int) -> list[Done]:
    """Results that wander, of a generator that is always the same."""
    state, done = 12345, []
    for place in range(count):
        state = (1103515245 * state + 12345) % 2**31
        done.append(
            Done(place=place, pnl=Decimal(state % 1001 - 480) / 100, r=0.1, closed_ms=START_MS + place * 60_000)
        )
    return done


# --- the points -------------------------------------------------------------------------------------------------------


async def test_a_point_stands_after_each_trade(postgres: str) -> None:
    keep(postgres, a_history("3.00", "-2.00", "0.00", "-4.00", "5.50"))

    curve = (await sums_of(postgres, 1)).curve

    assert curve is not None
    hours = [START_MS + place * HOUR_MS + 60_000 for place in range(5)]
    money = [("3.00", "0.00"), ("1.00", "2.00"), ("1.00", "2.00"), ("-3.00", "6.00"), ("2.50", "0.50")]
    assert rows_of(curve) == [
        (number, closed_ms, Decimal(balance), Decimal(below))
        for number, (closed_ms, (balance, below)) in enumerate(zip(hours, money, strict=True), start=1)
    ]
    assert (curve.best.number, curve.best.pnl) == (5, Decimal("5.50"))
    assert (curve.worst.number, curve.worst.pnl) == (4, Decimal("-4.00"))


async def test_losses_from_the_first_trade_on_are_below_zero(postgres: str) -> None:
    keep(postgres, a_history("-1.00"))

    curve = (await sums_of(postgres, 1)).curve

    assert curve is not None
    assert rows_of(curve) == [(1, START_MS + 60_000, Decimal("-1.00"), Decimal("1.00"))]
    assert curve.best == curve.worst


async def test_any_few_trades_are_all_on_it(house: House) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(CENTS, st.integers(0, 2)), min_size=1, max_size=30))
    def any_history(rows: list[tuple[Decimal, int]]) -> None:
        with psycopg.connect(house.url) as connection:
            connection.execute("truncate positions.position, positions.position_event, positions.subscriber cascade")
        times = accumulate(step for _, step in rows)
        done = [
            Done(place=place, pnl=pnl, r=0.1, closed_ms=START_MS + at * 60_000, person=1)
            for place, ((pnl, _), at) in enumerate(zip(rows, times, strict=True))
        ]
        keep(house.url, done)
        sums = asyncio.run(sums_of(house.url, 1))

        assert sums.curve is not None
        assert rows_of(sums.curve) == naive(done)
        assert (sums.curve.best.pnl, sums.curve.worst.pnl) == (sums.best, sums.worst)

    await asyncio.to_thread(any_history)


async def test_of_many_trades_the_extremes_are_kept_and_the_rest_is_thinned(postgres: str) -> None:
    done = random_walk(3000)
    keep(postgres, done)

    sums = await sums_of(postgres, 1)

    assert sums.curve is not None
    kept, every = rows_of(sums.curve), naive(done)
    assert len(kept) <= _MOST_POINTS + 3
    assert set(kept) <= set(every)
    assert kept == sorted(kept)
    for column, pick in ((2, max), (2, min), (3, max)):
        assert pick(row[column] for row in kept) == pick(row[column] for row in every)
    assert max(row[3] for row in kept) == sums.max_drawdown
    assert (kept[0], kept[-1]) == (every[0], every[-1])
    assert kept[-1][2] == sums.pnl
    assert {sums.curve.best.number, sums.curve.worst.number} <= {row[0] for row in kept}
    assert (sums.curve.best.pnl, sums.curve.worst.pnl) == (sums.best, sums.worst)
    gaps = [after[0] - before[0] for before, after in pairwise(kept)]
    assert max(gaps) <= 2 * 3000 / 150, "a stretch of the curve went missing"


# --- asked over the bus -----------------------------------------------------------------------------------------------


async def statistics(house: House, person: int = 1, **changes: object) -> asks.Statistics:
    return await house.bus.ask(
        catalogue.STATISTICS,
        asks.GetStatistics(**({"subscriber_id": person, "secret": SECRET} | changes)),  # type: ignore[arg-type]
    )


async def record(house: House, person: int) -> asks.Statistics:
    return await house.bus.ask(catalogue.RECORD, asks.GetRecord(subscriber_id=person, has_curve=True))


def drawn(house: House) -> list[DrawCurve]:
    return house.bus.said(catalogue.CURVE)


async def test_the_picture_has_the_figures_of_the_text(house: House) -> None:
    keep(house.url, a_history("3.00", "-2.00", "0.00", "4.50"))
    async with house.room(follows=False):
        told = await statistics(house, days=3660)

    (wish,) = drawn(house)
    figures = wish.figures
    assert told.chart_key == wish.key
    for name in ("trades", "wins", "losses", "win_rate", "pnl", "profit_factor", "max_drawdown"):
        assert getattr(figures, name) == getattr(told, name), name
    assert wish.points[-1].balance == told.pnl
    assert max(point.below for point in wish.points) == told.max_drawdown
    assert (wish.best.pnl, wish.worst.pnl) == (told.best, told.worst)
    assert (wish.subject, wish.language, wish.time_zone, wish.days) == (CurveSubject.OWN, "en", "UTC", 3660)


async def test_nothing_is_drawn_where_nothing_closed_or_nobody_wants_it(house: House) -> None:
    keep(house.url, a_history("3.00"))
    async with house.room(follows=False):
        await house.subscribe(2)
        found = [await statistics(house, secret=None), await statistics(house, 2), await statistics(house, symbol="X")]

    assert [one.chart_key for one in found] == [None, None, None]
    assert drawn(house) == []


async def test_the_same_trades_read_alike_are_one_picture_and_others_are_others(house: House) -> None:
    keep(house.url, [one for person in (1, 2) for one in a_history("3.00", "-2.00", person=person)])
    async with house.room(follows=False):
        first, again = await statistics(house), await statistics(house)
        others = {
            "another person, the same trades": (await statistics(house, 2, secret="another word")).chart_key,
            "of some days": (await statistics(house, days=3660)).chart_key,
            "of one symbol": (await statistics(house, symbol="XAUUSD")).chart_key,
        }
        await house.bus.ask(catalogue.SET_LANGUAGE, asks.SetLanguage(subscriber_id=1, language="id"))
        others["in another language"] = (await statistics(house)).chart_key
        keep(house.url, a_history("1.00", "2.00", "4.00")[2:])
        others["after another trade"] = (await statistics(house)).chart_key

    assert first.chart_key == again.chart_key
    assert len({first.chart_key, *others.values()}) == 1 + len(others), others


async def test_a_persons_picture_is_named_as_his_and_cannot_be_named_without_his_secret(house: House) -> None:
    keep(house.url, [one for person in (1, 2) for one in a_history("3.00", person=person)])
    async with house.room(follows=False):
        his, another = await statistics(house, 1), await statistics(house, 2, secret="a guess")
        everybodys = await record(house, 1)

    assert his.chart_key is not None
    assert everybodys.chart_key is not None
    assert his.chart_key.startswith(ids.OWN)
    assert his.chart_key != another.chart_key
    assert not everybodys.chart_key.startswith(ids.OWN)


async def test_the_record_is_one_picture_for_all_who_read_alike(house: House) -> None:
    keep(
        house.url,
        [
            Done(place=1, person=1, pnl=Decimal("3.00"), r=1.5, signal="s:a"),
            Done(place=2, person=2, pnl=Decimal("300.00"), r=1.5, signal="s:a", lots=Decimal("1.00")),
            Done(place=3, person=2, pnl=Decimal("-2.00"), r=-1.0, signal="s:b", closed_ms=START_MS + HOUR_MS),
        ],
    )
    async with house.room(follows=False):
        one, other = await record(house, 1), await record(house, 2)

    wish = drawn(house)[0]
    assert one.chart_key == other.chart_key == wish.key
    assert wish.subject is CurveSubject.RECORD
    assert [(point.number, point.balance) for point in wish.points] == [(1, Decimal("3.00")), (2, Decimal("1.00"))]


@pytest.mark.parametrize("is_record", [False, True])
async def test_where_no_picture_can_be_asked_for_the_figures_are_told_alone(postgres: str, *, is_record: bool) -> None:
    """As in a roll-out, before the streams know of curves."""
    keep(postgres, a_history("3.00"))
    older = [stream for stream in catalogue.STREAMS if stream.name != "CHARTS"]
    readers = [consumer for consumer in catalogue.CONSUMERS if consumer.stream != "CHARTS"]
    async with House.open(postgres) as house:
        house.bus = PatientBus(SystemClock(), older, readers)
        async with house.room(follows=False):
            told = await (record(house, 1) if is_record else statistics(house))

    assert (told.trades, told.pnl, told.chart_key) == (1, Decimal("3.00"), None)
