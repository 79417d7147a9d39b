"""Identity as a pure function of the fact: a replay yields the same id, and doubles dissolve."""

import hashlib
from collections.abc import Iterable

from contracts.messages import Interval, Mode

OWN = "own-"
"""How the names of pictures begin that belong to one person."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I, L, O, U
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]


def digest(parts: Iterable[object]) -> str:
    """Join the parts unambiguously and hash them: 32 hex digits of SHA-256."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def tick_id(symbol: str, epoch_ms: int, bid: float, ask: float) -> str:
    """Name a quote. Equal quotes of one millisecond are one quote."""
    return f"t:{symbol}:{epoch_ms}:{bid!r}:{ask!r}"


def candle_id(symbol: str, interval: Interval, open_time_s: int) -> str:
    """Name a candle: one per symbol, interval and open time, for ever."""
    return f"c:{symbol}:{interval}:{open_time_s}"


def correction_id(symbol: str, interval: Interval, open_time_s: int, prices: Iterable[float]) -> str:
    """Name a correction by what it says: another finding is another correction, the same one dissolves."""
    return f"k:{symbol}:{interval}:{open_time_s}:{digest(prices)}"


def signal_id(symbol: str, strategy: str, mode: Mode, interval: Interval, candle_open_s: int) -> str:
    """Name a signal: a strategy has one opinion on one candle in one mode."""
    return f"s:{symbol}:{strategy}:{mode}:{interval}:{candle_open_s}"


def position_id(signal: str, subscriber_id: int) -> str:
    """Name a subscriber's trade on a signal."""
    return f"p:{digest((signal, subscriber_id))}"


def send_id(subject: str, what: str) -> str:
    """Name a message to a person: what is told (`signal`, `outcome`, …) of which thing."""
    return f"m:{what}:{subject}"


def chart_key(parts: Iterable[object]) -> str:
    """Name a picture by all that decides how it looks: equal keys are one render."""
    return digest(parts)


def own_chart_key(parts: Iterable[object]) -> str:
    """Name a picture of one person's: its name says so, since it goes with the person. `parts` hold a secret word of
    the person's, so that nobody can work it out who knows what is shown.
    """
    return f"{OWN}{digest(parts)}"


def short_id(identity: str) -> str:
    """Shorten an id to six characters that a person can read aloud (Crockford base 32)."""
    number = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "big")
    return _PAIRS[number >> 20 & 1023] + _PAIRS[number >> 10 & 1023] + _PAIRS[number & 1023]
