"""The course of a trade, tick by tick: which targets it reaches, what stops it, and how its stop moves.

`step` is the whole rule, one position and one tick at a time: targets first, then the stop that was in force before
this tick, then the time limit, then adjustments, each only tighter. The level index decides the same for many at once
and is held to this by property tests. Source: product specification, section 4, "Exits per tick".

Prices here are signed so that the trade always hopes for a rise: those of a SELL are negative (`reach` is the
executable price in that sense). What a caller sees is never signed.
"""

from dataclasses import dataclass, field, replace

from contracts.messages import ExitReason, Side
from services.positions.domain.exits import Price


@dataclass(frozen=True, slots=True)
class Trail:
    """How a stop follows: `distance` behind the price, in moves of at least `step` (both in price)."""

    distance: float
    step: float
    digits: int

    def candidate(self, reach: float) -> float:
        """Tell where the stop would follow to."""
        return round(reach - self.distance, self.digits)

    def follows(self, stop: float, candidate: float) -> bool:
        """Tell whether the move is worth it."""
        return round(candidate - stop, self.digits) >= self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What moves the stop of one trade, as prices; None is switched off. `deadline_ms` is market time."""

    entry: float
    break_even_at: float | None = None
    is_break_even_after_target: bool = False
    trail: Trail | None = None
    trail_from: float | None = None
    tighten_at: float | None = None
    tighten_to: float | None = None
    deadline_ms: int | None = None


STILL = Course(entry=0.0)
"""Nothing moves."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A position as ticks see it: levels in force for ticks later than `in_force_ms` (market time).

    `target` is the nearest that is left, `later_targets` those behind it. `stop_reason` says what put the stop where
    it is, and so why the trade ends if it is crossed.
    """

    position_id: str
    side: Side
    stop: float
    target: float
    in_force_ms: int
    later_targets: tuple[float, ...] = ()
    course: Course = field(default=STILL)
    stop_reason: ExitReason = ExitReason.STOP

    @property
    def targets(self) -> tuple[float, ...]:
        """The targets that are left, nearest first."""
        return (self.target, *self.later_targets)


@dataclass(frozen=True, slots=True)
class TargetReached:
    """A target was reached; `is_last` ends the trade."""

    level: float
    is_last: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stop was crossed: the trade ends."""

    level: float
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The time limit was reached: the trade ends at the price of this tick."""

    level: float


@dataclass(frozen=True, slots=True)
class StopMoved:
    """The stop was tightened."""

    stop: float
    reason: ExitReason


Happening = TargetReached | Stopped | TimedOut | StopMoved
"""What a tick can do to a trade."""


def step(one: Followed, price: Price) -> tuple[Happening, ...]:
    """Tell what a tick does to a trade, in order; nothing where it is not later than the levels are in force."""
    if price.epoch_ms <= one.in_force_ms:
        return ()
    sign = one.side.sign
    reach = price.closing(one.side) * sign
    reached = _reached(one, reach)
    if reached and reached[-1].is_last:
        return reached
    if not reached and reach <= one.stop * sign:
        return (Stopped(one.stop, one.stop_reason),)
    deadline_ms = one.course.deadline_ms
    if deadline_ms is not None and price.epoch_ms >= deadline_ms:
        return (*reached, TimedOut(price.closing(one.side)))
    stop, reason = tightened(one, reach, is_target_reached=bool(reached))
    return reached if stop == one.stop else (*reached, StopMoved(stop, reason))


def _reached(one: Followed, reach: float) -> tuple[TargetReached, ...]:
    count = len(one.later_targets)
    if reach < one.target * one.side.sign:
        return ()
    return tuple(
        TargetReached(target, is_last=place == count)
        for place, target in enumerate(one.targets)
        if reach >= target * one.side.sign
    )


def tightened(one: Followed, reach: float, *, is_target_reached: bool) -> tuple[float, ExitReason]:
    """Tell where the stop is after a tick, and why: tightening, then break-even, then trailing, each only tighter.

    That trailing needs no memory of having begun rests on this: a stop can only follow to a price that is higher than
    the one at which it began.
    """
    course, sign = one.course, one.side.sign
    stop, reason = one.stop * sign, one.stop_reason
    if course.tighten_at is not None and course.tighten_to is not None and reach <= course.tighten_at * sign:
        stop = max(stop, course.tighten_to * sign)
    is_free = is_target_reached and course.is_break_even_after_target
    if course.break_even_at is not None and reach >= course.break_even_at * sign:
        is_free = True
    if is_free and course.entry * sign > stop:
        stop, reason = course.entry * sign, ExitReason.BREAK_EVEN
    if course.trail is not None and course.trail_from is not None and reach >= course.trail_from * sign:
        candidate = course.trail.candidate(reach)
        if course.trail.follows(stop, candidate):
            stop, reason = candidate, ExitReason.TRAILING
    return stop * sign, reason


def after(one: Followed, happenings: tuple[Happening, ...]) -> Followed | None:
    """Tell how a trade stands after what a tick did to it; None when it ended."""
    for happening in happenings:
        match happening:
            case TargetReached(is_last=False):
                one = replace(one, target=one.later_targets[0], later_targets=one.later_targets[1:])
            case StopMoved(stop, reason):
                one = replace(one, stop=stop, stop_reason=reason)
            case _:
                return None
    return one
