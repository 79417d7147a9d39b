"""What a subscriber is told of, and how loud: one choice for each kind of message that he did not ask for.

A trade is somebody's only when its message was delivered. So signals can be silent and never off: who wants none of
them switches automatic signals off. All else may be off; the trade goes on as ever. Why these kinds: ADR 25.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache


class Loudness(StrEnum):
    """How a message comes: with a sound, without one, or not at all."""

    ON = "on"
    SILENT = "silent"
    OFF = "off"

    @property
    def is_silent(self) -> bool:
        """Tell whether it makes no sound."""
        return self is Loudness.SILENT

    @property
    def is_told(self) -> bool:
        """Tell whether it is sent."""
        return self is not Loudness.OFF


class Kind(StrEnum):
    """What messages are about. The words are kept in rows: one that is here keeps its meaning."""

    SIGNAL = "signal"
    EXIT = "exit"
    TARGET = "target"
    STOP = "stop"
    SUMMARY = "summary"


class SignalsOffError(ValueError):
    """Signals are on or silent: a trade counts only when its signal arrived. /stopmonitor ends automatic signals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What a person chose for each kind."""

    signal: Loudness = Loudness.ON
    exit: Loudness = Loudness.ON
    target: Loudness = Loudness.ON
    stop: Loudness = Loudness.ON
    summary: Loudness = Loudness.ON

    def __post_init__(self) -> None:
        """Hold what must hold.

        Raises:
            SignalsOffError: signals are off.
        """
        if self.signal is Loudness.OFF:
            raise SignalsOffError(SignalsOffError.__doc__)

    def of(self, kind: Kind) -> Loudness:
        """Tell how messages of a kind come."""
        found: Loudness = getattr(self, kind)
        return found

    def choosing(self, kind: Kind, loudness: Loudness) -> "Hearing":
        """Choose otherwise for one kind.

        Raises:
            SignalsOffError: signals would be off.
        """
        return replace(self, **{kind.value: loudness})

    def __str__(self) -> str:
        """Write what is not `on`, as rows keep it: `exit=off,stop=silent`."""
        return ",".join(f"{kind}={self.of(kind)}" for kind in Kind if self.of(kind) is not Loudness.ON)


@lru_cache(maxsize=256)
def read_hearing(text: str) -> Hearing:
    """Read what `str` wrote. Kinds of a release to come are left out: this one sends nothing of them."""
    parts = (part.partition("=") for part in text.split(",") if part)
    return Hearing(**{kind: Loudness(loudness) for kind, _, loudness in parts if kind in set(Kind)})
