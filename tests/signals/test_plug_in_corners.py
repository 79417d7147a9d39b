"""What a strategy may do beside the usual: whole evaluations, its own indicators, no levels."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import talib

from contracts.messages import Interval, Mode, Side
from services.signals.domain.classic import Classic
from services.signals.domain.columns import columns_of
from services.signals.domain.levels import Levels, levels_at
from services.signals.domain.opinion import Evaluation, NoSignal, Signal
from services.signals.domain.protections import CooldownPeriod, Protection
from services.signals.domain.running import StrategyRun
from services.signals.domain.session_vwap import SessionVwap
from services.signals.domain.strategy import Strategy, build_strategy
from services.signals.domain.view import View
from tests.signals.builders import market_with_breaks
from tests.signals.test_running import auto_signals, fed

MARKET = market_with_breaks(seed=21, count=4_000)
ASKED = NoSignal(("why.nobody_asks",))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoParameters:
    """Nothing to tune."""


class AboveVwap(Strategy[NoParameters]):
    """Buys above the day's average, by an indicator that no column can fill; tells scores, and nothing to /signal."""

    INTERFACE_VERSION: ClassVar[int] = 2
    name: ClassVar[str] = "above_vwap"
    version: ClassVar[str] = "1.0.0"
    intervals: ClassVar[tuple[Interval, ...]] = (Interval.M1,)
    candles_needed: ClassVar[int] = 1
    parameters_type: ClassVar[type] = NoParameters

    def indicators(self) -> dict[str, Any]:
        return {"vwap": SessionVwap(), "lively": Classic("SMA", ("volume",), timeperiod=20)}

    def evaluate(self, view: View) -> Evaluation | NoSignal:
        if view.candle.close < view.now.vwap + 1.0 or view.now.lively < 60:
            return NoSignal(("why.below",))
        verdict = self.trade(Side.BUY, view, reasons=("reason.above",))
        return Evaluation(
            indicators={"vwap": view.now.vwap},
            scores={Side.BUY: 3, Side.SELL: 1},
            verdicts={Mode.AUTO: verdict, Mode.MANUAL: ASKED},
        )

    def levels(self, side: Side, view: View, strength: float) -> Levels | None:
        return levels_at(side, view.candle.close, stop_distance=2.0, rr=1.5)


class Guarded(AboveVwap):
    """The same, with a rest after each trade."""

    def protections(self) -> tuple[Protection, ...]:
        return (CooldownPeriod(stop_duration_candles=20),)


@pytest.mark.parametrize("kind", [AboveVwap, Guarded])
def test_whole_evaluations_and_own_indicators_are_alike_both_ways(kind: type[AboveVwap]) -> None:
    strategy = build_strategy(kind, {})

    told = fed(StrategyRun(strategy), MARKET)

    columns = columns_of(MARKET)
    assert [one for _, one in StrategyRun(strategy).evaluations(columns)] == told
    assert list(StrategyRun(strategy).signals(columns)) == auto_signals(told)
    assert {scores[Side.BUY] for _, _, scores in StrategyRun(strategy).raised(columns)} == {3}
    assert len(auto_signals(told)) > 20


def test_a_protection_leaves_what_the_other_mode_says() -> None:
    told = fed(StrategyRun(build_strategy(Guarded, {})), MARKET)

    silenced = [one for one in told if one.verdict(Mode.AUTO) == NoSignal(("why.protection_cooldown",))]

    assert silenced
    assert {one.verdict(Mode.MANUAL) for one in silenced} == {ASKED}


def test_a_strategy_without_a_decision_for_whole_arrays_says_so() -> None:
    columns = columns_of(MARKET)

    assert build_strategy(AboveVwap, {}).sides(columns, {}) is None


class Levelless(AboveVwap):
    """Finds no place for a stop."""

    def levels(self, side: Side, view: View, strength: float) -> Levels | None:
        return None


class Unwritten(Levelless):
    """Has forgotten its levels."""

    levels = Strategy.levels


def test_a_trade_without_levels_is_no_signal_and_one_without_the_method_an_error() -> None:
    view = View.of(MARKET[:1], now={"vwap": 1.0}, before={})

    verdict = build_strategy(Levelless, {}).trade(Side.BUY, view, reasons=("reason.x",))

    assert verdict == NoSignal(("why.stop_too_far",))
    with pytest.raises(NotImplementedError, match=r"above_vwap\.levels is not written"):
        build_strategy(Unwritten, {}).trade(Side.BUY, view, reasons=("reason.x",))


def test_any_function_and_any_column_of_ta_lib_can_be_used() -> None:
    columns = columns_of(MARKET[:60])
    for name, inputs in (("SMA", ("volume",)), ("OBV", ("close", "volume"))):
        settings = {"timeperiod": 20} if name == "SMA" else {}
        expected = getattr(talib, name)(*(getattr(columns, column) for column in inputs), **settings)
        indicator = Classic(name, inputs, **settings)

        assert indicator.open_and_fill(MARKET[:60])[19:] == expected[19:].tolist()
        assert indicator.array(columns)[19:].tolist() == expected[19:].tolist()
        assert indicator.peek(MARKET[60]) == indicator.update(MARKET[60])


def test_a_signal_of_the_market_enters_at_the_close() -> None:
    place, signal = next(StrategyRun(build_strategy(AboveVwap, {})).signals(columns_of(MARKET)))

    assert isinstance(signal, Signal)
    assert (signal.entry, signal.stop_distance, signal.rr) == (MARKET[place].close, pytest.approx(2.0), 1.5)
