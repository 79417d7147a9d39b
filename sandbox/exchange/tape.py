"""The door to the tapes: open a recorded one by its path, or the generated gold market without one."""

from pathlib import Path

from sandbox.exchange.quotes import Quote, Tape, TapeError
from sandbox.exchange.tape_generated import DEFAULT_SEED, GeneratedTape
from sandbox.exchange.tape_recorded import open_recorded

__all__ = ["Quote", "Tape", "TapeError", "open_tape"]


def open_tape(path: Path | None, *, seed: int = DEFAULT_SEED, symbol: str = "XAUUSD") -> Tape:
    """Open a tape: a CSV, a folder of days, or, where `path` is None, the generated market of `seed`.

    The seed says nothing about a recorded tape. Raises TapeError saying what is wrong and what would be right.
    """
    if path is None:
        return GeneratedTape(seed=seed, symbol=symbol)
    return open_recorded(path, symbol)
