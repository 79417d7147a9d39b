"""The probes, one after another, and their verdict."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from research.backtest import Span
from research.lookahead.doors import watched
from research.lookahead.futures import bent, cut, moved, moved_by_s
from research.lookahead.sayings import Finding, Probe, Said, Sayings, differing, in_columns, one_by_one, say
from research.lookahead.wrong_clock import in_fresh_process
from research.market import Candles
from research.vectorised import Reading
from services.signals.domain.strategy import Strategy

TAIL = 12
"""Candles that end with the one at which a future is changed: a strategy that peeks further ahead shows on all."""
MOST_TOLD = 50

Build = Callable[[Mapping[str, Any]], Strategy[Any]]


@dataclass(frozen=True, slots=True)
class Suspect:
    """What is examined. `cuts` places are tried, `seed` chooses them."""

    build: Build
    parameters: Mapping[str, Any]
    candles: Candles
    cuts: int = 100
    seed: int = 1

    def strategy(self) -> Strategy[Any]:
        """Make the strategy afresh."""
        return self.build(self.parameters)


@dataclass(frozen=True, slots=True)
class Report:
    """What one probe found. `comparisons` is the number of candles that were compared, `signals` that of the whole run:
    where there is none, nothing could have been found.
    """

    probe: Probe
    comparisons: int
    findings: tuple[Finding, ...]
    signals: int = 0


def examine(suspect: Suspect, told: Callable[[int, int], None] | None = None) -> Iterator[Report]:
    """Run every probe; yields the report of each. `told` hears how many are done, and of how many."""
    with watched() as opened:
        whole = in_columns(suspect.strategy(), suspect.candles)
    doors = tuple(Finding(Probe.DOORS, None, "nothing is opened", did) for did in opened)
    yield Report(Probe.DOORS, len(suspect.candles), doors, len(whole))
    probes = (_again, _fed, _cut, _bent, _moved, _columns, _clock)
    for done, probe in enumerate(probes, 1):
        report = probe(suspect, whole)
        if report is not None:
            yield replace(report, signals=len(whole))
        if told is not None:
            told(done, len(probes))


def _again(suspect: Suspect, whole: Sayings) -> Report:
    """Run again, the same object and a new one."""
    strategy = suspect.strategy()
    runs = [_caught(Probe.AGAIN, whole, lambda: in_columns(strategy, suspect.candles)) for _ in range(2)]
    return _report(Probe.AGAIN, 2 * len(suspect.candles), [finding for run in runs for finding in run])


def _fed(suspect: Suspect, whole: Sayings) -> Report:
    findings = _caught(Probe.FED, whole, lambda: one_by_one(suspect.strategy(), suspect.candles))
    return _report(Probe.FED, len(suspect.candles), findings)


def _cut(suspect: Suspect, whole: Sayings) -> Report:
    places = places_of(suspect, whole)
    findings: list[Finding] = []
    for place in places:
        findings += _tail(Probe.CUT, suspect, whole, place, cut(suspect.candles, place))
    return _report(Probe.CUT, len(places) * TAIL, findings)


def _bent(suspect: Suspect, whole: Sayings) -> Report:
    places = places_of(suspect, whole)
    findings: list[Finding] = []
    for place in places:
        findings += _tail(Probe.BENT, suspect, whole, place, bent(suspect.candles, place, suspect.seed))
    return _report(Probe.BENT, len(places) * TAIL, findings)


def _moved(suspect: Suspect, whole: Sayings) -> Report:
    by_s = moved_by_s(suspect.candles)

    def back() -> Sayings:
        later = in_columns(suspect.strategy(), moved(suspect.candles))
        return {time_s - by_s: said for time_s, said in later.items()}

    return _report(Probe.MOVED, len(suspect.candles), _caught(Probe.MOVED, whole, back))


def _clock(suspect: Suspect, whole: Sayings) -> Report:
    def run() -> Sayings:
        return in_fresh_process(suspect.build, suspect.parameters, suspect.candles)

    return _report(Probe.CLOCK, len(suspect.candles), _caught(Probe.CLOCK, whole, run))


def _columns(suspect: Suspect, whole: Sayings) -> Report | None:
    """Hold the search's view of whole columns to what is said candle by candle; None where there is no such view."""
    strategy, candles = suspect.strategy(), suspect.candles
    if type(strategy).sides is Strategy.sides:
        return None
    shown = set(Reading(strategy, candles).flagged(Span(0, len(candles))).tolist())
    times_s = candles.open_time_s.tolist()
    missed = [
        Finding(Probe.COLUMNS, time_s, say(said), "sides() shows nothing")
        for time_s, said in whole.items()
        if bisect_left(times_s, time_s) not in shown
    ]
    return _report(Probe.COLUMNS, len(suspect.candles), missed)


def places_of(suspect: Suspect, whole: Sayings) -> list[int]:
    """Choose candles to change the future at: half of them have a signal, the others are drawn from all."""
    candles = suspect.candles
    randomness = np.random.default_rng(suspect.seed)
    first = min(max(suspect.strategy().candles_needed - 1, 0), len(candles) - 1)
    spoken = [place for place in np.searchsorted(candles.open_time_s, sorted(whole)).tolist() if place >= first]
    few = min(len(spoken), suspect.cuts // 2)
    chosen = randomness.choice(spoken, few, replace=False).tolist() if few else []
    others = np.arange(first, len(candles))
    chosen += randomness.choice(others, min(len(others), suspect.cuts - few), replace=False).tolist()
    return sorted(set(chosen))


def _tail(probe: Probe, suspect: Suspect, whole: Sayings, place: int, other: Candles) -> list[Finding]:
    """Compare the last candles before the change. The whole run is looked at there alone."""
    first = max(0, place + 1 - TAIL)
    times_s = suspect.candles.open_time_s[first : place + 1].tolist()
    expected: dict[int, Said] = {time_s: whole[time_s] for time_s in times_s if time_s in whole}
    # Judged on to where the same stretch of the whole run went on, so that a peek ahead has something to see.
    last = place + 1 if probe is Probe.CUT else min(place + 1 + TAIL, len(other))

    def run() -> Sayings:
        said = in_columns(suspect.strategy(), other, first, last)
        return {time_s: it for time_s, it in said.items() if time_s <= times_s[-1]}

    return _caught(probe, expected, run, at_s=times_s[-1])


def _caught(probe: Probe, whole: Sayings, run: Callable[[], Sayings], at_s: int | None = None) -> list[Finding]:
    """Compare with a run that may fail where the first did not."""
    try:
        other = run()
    except Exception as e:  # noqa: BLE001  # a strategy is foreign code: whatever it raises here is a finding
        return [Finding(probe, at_s, "runs", f"raised {type(e).__name__}: {e}")]
    return differing(probe, whole, other)


def _report(probe: Probe, comparisons: int, findings: list[Finding]) -> Report:
    unique = dict.fromkeys(findings)
    return Report(probe, comparisons, tuple(unique))
