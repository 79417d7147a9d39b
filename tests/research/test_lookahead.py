"""The look-ahead check: planted peeks are caught, each by the probe that is made for it; shipped strategies pass."""

import csv
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from cli.__main__ import app
from contracts.messages import Interval, Side
from research.lookahead.futures import bent, cut, moved, moved_by_s
from research.lookahead.probes import Report, Suspect, examine, places_of
from research.lookahead.recursion import recursion
from research.lookahead.sayings import Probe, in_columns
from research.market import Candles
from services.signals.domain.arrays import Arrays
from services.signals.domain.built_in import BUILT_IN
from services.signals.domain.candle import Candle
from services.signals.domain.classic import Columnar, Ema
from services.signals.domain.columns import Columns
from services.signals.domain.indicator import Indicator
from services.signals.domain.opinion import NoSignal, Signal
from services.signals.domain.strategy import Strategy, build_strategy
from services.signals.domain.view import View
from tests.research.builders import NoParameters
from tests.research.crossing import Crossing
from tests.research.walks import a_crossing, a_walk, write_candles

WALK = a_walk(3_000, sigma=0.001)
NOTHING = NoSignal(("why.nothing",))


class Seer(Strategy[NoParameters]):
    """Buys before a rise that it should not know of; how it knows is its children's secret."""

    INTERFACE_VERSION: ClassVar[int] = 2
    name: ClassVar[str] = "seer"
    version: ClassVar[str] = "1.0.0"
    intervals: ClassVar[tuple[Interval, ...]] = (Interval.M1,)
    candles_needed: ClassVar[int] = 20
    window_length: ClassVar[int] = 1
    parameters_type: ClassVar[type] = NoParameters

    def buy(self, view: View) -> Signal:
        entry = view.candle.close
        return Signal(
            side=Side.BUY, entry=entry, stop=entry - 5, target=entry + 5, rr=1.0, strength=0.5, reasons=("reason.seen",)
        )

    def evaluate(self, view: View) -> Signal | NoSignal:
        later = self.later(view)
        return self.buy(view) if later is not None and later > view.candle.close + 3 else NOTHING

    def later(self, view: View) -> float | None:
        raise NotImplementedError


class Centred(Columnar[float]):
    """An average of two candles behind, this one, and two ahead: over whole columns it can, candle by candle not."""

    memory = None
    value = 0.0

    def reset(self) -> None:
        self.value = 0.0

    def update(self, point: Candle) -> float:
        self.value = point.close
        return self.value

    def peek(self, point: Candle) -> float:
        return point.close

    def fill_columns(self, columns: Columns, *, count: int) -> Sequence[float]:
        padded = np.concatenate([columns.close[:1]] * 2 + [columns.close] + [columns.close[-1:]] * 2)
        averages: list[float] = np.convolve(padded, np.ones(5) / 5, "valid").tolist()
        return averages[-count:]


class CentredAverage(Seer):
    """Peek 1: an array worked out beforehand, over the future too."""

    def indicators(self) -> Mapping[str, Indicator[Candle, Any]]:
        return {"centred": Centred()}

    def later(self, view: View) -> float | None:
        return float(view.now.centred) + 1.5


REMEMBERED: dict[int, float] = {}


class Memory(Seer):
    """Peek 2: a global that an earlier run has filled."""

    def later(self, view: View) -> float | None:
        REMEMBERED[view.candle.open_time_s] = view.candle.close
        return REMEMBERED.get(view.candle.open_time_s + 180)


class FileOfTheFuture(Seer):
    """Peek 3: a file of what came later, opened while it judges."""

    path: ClassVar[Path]

    def later(self, view: View) -> float | None:
        with self.path.open(newline="") as stream:
            known = {int(row["epoch_s"]): float(row["close"]) for row in csv.DictReader(stream)}
        return known.get(view.candle.open_time_s + 180)


class TableOfTheFuture(Seer):
    """Peek 4: the same, read before anybody looked."""

    known: ClassVar[dict[int, float]] = {}

    def later(self, view: View) -> float | None:
        return self.known.get(view.candle.open_time_s + 180)


class Rummager(Seer):
    """Peek 5: it takes the candles out of the view's private parts."""

    def later(self, view: View) -> float | None:
        rows, place = view._rows, view._place
        return float(rows[place + 3].close) if place + 3 < len(rows) else None


