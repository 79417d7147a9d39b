"""The plan of a trade: how many targets it has, and what moves its stop. Every part is a switch with a name.

A plan is written as its switches joined by `+` (`single+break_even+trailing`, `three+limit:3600`): so it lies in the
store, and so a person gives it. Source of all figures: product specification, section 4, "Exits per tick".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from contracts.messages import Side
from services.positions.domain.course import Course, Trail
from services.positions.domain.instrument import Instrument

BREAK_EVEN_R = 0.5
TRAILING_FROM_R = 1.0
TRAILING_PIPS = 5.0
TRAILING_STEP_PIPS = 1.0
TIGHTEN_AT_R = 0.5
"""How far against the trade the price goes before the stop is tightened."""
TIGHTEN_TO_R = 0.5
"""Half the distance that the stop began with."""
LONGEST_LIMIT_S = 30 * 24 * 3600


class UnknownPlanError(ValueError):
    """These words are no plan."""


class Targets(StrEnum):
    """How many targets a trade has."""

    SINGLE = "single"
    THREE = "three"


@dataclass(frozen=True, slots=True)
class Part:
    """One target: its distance from the entry in R (None: where the signal put it), and the share closed there."""

    r: float | None
    share: Decimal


PARTS: Mapping[Targets, tuple[Part, ...]] = {
    Targets.SINGLE: (Part(None, Decimal(1)),),
    Targets.THREE: (Part(1.0, Decimal("0.40")), Part(1.5, Decimal("0.35")), Part(2.5, Decimal("0.25"))),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The switches of one trade. `time_limit_s` is in market seconds; None: no limit."""

    targets: Targets = Targets.SINGLE
    break_even: bool = True
    trailing: bool = True
    tightening: bool = False
    time_limit_s: int | None = None

    @property
    def shares(self) -> tuple[Decimal, ...]:
        """Which share is closed at each target, nearest first; they add up to one."""
        return tuple(part.share for part in PARTS[self.targets])

    def __str__(self) -> str:
        names = ("break_even", "trailing", "tightening")
        words = [self.targets.value, *(name for name in names if getattr(self, name))]
        return "+".join(words if self.time_limit_s is None else [*words, f"limit:{self.time_limit_s}"])


PLAIN = Plan(break_even=False, trailing=False)
"""One target, one stop, and nothing moves."""
STANDARD = Plan()
SCALED = Plan(targets=Targets.THREE)
PLANS: Mapping[str, Plan] = {"plain": PLAIN, "standard": STANDARD, "scaled": SCALED}
"""Plans that have a name of their own."""


@dataclass(frozen=True, slots=True)
class PlanRule:
    """The plan of each strategy: its own, else that of all."""

    default: Plan = STANDARD
    by_strategy: Mapping[str, Plan] = field(default_factory=dict)

    def of(self, strategy: str) -> Plan:
        """Tell the plan of a strategy."""
        return self.by_strategy.get(strategy, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a subscriber chose; None leaves a switch to the strategy's own plan. A limit of 0 switches it off."""

    targets: Targets | None = None
    break_even: bool | None = None
    trailing: bool | None = None
    tightening: bool | None = None
    time_limit_s: int | None = None

    def over(self, plan: Plan) -> Plan:
        """Lay the choices over a plan."""
        names = ("targets", "break_even", "trailing", "tightening", "time_limit_s")
        chosen = {name: value for name in names if (value := getattr(self, name)) is not None}
        if chosen.get("time_limit_s") == 0:
            chosen["time_limit_s"] = None
        return replace(plan, **chosen)


def read_plan(text: str) -> Plan:
    """Read a plan as it is written, or by its name.

    Raises:
        UnknownPlanError: names the word that is none of a plan.
    """
    if text in PLANS:
        return PLANS[text]
    plan = PLAIN
    for word in text.split("+"):
        plan = _with(plan, word.strip())
    return plan


def _with(plan: Plan, word: str) -> Plan:
    name, _, value = word.partition(":")
    if not value and name in tuple(Targets):
        return replace(plan, targets=Targets(name))
    if word == "break_even":
        return replace(plan, break_even=True)
    if word == "trailing":
        return replace(plan, trailing=True)
    if word == "tightening":
        return replace(plan, tightening=True)
    if name == "limit" and value.isdecimal() and 0 < int(value) <= LONGEST_LIMIT_S:
        return replace(plan, time_limit_s=int(value))
    known = ", ".join([*PLANS, *Targets, "break_even", "trailing", "tightening", "limit:<seconds>"])
    raise UnknownPlanError(f"{word!r} is no part of a plan: {known}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """The prices a trade stands between; `entry` is what it opened at."""

    side: Side
    entry: float
    initial_stop: float

    @property
    def risk(self) -> float:
        """R as a distance in price."""
        return abs(self.entry - self.initial_stop)

    def at_r(self, r: float, instrument: Instrument) -> float:
        """Tell the price that lies `r` times the risk in favour of the trade (negative: against it)."""
        return instrument.rounded(self.entry + self.side.sign * r * self.risk)


def targets_of(plan: Plan, bracket: Bracket, instrument: Instrument, signal_target: float) -> tuple[float, ...]:
    """Tell the targets of a plan, nearest first. A risk too small for targets apart has the signal's one only."""
    prices = tuple(
        signal_target if part.r is None else bracket.at_r(part.r, instrument) for part in PARTS[plan.targets]
    )
    sign = bracket.side.sign
    is_apart = all((after - before) * sign > 0 for before, after in pairwise((bracket.entry, *prices)))
    return prices if is_apart else (signal_target,)


def reward_of(plan: Plan, signal_rr: float) -> float:
    """Tell R:R as planned: what all targets come to, by their shares."""
    return round(sum(float(part.share) * (signal_rr if part.r is None else part.r) for part in PARTS[plan.targets]), 2)


def course_of(plan: Plan, bracket: Bracket, instrument: Instrument, opened_ms: int) -> Course:
    """Work out a plan's distances as prices, for ticks to be held against."""
    trail = Trail(TRAILING_PIPS * instrument.pip, TRAILING_STEP_PIPS * instrument.pip, instrument.digits)
    return Course(
        entry=bracket.entry,
        break_even_at=bracket.at_r(BREAK_EVEN_R, instrument) if plan.break_even else None,
        is_break_even_after_target=plan.targets is Targets.THREE,
        trail=trail if plan.trailing else None,
        trail_from=bracket.at_r(TRAILING_FROM_R, instrument) if plan.trailing else None,
        tighten_at=bracket.at_r(-TIGHTEN_AT_R, instrument) if plan.tightening else None,
        tighten_to=bracket.at_r(-TIGHTEN_TO_R, instrument) if plan.tightening else None,
        deadline_ms=None if plan.time_limit_s is None else opened_ms + plan.time_limit_s * 1000,
    )
