"""Walking forward: windows that follow each other, nothing seen before its time, and what is kept of what was found."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.__main__ import app
from research.backtest import TooShortError, run_backtest
from research.search.asking import Question
from research.search.splits import Unseen
from research.search.trials import Ending, Outcome
from research.trades import Trade
from research.walkforward import DAY_MS, Step, Window, efficiency, joined, walk, windows_of
from research.walkforward_page import page
from tests.research.builders import rules
from tests.research.test_optimize import SPACE
from tests.research.walks import a_crossing, a_market, a_walk, write_candles

MARKET = a_market(4_000)


def a_question(**changes: Any) -> Question:
    asked = {
        "named": {"strategy": "crossing", "version": "1.0.0", "interval": "M1"}, "build": a_crossing, "space": SPACE,
        "market": MARKET, "rules": rules(), "fewest": 5, "trials": 8, "unseen_share": 0.0,
    }  # fmt: skip
    return Question(**asked | changes)


def a_step(*, trained: float, tested: float, train_days: int, test_days: int) -> Step:
    window = Window(1, 0, train_days * DAY_MS, (train_days + test_days) * DAY_MS)
    best = Outcome(index=0, parameters={}, ending=Ending.COMPLETE, value=2.0, pnl=trained)
    return Step(window, best, Unseen(1.0, 10, tested), ())


def test_stretches_out_of_sample_follow_each_other_without_a_gap() -> None:
    windows = windows_of(MARKET.candles, first=0, train=1_000, test=500, anchored=False)

    assert len(windows) == 6
    assert [one.at_ms for one in windows[1:]] == [one.until_ms for one in windows[:-1]]
    assert windows[-1].until_ms == int(MARKET.candles.end_ms[-1])


def test_rolling_windows_keep_their_length_and_anchored_ones_grow() -> None:
    rolling, anchored = (
        windows_of(MARKET.candles, first=0, train=1_000, test=500, anchored=anchored) for anchored in (False, True)
    )

    assert {one.at_ms - one.from_ms for one in rolling} == {1_000 * 60_000}
    assert {one.from_ms for one in anchored} == {int(MARKET.candles.open_time_s[0]) * 1000}
    assert [one.at_ms for one in anchored] == [one.at_ms for one in rolling]


def test_without_lengths_there_are_five_steps() -> None:
    windows = windows_of(MARKET.candles, first=0, train=None, test=None, anchored=False)

    assert len(windows) == 5
    assert windows[0].train_days == pytest.approx(3 * windows[0].test_days)


@pytest.mark.parametrize(("train", "test"), [(3_900, 200), (5_000, None), (None, 2_000)])
def test_windows_that_do_not_fit_are_refused(train: int | None, test: int | None) -> None:
    with pytest.raises(TooShortError, match="do not fit"):
        windows_of(MARKET.candles, first=0, train=train, test=test, anchored=False)


def test_each_step_tries_what_it_found_on_what_comes_next() -> None:
    windows = windows_of(MARKET.candles, first=0, train=2_000, test=1_000, anchored=False)

    first, second = walk(a_question(), windows)

    for step in (first, second):
        assert step.best is not None
        asked = rules(from_ms=step.window.at_ms, until_ms=step.window.until_ms)
        whole = run_backtest(a_crossing(step.best.parameters), MARKET, asked).trades
        assert step.trades == tuple(trade for trade in whole if trade.closed_ms <= step.window.until_ms)
        assert all(step.window.at_ms <= trade.opened_ms < step.window.until_ms for trade in step.trades)


def test_the_future_changes_nothing_that_was_found_before_it() -> None:
    windows = windows_of(MARKET.candles, first=0, train=2_000, test=1_000, anchored=False)
    bent = replace(MARKET, candles=replace(MARKET.candles, close=MARKET.candles.close.copy()))
    bent.candles.close[2_000:] = bent.candles.low[2_000:]

    usual, other = (next(walk(a_question(market=market), windows)) for market in (MARKET, bent))

    assert usual.best == other.best
    assert usual.trades != other.trades


def test_efficiency_is_the_share_of_the_daily_result_that_is_kept() -> None:
    steps = [
        a_step(trained=60.0, tested=10.0, train_days=6, test_days=2),
        a_step(trained=20.0, tested=0.0, train_days=2, test_days=2),
    ]

    assert efficiency(steps) == pytest.approx((10 / 4) / (80 / 8))


def test_without_a_win_in_sample_there_is_no_efficiency() -> None:
    assert efficiency([a_step(trained=-5.0, tested=9.0, train_days=3, test_days=1)]) is None


def test_steps_are_joined_into_one_row_of_trades() -> None:
    windows = windows_of(MARKET.candles, first=0, train=2_000, test=500, anchored=False)
    steps = list(walk(a_question(), windows))

    summary = joined(steps, MARKET)

    trades: list[Trade] = [trade for step in steps for trade in step.trades]
    assert summary.trades == len(trades) > 0
    assert summary.pnl == sum(trade.pnl for trade in trades)


def test_a_step_without_a_verdict_is_told_and_passed_over() -> None:
    windows = windows_of(MARKET.candles, first=0, train=2_000, test=1_000, anchored=False)

    steps = list(walk(a_question(fewest=10_000), windows))

    assert [step.best for step in steps] == [None, None]
    html = page(a_question(fewest=10_000), steps, joined(steps, MARKET), "walk.csv")
    assert "Step 1: no trial made enough trades" in html


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["walkforward", *map(str, words)])


@pytest.fixture(scope="module")
def candle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candles(a_walk(3_000), tmp_path_factory.mktemp("walk") / "walk.csv")


def test_the_verb_sets_both_sides_of_each_step_beside_each_other(candle_file: Path, tmp_path: Path) -> None:
    result = run(
        "--strategy", "ema_cross:M1", "--search", "fast,stop_percent=0.1:0.4:0.1", "--params", "target_percent=0.3",
        "--candles", candle_file, "--trials", 4, "--min-trades", 3, "--jobs", 1, "--json", "-",
        "--html", tmp_path / "a.html",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert len(document["steps"]) == 5
    assert all({"in_sample", "out_of_sample", "parameters"} <= step.keys() for step in document["steps"])
    assert document["out_of_sample"]["trades"] == sum(step["out_of_sample"]["trades"] for step in document["steps"])
    assert "default-src 'none'" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--train", "0"), "--train 0"),
        (("--test", "-4"), "--test -4"),
        (("--train", "2999", "--test", "100"), "do not fit"),
        (("--objective", "luck"), "--objective luck"),
        (("--strategy", "nobody"), "nobody"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(candle_file: Path, words: tuple[str, ...], told: str) -> None:
    usual = {"--strategy": "ema_cross:M1", "--candles": str(candle_file), "--trials": "2", "--jobs": "1"}
    given = dict(zip(words[::2], words[1::2], strict=True))

    result = run(*(word for pair in (usual | given).items() for word in pair))

    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