class ClockWatcher(Seer):
    """Knows by the machine's clock where on the tape it is."""

    def later(self, view: View) -> float | None:
        return view.candle.close + (5 if int(time.time() // 86_400) % 7 == view.candle.open_time_s // 60 % 7 else 0)


class Make:
    """Makes one kind of strategy; unlike a closure it can be sent to a process."""

    def __init__(self, kind: type[Strategy[Any]]) -> None:
        self._kind = kind

    def __call__(self, parameters: Mapping[str, Any]) -> Strategy[Any]:
        return build_strategy(self._kind, parameters, Interval.M1)


def reports(kind: type[Strategy[Any]], candles: Candles = WALK) -> dict[Probe, Report]:
    return {report.probe: report for report in examine(Suspect(Make(kind), {}, candles, cuts=30))}


def test_a_centred_average_is_caught_by_a_cut_future() -> None:
    found = reports(CentredAverage)

    assert found[Probe.CUT].findings
    assert found[Probe.BENT].findings
    assert found[Probe.FED].findings
    assert not found[Probe.AGAIN].findings


def test_a_finding_names_the_candle_and_the_signal_that_changed() -> None:
    whole = in_columns(build_strategy(CentredAverage, {}), WALK)

    finding = next(one for one in reports(CentredAverage)[Probe.CUT].findings if one.got == "no signal")

    assert finding.open_time_s in whole
    assert finding.expected.startswith("BUY at ")


def test_a_memory_of_an_earlier_run_is_caught_by_the_same_run_again() -> None:
    REMEMBERED.clear()

    found = reports(Memory)

    assert found[Probe.AGAIN].findings
    assert not found[Probe.DOORS].findings


def test_a_file_of_the_future_is_caught_at_the_door(tmp_path: Path) -> None:
    FileOfTheFuture.path = write_candles(a_walk(300, sigma=0.001), tmp_path / "future.csv")

    found = reports(FileOfTheFuture, a_walk(300, sigma=0.001))

    assert [one.got for one in found[Probe.DOORS].findings] == [f"opened the file {FileOfTheFuture.path}"]
    assert found[Probe.MOVED].findings


def test_a_table_of_the_future_is_caught_when_the_market_is_moved() -> None:
    TableOfTheFuture.known = dict(zip(WALK.open_time_s.tolist(), WALK.close.tolist(), strict=True))

    found = reports(TableOfTheFuture)

    assert found[Probe.MOVED].findings
    assert not found[Probe.CUT].findings, "the data ends, its table does not: no cut shows it"


def test_a_hand_in_the_view_is_caught_by_a_cut_future() -> None:
    found = reports(Rummager)

    assert found[Probe.CUT].findings
    assert found[Probe.FED].findings


def test_a_look_at_the_clock_is_caught_by_a_wrong_one() -> None:
    found = reports(ClockWatcher)

    assert found[Probe.CLOCK].findings
    assert not found[Probe.CUT].findings


class Raiser(Seer):
    """Fails where candles end, instead of saying nothing."""

    def later(self, view: View) -> float | None:
        return float(view._rows[view._place + 1].close)

    def evaluate(self, view: View) -> Signal | NoSignal:
        is_last_of_all = view.candle.open_time_s == WALK.open_time_s[-1]
        return NOTHING if is_last_of_all else super().evaluate(view)


def test_a_strategy_that_fails_without_a_future_is_a_finding_not_a_crash() -> None:
    found = reports(Raiser)

    assert any(one.got.startswith("raised IndexError") for one in found[Probe.CUT].findings)


class Blind(Crossing):
    """Its columns hide what it says."""

    def sides(self, columns: Columns, values: Arrays) -> NDArray[np.int8]:
        return np.zeros(len(columns.close), np.int8)


def test_columns_that_hide_signals_are_found() -> None:
    assert reports(Blind)[Probe.COLUMNS].findings


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_shipped_strategies_see_closed_candles_only(name: str) -> None:
    candles = a_walk(1_500, sigma=0.001, flat=0.1)

    found = reports(BUILT_IN[name], candles)

    assert {probe: report.findings for probe, report in found.items() if report.findings} == {}


def test_half_of_the_cuts_fall_on_signals() -> None:
    suspect = Suspect(a_crossing, {"stop_percent": 0.2}, WALK, cuts=40)
    whole = in_columns(suspect.strategy(), WALK)

    places = places_of(suspect, whole)

    on_signals = sum(int(WALK.open_time_s[place]) in whole for place in places)
    assert min(20, len(whole)) <= on_signals < len(places) <= 40


def test_a_cut_future_ends_and_a_bent_one_goes_on_elsewhere() -> None:
    place = 1_000

    assert len(cut(WALK, place)) == place + 1
    other = bent(WALK, place, seed=1)
    other.check()
    assert (other.close[: place + 1] == WALK.close[: place + 1]).all()
    assert (other.close[place + 1 :] != WALK.close[place + 1 :]).mean() > 0.99
    assert other.open[place + 1] == WALK.close[place]


@pytest.mark.parametrize("interval", Interval)
def test_a_moved_market_keeps_hours_weekdays_and_seeds(interval: Interval) -> None:
    candles = Candles(
        interval, *(getattr(WALK, name) for name in ("open_time_s", "open", "high", "low", "close", "volume"))
    )

    assert moved_by_s(candles) % (7 * 86_400) == 0
    assert (moved(candles).open_time_s - candles.open_time_s == moved_by_s(candles)).all()


def test_a_strategy_says_the_same_of_a_moved_market() -> None:
    candles = a_walk(6_000)
    by_s = moved_by_s(candles)

    later = in_columns(a_crossing({}), moved(candles))

    assert {time_s - by_s: said for time_s, said in later.items()} == in_columns(a_crossing({}), candles)


class Hasty(Crossing):
    """Speaks long before its averages have forgotten where they began."""

    candles_needed: ClassVar[int] = 125

    def indicators(self) -> Mapping[str, Indicator[Candle, Any]]:
        return {"fast": Ema(20), "slow": Ema(120), "strength": super().indicators()["strength"]}


def test_the_history_that_an_average_needs_is_told() -> None:
    found = recursion(Suspect(Make(Hasty), {}, a_walk(6_000)))

    assert found is not None
    slow = found.differences["slow"]
    assert slow[0] is not None
    assert slow[0] > 1e-5
    assert found.lengths[0] == 125
    assert (found.needed("slow") or 0) > (found.needed("fast") or 0) >= 125
    assert found.is_settled


def test_a_history_too_short_to_try_has_no_verdict() -> None:
    assert recursion(Suspect(a_crossing, {}, a_walk(120))) is None


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["lookahead", *map(str, words)])


@pytest.fixture(scope="module")
def candle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candles(a_walk(800, sigma=0.001), tmp_path_factory.mktemp("walk") / "walk.csv")


def test_the_verb_passes_a_clean_strategy(candle_file: Path) -> None:
    result = run("--strategy", "ema_cross:M1", "--candles", candle_file, "--cuts", 10, "--json", "-")

    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["clean"] is True
    assert {one["probe"] for one in document["probes"]} == set(Probe)


PLUG_IN = '''
"""A plug-in that remembers what it saw."""
from dataclasses import dataclass
from contracts.messages import Interval, Side
from services.signals.domain.opinion import NoSignal, Signal
from services.signals.domain.strategy import Strategy

SEEN = {}

@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    pass

class Rememberer(Strategy[Parameters]):
    INTERFACE_VERSION = 2
    name, version, intervals = "rememberer", "1.0.0", (Interval.M1,)
    candles_needed = 10
    parameters_type = Parameters

    def evaluate(self, view):
        candle = view.candle
        SEEN[candle.open_time_s] = candle.close
        later = SEEN.get(candle.open_time_s + 300)
        if later is None or later < candle.close + 2:
            return NoSignal(("why.nothing",))
        return Signal(side=Side.BUY, entry=candle.close, stop=candle.close - 5, target=candle.close + 5, rr=1.0,
                      strength=0.5, reasons=("reason.seen",))
'''


def test_the_verb_tells_what_gives_a_plug_in_away(
    candle_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rememberer.py").write_text(PLUG_IN)
    monkeypatch.setenv("SINYAL_SIGNALS_STRATEGY_FOLDER", str(tmp_path))

    result = run("--strategy", "rememberer", "--candles", candle_file, "--cuts", 10)

    assert result.exit_code == 1, result.output
    assert "the same run again: 20" in result.stdout
    assert "Not clean" in result.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--strategy", "nobody"), "nobody"),
        (("--cuts", "0"), "--cuts 0"),
        (("--last", "0"), "--last 0"),
        (("--candles", "nowhere.csv"), "nowhere.csv"),
        (("--last", "50"), "50"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(candle_file: Path, words: tuple[str, ...], told: str) -> None:
    usual = {"--strategy": "ema_cross:M1", "--candles": str(candle_file)}
    given = dict(zip(words[::2], words[1::2], strict=True))

    result = run(*(word for pair in (usual | given).items() for word in pair))

    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
