"""A whole search: from what was asked to what was found, and what that is worth on a span not seen before."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from research.market import Market
from research.search.objectives import Objective
from research.search.record import opened
from research.search.rounds import Rounds
from research.search.search import Found, Told, search
from research.search.spaces import Space
from research.search.splits import Split, Unseen, overfit_warnings, split_of, try_unseen
from research.search.trials import Build, Job, parts_of, run_trial
from research.search.workers import employed
from research.trades import Rules

PARTS = 5
"""Parts of the in-sample span; after each but the last a trial may be given up."""
SHOWN = 10
"""So many of the best are tried out of sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a search. `fewest` trades are needed in sample, their share of the span out of sample.

    `unseen_share` of the candles, the last ones, is put aside; 0 puts none aside. `named` tells people and the record
    what the strategy is.
    """

    named: Mapping[str, Any]
    build: Build
    space: Space
    market: Market
    rules: Rules
    objective: Objective = Objective.PROFIT_FACTOR
    fewest: int = 30
    trials: int = 100
    unseen_share: float = 0.3
    seed: int = 1
    prune: bool = True
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found: all outcomes, and what the best came to out of sample (in the order of the ranking)."""

    split: Split
    found: Found
    unseen: tuple[Unseen, ...]
    warnings: tuple[str, ...]


def answer(question: Question, study: Path | None = None, told: Told | None = None) -> Answer:
    """Search, and try the best out of sample.

    The record at `study` is gone on with; None keeps it in memory. The answer hangs on the question alone, not on
    workers, not on interruptions. Raises RecordError, TooShortError.
    """
    split = split_of(question.market, question.rules, question.unseen_share)
    job = job_of(question, split)
    rounds = Rounds(question.space, seed=question.seed, prune=question.prune)
    with (
        opened(study, terms_of(question, split), question.space.distributions) as record,
        employed(partial(run_trial, job), question.workers) as crew,
    ):
        found = search(rounds, record, crew, trials=question.trials, told=told)
    best = found.ranking[:SHOWN]
    if split.at_ms >= split.until_ms or not best:
        return Answer(split, found, (), ())
    unseen = try_unseen(job, best, split, fewest=fewest_unseen(question))
    return Answer(
        split, found, tuple(unseen), tuple(overfit_warnings(question.objective, best[0].value or 0.0, unseen[0]))
    )


def job_of(question: Question, split: Split) -> Job:
    """Put together what all trials share."""
    bounds_ms = tuple(parts_of(split.from_ms, split.at_ms, PARTS))
    return Job(question.build, question.market, question.rules, bounds_ms, question.objective, question.fewest)


def fewest_unseen(question: Question) -> int:
    """Scale the number of trades that is needed to the span that was put aside."""
    share = question.unseen_share
    return max(1, round(question.fewest * share / (1 - share)))


def terms_of(question: Question, split: Split) -> dict[str, Any]:
    """Write down everything that outcomes hang on, so that a record is gone on with by the same search alone.

    The number of trials is not among it: more may be asked for later.
    """
    rules = question.rules
    return {
        **question.named,
        "search": {name: repr(one) for name, one in sorted(question.space.distributions.items())},
        "held": dict(question.space.held),
        "market": fingerprint(question.market),
        "from": split.from_ms,
        "to": split.until_ms,
        "out of sample from": split.at_ms,
        "objective": question.objective.value,
        "fewest trades": question.fewest,
        "seed": question.seed,
        "prune": question.prune,
        "plan": str(rules.plan),
        "entry": rules.entry.value,
        "lots": str(rules.lots),
        "spread": rules.spread,
        "slippage": rules.slippage,
    }


def fingerprint(market: Market) -> str:
    """Tell markets apart by their numbers."""
    candles, ticks = market.candles, market.ticks
    columns = [candles.open_time_s, candles.open, candles.high, candles.low, candles.close, candles.volume]
    columns += [] if ticks is None else [ticks.epoch_ms, ticks.bid, ticks.ask]
    digest = hashlib.sha256(f"{market.symbol}:{candles.interval}".encode())
    for column in columns:
        digest.update(column.tobytes())
    return digest.hexdigest()[:16]
