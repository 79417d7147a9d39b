"""Faults on command: what goes wrong with the next calls, so that a client's answer to it can be seen.

A rule with a probability throws a die for every call that it matches; seeded dice fall alike for the same calls.
"""

import random
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sandbox.telegram_api.errors import ApiError, flood


class FaultKind(StrEnum):
    """What goes wrong. After "executed" stands whether the call takes effect."""

    ERROR = "error"  # a JSON error of the given code; not executed
    RETRY_AFTER = "retry_after"  # 429 with retry_after = seconds; not executed
    SLOW = "slow"  # a late but good answer; executed after the delay
    RESET_BEFORE = "reset_before"  # the connection breaks; not executed
    RESET_AFTER = "reset_after"  # the connection breaks; executed
    TIMEOUT = "timeout"  # no answer at all; executed
    TRUNCATED = "truncated"  # half of a good answer; executed
    HTML_502 = "html_502"  # a proxy's error page; not executed unless told
    GARBAGE = "garbage"  # 200 with a body that is no JSON; executed
    WRONG_SHAPE = "wrong_shape"  # 200 with a result of another type; executed


_EXECUTED = frozenset(
    {
        FaultKind.SLOW,
        FaultKind.RESET_AFTER,
        FaultKind.TIMEOUT,
        FaultKind.TRUNCATED,
        FaultKind.GARBAGE,
        FaultKind.WRONG_SHAPE,
    }
)
_CHOICE = frozenset({FaultKind.HTML_502, FaultKind.TIMEOUT})
_FIELDS = frozenset(
    {"kind", "method", "chat_id", "code", "description", "parameters", "count", "probability", "seconds", "executed"}
)


@dataclass(slots=True)
class Fault:
    """One rule. `count` None means until it is cleared; `chat_id` and `method` None mean any."""

    number: int
    kind: FaultKind
    method: str | None = None
    chat_id: int | str | None = None
    code: int = 500
    description: str = "Internal Server Error"
    parameters: dict[str, Any] | None = None
    count: int | None = 1
    probability: float = 1.0
    seconds: float = 1.0
    executed: bool = True
    hits: int = 0

    def matches(self, method: str, chat_id: int | str | None) -> bool:
        """Tell whether the rule speaks of this call and is not used up."""
        is_left = self.count is None or self.hits < self.count
        is_method = self.method is None or self.method.lower() == method.lower()
        return is_left and is_method and (self.chat_id is None or str(self.chat_id) == str(chat_id))

    def refusal(self) -> ApiError | None:
        """Return the JSON error to answer with; None for a fault of another kind."""
        if self.kind is FaultKind.ERROR:
            return ApiError(self.code, self.description, self.parameters)
        return flood(round(self.seconds)) if self.kind is FaultKind.RETRY_AFTER else None

    def render(self) -> dict[str, Any]:
        """Return the rule as JSON."""
        return asdict(self)


class FaultStore:
    """The rules in force, oldest first; the first that matches a call is used."""

    def __init__(self, seed: int | None = None) -> None:
        self._faults: list[Fault] = []
        self._count = 0
        self._dice = random.Random(seed)

    def add(self, rule: dict[str, Any]) -> Fault:
        """Add a rule from its JSON. Raises ValueError naming what is wrong."""
        unknown = set(rule) - _FIELDS
        if unknown:
            raise ValueError(f"unknown field {sorted(unknown)[0]!r}; known are {', '.join(sorted(_FIELDS))}")
        kind = _kind(rule.get("kind"))
        executed = rule.get("executed", kind in _EXECUTED)
        if executed != (kind in _EXECUTED) and kind not in _CHOICE:
            raise ValueError(f"'executed' cannot be chosen for {kind.value}")
        values = {name: rule[name] for name in rule if name not in ("kind", "executed")}
        fault = Fault(self._count + 1, kind, executed=bool(executed), **values)
        _check(fault)
        self._count += 1
        self._faults.append(fault)
        return fault

    def match(self, method: str, chat_id: int | str | None) -> Fault | None:
        """Return the fault that befalls this call and count the hit."""
        for fault in self._faults:
            if fault.matches(method, chat_id) and self._dice.random() < fault.probability:
                fault.hits += 1
                return fault
        return None

    def render(self) -> list[dict[str, Any]]:
        """Return every rule with its hits."""
        return [one.render() for one in self._faults]

    def clear(self) -> int:
        """Forget all rules; return how many there were."""
        cleared, self._faults = len(self._faults), []
        return cleared


def _kind(name: Any) -> FaultKind:
    try:
        return FaultKind(name)
    except ValueError as error:
        known = ", ".join(one.value for one in FaultKind)
        raise ValueError(f"unknown kind {name!r}; known are {known}") from error


def _check(fault: Fault) -> None:
    """Raise ValueError for a value that makes no sense."""
    if not isinstance(fault.code, int) or not 400 <= fault.code <= 599:
        raise ValueError("code must be an HTTP error from 400 to 599")
    if fault.count is not None and (not isinstance(fault.count, int) or fault.count < 1):
        raise ValueError("count must be a positive number, or null for every call")
    if not isinstance(fault.probability, int | float) or not 0 < fault.probability <= 1:
        raise ValueError("probability must lie above 0 and not above 1")
    if not isinstance(fault.seconds, int | float) or fault.seconds < 0:
        raise ValueError("seconds must not be negative")
