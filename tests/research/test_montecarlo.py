"""What chance could have made of a backtest."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from cli.__main__ import app
from research.montecarlo import (
    PERCENTILES,
    Chance,
    NoisyRun,
    by_noise,
    noisy_run,
    observed,
    reordered,
    with_noise,
)
from research.montecarlo_page import page
from tests.research.builders import rules
from tests.research.walks import a_crossing, a_market, a_tape, a_walk, write_candles

PNLS = [3.0, -1.0, 2.0, -2.5, 4.0, -1.0, -1.0, 2.0]
pnl_lists = st.lists(st.integers(-500, 500).map(lambda cents: cents / 100), min_size=1, max_size=40)


def test_what_was_observed_is_added_up_by_hand() -> None:
    seen = observed([3.0, -1.0, -2.5, 4.0])

    assert seen.equity == (0.0, 3.0, 2.0, -0.5, 3.5)
    assert (seen.final, seen.drawdown) == (3.5, 3.5)


@given(pnls=pnl_lists)
def test_shuffled_trades_end_where_they_ended(pnls: list[float]) -> None:
    cloud = reordered(pnls, Chance.SHUFFLED, runs=50, seed=1)

    assert set(cloud.final.tolist()) == {round(sum(pnls), 2) + 0.0}
    assert (cloud.drawdown >= max(0.0, -round(sum(pnls), 2)) - 1e-9).all()


@given(pnls=pnl_lists)
def test_drawn_trades_stay_between_the_best_and_the_worst(pnls: list[float]) -> None:
    cloud = reordered(pnls, Chance.DRAWN, runs=50, seed=1)

    assert (cloud.final <= len(pnls) * max(pnls) + 1e-6).all()
    assert (cloud.final >= len(pnls) * min(pnls) - 1e-6).all()


def test_the_middle_of_drawn_trades_is_what_was_observed() -> None:
    cloud = reordered(PNLS * 20, Chance.DRAWN, runs=4_000, seed=1)

    spread = np.std(PNLS) * np.sqrt(len(PNLS) * 20)
    assert abs(cloud.final.mean() - sum(PNLS) * 20) < 4 * spread / np.sqrt(4_000)
    assert cloud.final.std() == pytest.approx(spread, rel=0.05)


def test_bands_hold_the_share_that_they_say() -> None:
    cloud = reordered(PNLS * 10, Chance.DRAWN, runs=2_000, seed=1)

    assert cloud.bands is not None
    assert (np.diff(cloud.bands.equity, axis=0) >= 0).all()
    low, high = cloud.bands.equity[0, -1], cloud.bands.equity[-1, -1]
    inside = ((cloud.final >= low) & (cloud.final <= high)).mean()
    assert inside == pytest.approx((PERCENTILES[-1] - PERCENTILES[0]) / 100, abs=0.02)


@pytest.mark.parametrize("chance", [Chance.SHUFFLED, Chance.DRAWN])
def test_the_same_seed_gives_the_same_numbers(chance: Chance) -> None:
    first, again, other = (reordered(PNLS, chance, runs=200, seed=seed) for seed in (1, 1, 2))

    assert (first.drawdown == again.drawdown).all()
    assert (first.drawdown != other.drawdown).any()


@pytest.mark.parametrize("market", [a_market(300), a_tape(300)], ids=["candles", "tape"])
def test_a_noisy_market_is_a_market(market) -> None:
    noisy = with_noise(market, share=0.5, digits=2, seed=1, run=0)

    noisy.candles.check()
    assert (noisy.candles.open_time_s == market.candles.open_time_s).all()
    assert (noisy.candles.close != market.candles.close).mean() > 0.8
    moved = (noisy.candles.close - market.candles.close).std()
    reach = float((market.candles.high - market.candles.low).mean())
    assert 0.3 * reach < moved < 0.6 * reach


def test_noisy_quotes_keep_their_spread() -> None:
    market = a_tape(300)

    noisy = with_noise(market, share=0.5, digits=2, seed=1, run=0)

    assert noisy.ticks is not None
    assert market.ticks is not None
    assert np.allclose(noisy.ticks.ask - noisy.ticks.bid, market.ticks.ask - market.ticks.bid, atol=1e-6)


def test_no_noise_changes_nothing() -> None:
    market = a_market(300)

    same = with_noise(market, share=0.0, digits=2, seed=1, run=0)

    assert all(
        (getattr(same.candles, name) == getattr(market.candles, name)).all()
        for name in ("open", "high", "low", "close")
    )


def near(_parameters: object = None):
    return a_crossing({"stop_percent": 0.1, "target_percent": 0.2})


def test_runs_differ_by_their_number_and_by_nothing_else() -> None:
    market = a_market(2_000)

    first, again, other = (noisy_run(near, market, rules(), 0.3, 1, run) for run in (0, 0, 1))

    assert first == again
    assert (first.final, first.trades) != (other.final, other.trades)


def test_noisy_runs_are_gathered_in_whatever_order_they_finish() -> None:
    runs = [NoisyRun(2, 3.0, 1.0, 9), NoisyRun(0, -1.0, 2.0, 8), NoisyRun(1, 2.0, 0.0, 7)]

    cloud = by_noise(runs)

    assert cloud.final.tolist() == [-1.0, 2.0, 3.0]
    assert cloud.chance_of_loss == pytest.approx(1 / 3)


def test_the_page_draws_every_chance() -> None:
    clouds = [reordered(PNLS * 5, chance, runs=100, seed=1) for chance in (Chance.SHUFFLED, Chance.DRAWN)]
    named = {"strategy": "crossing", "version": "1", "interval": "M1", "symbol": "XAUUSD", "noise": "10%", "seed": "1"}

    html = page(named, observed(PNLS * 5), [*clouds, by_noise([NoisyRun(0, 1.0, 1.0, 5)])], "walk.csv")

    for plot in ("fan-shuffled", "fan-drawn", "drawdown-drawn", "final-noise"):
        assert f'id="{plot}"' in html


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["montecarlo", *map(str, words)])


@pytest.fixture(scope="module")
def candle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candles(a_walk(2_000), tmp_path_factory.mktemp("walk") / "walk.csv")


NEAR = ("--strategy", "ema_cross:M1", "--params", "stop_percent=0.1,target_percent=0.2")


def test_the_verb_tells_percentiles_the_same_with_one_worker_and_two(candle_file: Path) -> None:
    words = (*NEAR, "--candles", candle_file, "--runs", 200, "--noise-runs", 3, "--json", "-", "--jobs")

    one, two = (json.loads(run(*words, jobs).stdout) for jobs in (1, 2))

    assert one == two
    assert set(one["chances"]) == {"shuffled", "drawn", "noise"}
    assert one["chances"]["shuffled"]["pnl"] == [one["observed"]["pnl"]] * len(PERCENTILES)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--runs", "5"), "--runs 5"),
        (("--noise", "7"), "--noise 7"),
        (("--noise-runs", "-1"), "--noise-runs -1"),
        (("--params", "stop_percent=3,target_percent=6"), "trades"),
        (("--strategy", "nobody"), "nobody"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(candle_file: Path, words: tuple[str, ...], told: str) -> None:
    usual = dict(zip(NEAR[::2], NEAR[1::2], strict=True)) | {"--candles": str(candle_file), "--jobs": "1"}
    given = dict(zip(words[::2], words[1::2], strict=True))

    result = run(*(word for pair in (usual | given).items() for word in pair))

    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
