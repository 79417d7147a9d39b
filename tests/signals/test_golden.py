"""The strategy agrees with the published vectors in every value."""

import json
from typing import Any

import pytest

from contracts.messages import Mode
from services.signals.domain.opinion import Signal
from services.signals.domain.strategy import build_strategy
from services.signals.domain.trend_pullback import TrendPullback
from services.signals.domain.view import View
from tests.shared import shared_path
from tests.signals.builders import golden_series

WITHIN = 1e-6


def vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shared_path("golden/trend_pullback.json").read_text())
    assert found
    return found


def evaluate(vector: dict[str, Any]) -> Any:
    window = golden_series(vector["end"], sign=vector["sign"])[-100:]
    return build_strategy(TrendPullback, {}).evaluate(View.of(window))


def test_indicators_agree_with_the_golden_vectors() -> None:
    for vector in vectors():
        indicators = evaluate(vector).indicators

        assert indicators == pytest.approx(vector["ind"], abs=WITHIN, rel=0)


@pytest.mark.parametrize("mode", list(Mode))
def test_signals_agree_with_the_golden_vectors(mode: Mode) -> None:
    for vector in vectors():
        verdict = evaluate(vector).verdict(mode)

        expected = vector["signal"][mode]
        assert isinstance(verdict, Signal) == (expected is not None)
        if isinstance(verdict, Signal):
            assert verdict.side == expected["side"]
            told = {name: getattr(verdict, name) for name in ("stop", "target", "rr", "strength")}
            assert told == pytest.approx({name: expected[name] for name in told}, abs=WITHIN, rel=0)
