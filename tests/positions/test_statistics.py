"""What closed trades come to, counted in SQL: the same figures as research counts on the same trades."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from chassis.errors import AskFailedError
from contracts import asks, catalogue
from contracts.messages import Side
from research.backtest import run_backtest
from research.statistics import Closed, summarise
from research.trades import Rules
from services.positions.adapters.postgres_statistics import PostgresStatistics
from services.positions.domain.plans import SCALED
from services.positions.domain.statistics import report
from services.positions.ports import Scope
from tests.positions.builders import GOLD, START_MS, a_tick
from tests.positions.house import House, until
from tests.positions.ledger import Done, keep
from tests.research.walks import a_crossing, a_tape

EVERYTHING = Scope(from_ms=None, symbol=None, strategy=None, time_zone="UTC")
HOUR_MS = 3_600_000
CENTS = st.integers(-500, 500).map(lambda cents: Decimal(cents) / 100)


def a_history(*pnls: str, **changes: object) -> list[Done]:
    """Trades that closed one after the other, an hour apart."""
    return [
        replace(
            Done(place=place, pnl=Decimal(pnl), r=float(pnl) / 2),
            opened_ms=START_MS + place * HOUR_MS,
            closed_ms=START_MS + place * HOUR_MS + 60_000,
            **changes,  # type: ignore[arg-type]
        )
        for place, pnl in enumerate(pnls)
    ]


async def counted(url: str, *, person: int | None = None) -> asks.Statistics:
    """Count a person's trades, or everybody's."""
    async with await AsyncConnection.connect(url, options="-c search_path=positions -c timezone=UTC") as connection:
        statistics = PostgresStatistics(connection)
        if person is None:
            sums = await statistics.of_all(EVERYTHING)
        else:
            sums = await statistics.of_subscriber(person, EVERYTHING)
    return report(sums, time_zone="UTC", days=None)


def expect_equal(found: asks.Statistics, trades: Sequence[Closed]) -> None:
    """Hold every figure against those of research. Money must be equal to the cent and exact."""
    wanted = summarise(trades, candle_ends_ms=[])
    same = (
        "trades", "wins", "losses", "win_rate", "pnl", "r", "gross_profit", "gross_loss", "profit_factor", "expectancy",
        "expectancy_r", "average_win", "average_loss", "best", "worst", "max_drawdown", "max_drawdown_r", "win_streak",
        "loss_streak",
    )  # fmt: skip
    for name in same:
        assert getattr(found, name) == getattr(wanted, name), name
        assert type(getattr(found, name)) is type(getattr(wanted, name)), name
    for name in ("hold_s_mean", "hold_s_median"):
        had, expected = getattr(found, name), getattr(wanted, name)
        assert had == (None if expected is None else pytest.approx(expected, rel=1e-12)), name
    assert {one.name: (one.trades, one.wins, one.losses, one.pnl, one.r, one.win_rate) for one in found.by_side} == {
        side: (it.trades, it.wins, it.losses, it.pnl, it.r, it.win_rate)
        for side, it in wanted.by_side.items()
        if it.trades
    }
    assert [(int(one.name), one.trades, one.wins, one.losses, one.pnl, one.r) for one in found.by_hour] == [
        (hour, it.trades, it.wins, it.losses, it.pnl, it.r) for hour, it in wanted.by_hour.items()
    ]


async def test_the_trades_of_a_backtest_come_to_what_research_says(postgres: str) -> None:
    often = a_crossing({"fast": 5, "slow": 20, "stop_percent": 0.1, "target_percent": 0.15})
    result = run_backtest(often, a_tape(3000), Rules(instrument=GOLD, plan=SCALED, silence_ms=1 << 40))
    trades = sorted(result.trades, key=lambda trade: trade.closed_ms)
    assert len(trades) > 40, "too few to compare"
    keep(
        postgres,
        [
            Done(
                place=place, pnl=trade.pnl, r=trade.r, side=trade.side, opened_ms=trade.opened_ms,
                closed_ms=trade.closed_ms,
            )
            for place, trade in enumerate(trades)
        ],
    )  # fmt: skip

    expect_equal(await counted(postgres, person=1), trades)
    expect_equal(await counted(postgres), trades)


@st.composite
def histories(draw: st.DrawFn) -> list[Done]:
    """Trades as they may come: equal moments, zeros, long runs, of two people."""
    rows = draw(
        st.lists(
            st.tuples(
                CENTS | st.just(Decimal("0.00")), st.integers(-30_000, 30_000), st.sampled_from(list(Side)),
                st.integers(0, 40), st.integers(0, 90_000_000), st.sampled_from((1, 2)),
            ),
            max_size=60,
        )
    )  # fmt: skip
    closed_ms, found = START_MS, []
    for place, (pnl, r, side, step, held_ms, person) in enumerate(rows):
        closed_ms += step * 60_000
        found.append(
            Done(
                place=place, pnl=pnl, r=r / 10_000, side=side, person=person, opened_ms=closed_ms - held_ms,
                closed_ms=closed_ms,
            )
        )  # fmt: skip
    return found


async def test_any_trades_come_to_what_research_says(house: House) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(histories())
    def any_history(done: list[Done]) -> None:
        with psycopg.connect(house.url) as connection:
            connection.execute("truncate positions.position, positions.position_event, positions.subscriber cascade")
        keep(house.url, done)
        for person in (1, 2):
            expect_equal(asyncio.run(counted(house.url, person=person)), [one for one in done if one.person == person])

    await asyncio.to_thread(any_history)


async def test_void_positions_count_nowhere(postgres: str) -> None:
    keep(postgres, [*a_history("2.00", "-1.00"), Done(place=9, pnl=Decimal(0), r=0.0, is_void=True)])

    found = await counted(postgres)

    assert (found.trades, found.pnl, found.wins, found.losses) == (2, Decimal("1.00"), 1, 1)


async def test_the_order_is_that_of_closing_not_of_opening(postgres: str) -> None:
    first = Done(place=1, pnl=Decimal("-2.00"), r=-1.0, opened_ms=START_MS, closed_ms=START_MS + 9 * HOUR_MS)
    second = Done(place=2, pnl=Decimal("3.00"), r=1.5, opened_ms=START_MS + HOUR_MS, closed_ms=START_MS + 2 * HOUR_MS)
    keep(postgres, [first, second])

    found = await counted(postgres, person=1)

    assert found.max_drawdown == Decimal("2.00")


async def test_planned_and_realised_reward_to_risk(postgres: str) -> None:
    three = (4002.0, 4003.0, 4005.0)  # 1.0, 1.5 and 2.5 R: 0.4 + 0.525 + 0.625 by their shares
    keep(
        postgres,
        [
            Done(place=1, pnl=Decimal("3.00"), r=1.5),
            Done(place=2, pnl=Decimal("-2.00"), r=-1.0),
            Done(place=3, pnl=Decimal("1.00"), r=0.5, targets=three),
        ],
    )

    found = await counted(postgres, person=1)

    assert found.planned_rr == pytest.approx((1.5 + 1.5 + 1.55) / 3)
    assert found.realised_rr == pytest.approx(((1.5 + 0.5) / 2) / 1.0)
    assert found.slippage_pips_mean == 0.5


async def test_modes_strategies_and_symbols_are_counted_apart(postgres: str) -> None:
    keep(
        postgres,
        [
            Done(place=1, pnl=Decimal("3.00"), r=1.5),
            Done(place=2, pnl=Decimal("-2.00"), r=-1.0, mode="manual"),
            Done(place=3, pnl=Decimal("1.00"), r=0.5, strategy="breakout", symbol="BTCUSD"),
        ],
    )

    found = await counted(postgres, person=1)

    assert [(one.name, one.trades, one.pnl) for one in found.by_mode] == [
        ("auto", 2, Decimal("4.00")), ("manual", 1, Decimal("-2.00")),
    ]  # fmt: skip
    assert [(one.name, one.r) for one in found.by_strategy] == [("breakout", 0.5), ("trend_pullback", 0.5)]
    assert [(one.name, one.wins, one.losses) for one in found.by_symbol] == [("BTCUSD", 1, 0), ("XAUUSD", 1, 1)]


# --- asked over the bus -----------------------------------------------------------------------------------------------


async def statistics(house: House, person: int, **changes: object) -> asks.Statistics:
    return await house.bus.ask(catalogue.STATISTICS, asks.GetStatistics(subscriber_id=person, **changes))  # type: ignore[arg-type]


async def test_a_subscriber_asks_for_his_own_hours(house: House) -> None:
    zone = "America/New_York"
    keep(house.url, a_history("1.00", "-2.00", "5.00", zone=zone))
    async with house.room(follows=False):
        found = await statistics(house, 1)

    opened = [datetime.fromtimestamp(START_MS / 1000 + 3600 * n, UTC).astimezone(ZoneInfo(zone)).hour for n in range(3)]
    assert [int(one.name) for one in found.by_hour] == opened == [7, 8, 9]
    assert (found.best_hour, found.worst_hour, found.time_zone) == (9, 8, zone)


async def test_days_are_counted_back_from_the_markets_time(house: House) -> None:
    day_ms = 86_400_000
    done = [
        Done(place=n, pnl=Decimal("1.00"), r=0.5, opened_ms=START_MS - n * day_ms, closed_ms=START_MS - n * day_ms)
        for n in range(10)
    ]
    keep(house.url, done)
    async with house.room() as room:
        await house.tick(a_tick(0, 4000.0))
        await until(lambda: room.market.price("XAUUSD"), "the price")
        found = {days: (await statistics(house, 1, days=days)).trades for days in (1, 3, 100, None, -5)}

    assert found == {1: 2, 3: 4, 100: 10, None: 10, -5: 2}


async def test_what_is_asked_of_one_strategy_or_symbol_leaves_the_others_out(house: House) -> None:
    keep(
        house.url,
        [
            Done(place=1, pnl=Decimal("3.00"), r=1.5),
            Done(place=2, pnl=Decimal("1.00"), r=0.5, strategy="breakout", symbol="BTCUSD"),
        ],
    )
    async with house.room(follows=False):
        of_strategy = await statistics(house, 1, strategy="breakout")
        of_symbol = await statistics(house, 1, symbol="XAUUSD")
        of_none = await statistics(house, 1, symbol="XAUUSD", strategy="breakout")

    assert (of_strategy.pnl, of_symbol.pnl, of_none.trades) == (Decimal("1.00"), Decimal("3.00"), 0)
    assert (of_none.win_rate, of_none.profit_factor, of_none.best, of_none.best_hour) == (None, None, None, None)


async def test_the_record_counts_each_automatic_signal_once_and_shows_nobodys_lots(house: House) -> None:
    keep(
        house.url,
        [
            Done(place=1, person=1, pnl=Decimal("3.00"), r=1.5, signal="s:a"),
            Done(place=2, person=2, pnl=Decimal("300.00"), r=1.5, signal="s:a", lots=Decimal("1.00")),
            Done(place=3, person=2, pnl=Decimal("-2.00"), r=-1.0, signal="s:b", closed_ms=START_MS + HOUR_MS),
            Done(place=4, person=2, pnl=Decimal("9.00"), r=3.0, signal="s:c", mode="manual"),
        ],
    )
    async with house.room(follows=False):
        found = await house.bus.ask(catalogue.RECORD, asks.GetRecord(subscriber_id=1))

    assert (found.trades, found.wins, found.losses, found.pnl, found.r) == (2, 1, 1, Decimal("1.00"), 0.5)
    assert [one.name for one in found.by_mode] == ["auto"]


async def test_only_an_operator_hears_of_everybody(house: House) -> None:
    keep(house.url, [Done(place=1, pnl=Decimal("3.00"), r=1.5), Done(place=2, person=2, pnl=Decimal("-1.00"), r=-0.5)])
    async with house.room(follows=False, operator_ids="2"):
        found = await house.bus.ask(catalogue.SYSTEM_STATISTICS, asks.GetSystemStatistics(subscriber_id=2))
        with pytest.raises(AskFailedError) as refused:
            await house.bus.ask(catalogue.SYSTEM_STATISTICS, asks.GetSystemStatistics(subscriber_id=1))

    assert refused.value.code == "not_operator"
    assert (found.subscribers, found.live_positions, found.statistics.pnl) == (2, 0, Decimal("2.00"))
