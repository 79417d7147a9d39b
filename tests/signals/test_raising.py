"""When a signal is raised, when it is not, and that it is raised once whatever happens."""

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from chassis.bus import Stored
from chassis.clock import ManualClock
from chassis.errors import StartError, TransientError
from chassis.memory_bus import MemoryBus
from contracts import asks, catalogue
from contracts.messages import FeedState, Interval, Mode, Side, SignalRaised
from services.signals.adapters.bus_archive import BusArchive
from services.signals.adapters.bus_record import BusRecord
from services.signals.domain.candle import Candle
from services.signals.domain.strategy import build_strategy
from services.signals.domain.trend_pullback import TrendPullback
from services.signals.handlers.memory import MarketMemory
from services.signals.handlers.raising import Policy, Raiser
from services.signals.settings import SignalsSettings
from services.signals.wiring import SignalsRoom
from tests.signals.builders import golden_series, market_with_breaks, wandering_series
from tests.signals.market import (
    SYMBOL,
    enter,
    handled,
    history,
    open_market,
    publish,
    room_on,
    told,
    until,
    without_delivery,
)

PAST = golden_series(105)
CONVINCING = golden_series(106)[-1]
ANYWHERE = Stored("", b"", {}, 0, ManualClock().now())


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def retries() -> float:
    return counted("sinyal_retried_total", consumer=catalogue.SIGNALS_CANDLES.name, topic="candle")


def updates() -> float:
    return counted("sinyal_indicator_updates_total", symbol=SYMBOL, interval="M1")


