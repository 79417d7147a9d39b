"""What a button says when it is pressed: a verb and one argument, in at most the 64 bytes Telegram carries."""

from dataclasses import dataclass
from enum import StrEnum

MOST_BYTES = 64


class Verb(StrEnum):
    """What a button asks for. The words are short because 64 bytes are few; they never change their meaning."""

    STATUS = "status"
    WHY = "why"
    CHART = "chart"
    LANGUAGE = "lang"
    HISTORY = "page"
    AUTO = "auto"
    DEAD_LETTERS = "dlq"
    SETTINGS = "set"
    ERASE = "erase"
    DASHBOARD = "dash"


class TooLongError(ValueError):
    """A button's data does not fit into 64 bytes."""


@dataclass(frozen=True, slots=True)
class Press:
    """A verb and its argument; an empty argument means there is none."""

    verb: Verb
    argument: str = ""

    def pack(self) -> str:
        """Write it as callback data.

        Raises:
            TooLongError: more than 64 bytes.
        """
        text = f"{self.verb}:{self.argument}" if self.argument else str(self.verb)
        if len(text.encode()) > MOST_BYTES:
            raise TooLongError(f"{text!r} has more than {MOST_BYTES} bytes")
        return text


def unpack(data: str) -> Press | None:
    """Read callback data; None where it is none of ours, or of an older version of ours."""
    verb, _, argument = data.partition(":")
    return Press(Verb(verb), argument) if verb in set(Verb) else None
