"""On a day of real gold quotes the strategy says what the written rules say."""

import zipfile
from itertools import groupby
from pathlib import Path

import pytest

from contracts.messages import Mode
from services.signals.domain.candle import Candle
from services.signals.domain.opinion import NoSignal, Signal
from services.signals.domain.strategy import build_strategy
from services.signals.domain.trend_pullback import TrendPullback
from services.signals.domain.view import View
from tests.shared import shared_path
from tests.signals.plain_strategy import opinion


def minutes_of(path: Path) -> list[Candle]:
    """Fold rows `ms_of_day,bid,ask` into one-minute candles of the mid."""
    with zipfile.ZipFile(path) as archive:
        rows = [line.split(",") for line in archive.read(archive.namelist()[0]).decode().split()]
    mids = [(int(float(ms)) // 60_000 * 60, (float(bid) + float(ask)) / 2) for ms, bid, ask in rows]
    candles = []
    for open_time_s, group in groupby(mids, key=lambda pair: pair[0]):
        prices = [mid for _, mid in group]
        candles.append(Candle(open_time_s, prices[0], max(prices), min(prices), prices[-1], len(prices)))
    return candles


def told(verdict: Signal | NoSignal) -> tuple[object, ...] | None:
    if isinstance(verdict, NoSignal):
        return None
    return verdict.side, verdict.stop, verdict.target, verdict.rr, verdict.strength


def test_a_day_of_gold_is_judged_by_the_written_rules() -> None:
    candles = minutes_of(shared_path("data/xauusd/tick/20140506_quote.zip"))
    strategy = build_strategy(TrendPullback, {})
    raised = 0
    for end in range(100, len(candles) + 1, 3):
        window = candles[end - 100 : end]

        evaluation, expected = strategy.evaluate(View.of(window)), opinion(window)

        assert (evaluation.scores["BUY"], evaluation.scores["SELL"]) == (expected.buy, expected.sell)  # type: ignore[index]
        for mode, wanted in ((Mode.AUTO, expected.auto), (Mode.MANUAL, expected.manual)):
            got = told(evaluation.verdict(mode))
            assert got == (wanted if wanted is None else pytest.approx(wanted, abs=1e-6))
            raised += wanted is not None
    assert raised > 50