async def test_convincing_candle_raises_the_golden_signal() -> None:
    async with open_market(PAST) as (bus, clock, _):
        message = told(CONVINCING, clock, trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
        await publish(bus, message)
        await handled(bus)

        [signal] = bus.said(catalogue.SIGNAL)

    assert signal.trace.split("-")[1] == "a" * 32
    assert signal == SignalRaised(
        id="s:XAUUSD:trend_pullback:auto:M1:6300",
        at=clock.now(),
        trace=signal.trace,
        symbol="XAUUSD",
        interval=Interval.M1,
        strategy="trend_pullback",
        strategy_version="1.0.0",
        mode=Mode.AUTO,
        side=Side.BUY,
        entry=4010.74,
        stop=4008.74,
        targets=(4014.27,),
        rr=1.765,
        strength=0.3,
        score=7,
        reasons=signal.reasons,
        lots=Decimal("0.01"),
        candle_open_s=6300,
        bid=CONVINCING.close - 0.15,
        ask=CONVINCING.close + 0.15,
        quote_ms=6_359_500,
        valid_for_s=60,
    )
    assert signal.reasons[0] == "reason.close_beyond_ema50.buy"


async def test_signal_of_a_candle_that_waited_dates_from_the_candle() -> None:
    async with open_market(PAST) as (bus, clock, _):
        message = told(CONVINCING, clock, age_s=40.0)
        await publish(bus, message)
        await handled(bus)

        [signal] = bus.said(catalogue.SIGNAL)

    assert (signal.at, signal.valid_for_s) == (message.at, 60)


@pytest.mark.parametrize(
    "changes",
    [
        {"age_s": 46.0},
        {"backfilled": True},
        {"bid": None},
        {"ask": None},
        {"quote_ms": None},
        {"interval": Interval.M5},
        {"symbol": "EURUSD"},
    ],
)
async def test_candle_that_may_not_raise_a_signal_does_not(changes: dict[str, Any]) -> None:
    async with open_market(PAST) as (bus, clock, _):
        await publish(bus, told(CONVINCING, clock, **changes))
        await handled(bus)

        assert bus.said(catalogue.SIGNAL) == []


@pytest.mark.parametrize("state", [state for state in FeedState if state is not FeedState.LIVE])
async def test_no_signal_unless_the_feed_is_live(state: FeedState) -> None:
    async with open_market(PAST) as (bus, clock, room):
        await enter(bus, clock, state)
        await until(lambda: room.memory.feeds.get(SYMBOL) is state)
        await publish(bus, told(CONVINCING, clock))
        await handled(bus)

        assert bus.said(catalogue.SIGNAL) == []


async def test_feed_that_was_never_heard_of_is_not_live() -> None:
    clock = ManualClock()
    bus = MemoryBus(clock)
    await publish(bus, *(history(candle, clock) for candle in PAST))
    async with room_on(bus, clock):
        await publish(bus, told(CONVINCING, clock))
        await handled(bus)

        assert bus.said(catalogue.SIGNAL) == []


async def test_restart_in_the_middle_changes_nothing_in_what_is_raised() -> None:
    candles = [*golden_series(140), *[c for c in wandering_series(7, 260) if c.open_time_s >= 140 * 60]]
    uninterrupted = await _signals_of(candles, restarts=())

    restarted = await _signals_of(candles, restarts=(101, 110, 111, 130, 200, 333))

    assert len(uninterrupted) > 15
    assert without_delivery(restarted) == without_delivery(uninterrupted)


async def _signals_of(candles: list[Any], *, restarts: tuple[int, ...]) -> list[SignalRaised]:
    clock = ManualClock()
    bus = MemoryBus(clock)
    await enter(bus, clock, FeedState.LIVE)
    cuts = [0, *restarts, len(candles)]
    for start, end in pairwise(cuts):
        # the first candle of each part closes while the room is down
        await publish(bus, *(told(candle, clock) for candle in candles[start : start + 1]))
        async with room_on(bus, clock, candles_held=150):
            for candle in candles[start + 1 : end]:
                clock.advance(1)
                await publish(bus, told(candle, clock))
                await handled(bus)
            await handled(bus)
    return bus.said(catalogue.SIGNAL)


async def test_redelivery_after_a_crash_before_the_ack_raises_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = BusRecord.append
    calls = []

    async def store_and_lose_the_answer(self: BusRecord, signal: SignalRaised) -> bool:
        calls.append(signal.id)
        is_new = await stored(self, signal)
        if len(calls) == 1:
            raise TransientError("the answer was lost", delay_s=1)
        return is_new

    monkeypatch.setattr(BusRecord, "append", store_and_lose_the_answer)
    async with open_market(PAST) as (bus, clock, _):
        before, retried = updates(), retries()
        await publish(bus, told(CONVINCING, clock))
        await until(lambda: retries() > retried)
        clock.advance(2)
        await handled(bus)

        assert len(calls) == 2
        assert len(bus.said(catalogue.SIGNAL)) == 1
        assert updates() - before == 1


async def test_copies_that_share_the_work_raise_what_one_would() -> None:
    candles = golden_series(140)
    alone = await _signals_of(candles, restarts=())
    clock = ManualClock()
    bus = MemoryBus(clock)
    await publish(bus, *(history(candle, clock) for candle in candles[:100]))
    copies = [_copy(bus, clock), _copy(bus, clock)]

    for turn, candle in enumerate(candles[100:]):
        message = told(candle, clock)
        await publish(bus, message)
        await copies[turn % 2].hear_candle(message, ANYWHERE)

    shared = bus.said(catalogue.SIGNAL)
    assert len(shared) > 10
    assert without_delivery(shared) == without_delivery(
        [signal for signal in alone if signal.candle_open_s >= 100 * 60]
    )


def _copy(bus: MemoryBus, clock: ManualClock) -> Raiser:
    memory = MarketMemory(BusArchive(bus), candles_held=2_500)
    memory.feeds[SYMBOL] = FeedState.LIVE
    policy = Policy(fresh_s=45.0, valid_for_s=60, price_digits=2)
    strategies = [build_strategy(TrendPullback, {})]
    return Raiser(strategies, memory, BusRecord(bus), clock=clock, policy=policy)


async def test_indicators_are_computed_once_per_candle() -> None:
    candles = golden_series(130)
    async with open_market(candles[:100]) as (bus, clock, _):
        before = updates()
        for candle in candles[100:]:
            await publish(bus, told(candle, clock), told(candle, clock))
        await handled(bus)

        assert updates() - before == 30


async def test_candles_in_memory_never_exceed_the_cap() -> None:
    async with open_market([], candles_held=2_500) as (bus, clock, room):
        await publish(bus, *(history(candle, clock) for candle in wandering_series(1, 3_000)))
        await handled(bus)

        series = room.memory.series(SYMBOL, Interval.M1)
        assert series.count == 2_500
        assert counted("sinyal_candles_held", symbol=SYMBOL, interval="M1") == 2_500


async def test_readiness_tells_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_market(PAST) as (bus, _, room):
        checks = {name: check() for name, check in room.checks().items()}
        bus.cut()
        cut_off = room.checks()["bus"]()

    assert all(check.is_ready for check in checks.values())
    assert checks["market"].facts == {
        "candles_held": {"XAUUSD.M1": 105, "XAUUSD.M5": 0, "XAUUSD.M15": 0, "XAUUSD.H1": 0},
        "feeds": {"XAUUSD": "LIVE"},
        "strategies": ["trend_pullback:M1 1.0.0"],
        "broken_strategies": [],
    }
    assert not cut_off.is_ready


def test_room_that_has_not_read_the_past_is_not_ready() -> None:
    clock = ManualClock()
    room = SignalsRoom(MemoryBus(clock), clock, SignalsSettings())

    assert not room.checks()["market"]().is_ready


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"strategies": "trend_pulback"},
            "SINYAL_SIGNALS_STRATEGIES: no strategy 'trend_pulback'; did you",
        ),
        ({"parameters": '{"other": {}}'}, "SINYAL_SIGNALS_PARAMETERS: 'other' is not among"),
        ({"parameters": '{"trend_pullback": {"scor": 1}}'}, "SINYAL_SIGNALS_PARAMETERS: trend_pullback: no parameter"),
    ],
)
def test_wrong_strategy_or_parameter_stops_the_start(settings: dict[str, Any], said: str) -> None:
    clock = ManualClock()

    with pytest.raises(StartError, match=re.escape(said)):
        SignalsRoom(MemoryBus(clock), clock, SignalsSettings(**settings))


async def test_parameters_from_the_environment_reach_the_strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_market(PAST, parameters='{"trend_pullback": {"score_needed": 8}}') as (bus, clock, _):
        await publish(bus, told(CONVINCING, clock))
        await handled(bus)

        assert bus.said(catalogue.SIGNAL) == []


FAILING = """
from services.signals.domain.strategies.ema_cross import EmaCross


class Failing(EmaCross):
    name = "failing"

    def evaluate(self, view):
        if view.candle.open_time_s > 1_000_000_000:
            return 1 / 0
        return super().evaluate(view)
"""


async def test_a_strategy_that_fails_does_not_stop_those_after_it(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    (tmp_path / "broken.py").write_text("x = (")
    past = market_with_breaks(seed=1, count=300)

    async with open_market(
        past, strategies=("failing:M1", "trend_pullback", "ema_cross:M1"), strategy_folder=tmp_path
    ) as (bus, clock, room):
        await publish(bus, *(told(candle, clock) for candle in follow_up(past)))
        await handled(bus)

        facts = room.checks()["market"]().facts
        assert facts is not None
        assert facts["strategies"] == ["failing:M1 1.0.0", "trend_pullback:M1 1.0.0", "ema_cross:M1 1.0.0"]
        assert facts["broken_strategies"] == [f"{tmp_path / 'broken.py'}:1: SyntaxError: '(' was never closed"]
        assert "trend_pullback" in {signal.strategy for signal in bus.said(catalogue.SIGNAL)}
        answer = await bus.ask(catalogue.EVALUATE, asks.EvaluateNow(symbol=SYMBOL, strategy="failing:M1"))
        assert answer.why == ("why.strategy_failed",)
        shown = {label: value("sinyal_strategy_failing", label) for label in ("failing:M1", "trend_pullback:M1")}
        assert shown == {"failing:M1": 1, "trend_pullback:M1": None}  # the one never failed
        assert REGISTRY.get_sample_value("sinyal_broken_strategies") == 1


def value(sample: str, strategy: str) -> float | None:
    return REGISTRY.get_sample_value(sample, {"symbol": SYMBOL, "strategy": strategy})


def follow_up(past: list[Candle]) -> list[Candle]:
    """A rise after `past`, steep enough for any strategy of trends."""
    close, begins_s = past[-1].close, past[-1].open_time_s + 60
    steps = [close + 1.5 * step - 2.0 * (step % 7 == 6) for step in range(41)]
    return [
        Candle(begins_s + 60 * place, was, max(was, now) + 0.2, min(was, now) - 0.2, now, 90)
        for place, (was, now) in enumerate(pairwise(steps))
    ]
