"""Where in a recorded tape the live market may begin: after enough history, and perhaps where something happens."""

from datetime import UTC, datetime

from sandbox.exchange.quotes import DAY_MS, Tape, TapeError

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
LEAD_MS = 15 * MINUTE_MS
"""How long before the busiest hour the market begins, so that those who listen are there when it comes."""


def after_warmup(tape: Tape, candles: int) -> int:
    """Find the moment after so many minutes with quotes, but never past the middle of the tape."""
    end_ms = tape.end_ms if tape.end_ms is not None else tape.start_ms
    middle = tape.start_ms + (end_ms - tape.start_ms) // 2
    minutes, minute = 0, -1
    for quote in tape.quotes():
        if quote.epoch_ms >= middle:
            return middle
        if quote.epoch_ms // MINUTE_MS != minute:
            minutes, minute = minutes + 1, quote.epoch_ms // MINUTE_MS
        if minutes > candles:
            return quote.epoch_ms // MINUTE_MS * MINUTE_MS
    return middle


def busiest_hour(tape: Tape, earliest_ms: int) -> int:
    """Find a quarter of an hour before the UTC hour with the widest range of bids, not before `earliest_ms`."""
    highest: dict[int, float] = {}
    lowest: dict[int, float] = {}
    for quote in tape.quotes(earliest_ms + LEAD_MS):
        hour = quote.epoch_ms // HOUR_MS
        if quote.bid > highest.get(hour, 0.0):
            highest[hour] = quote.bid
        if quote.bid < lowest.get(hour, float("inf")):
            lowest[hour] = quote.bid
    if not highest:
        return earliest_ms
    busiest = max(highest, key=lambda hour: highest[hour] - lowest[hour])
    return max(earliest_ms, busiest * HOUR_MS - LEAD_MS)


def find_start(tape: Tape, wanted: str, warmup_candles: int) -> int:
    """Turn `first`, `busiest` or an ISO time (UTC where it names no zone) into a moment, epoch milliseconds.

    Raises:
        TapeError: no such word, no time, or a time that the tape does not cover.
    """
    if tape.live_ms is not None:
        return tape.live_ms
    earliest = after_warmup(tape, warmup_candles)
    if wanted == "first":
        return earliest
    if wanted == "busiest":
        return busiest_hour(tape, earliest)
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError as e:
        raise TapeError(f"cannot start at {wanted!r}; give first, busiest or a time such as 2014-05-02T13:45") from e
    start_ms = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    if not tape.start_ms <= start_ms <= (tape.end_ms or start_ms + DAY_MS):
        raise TapeError(f"cannot start at {wanted}: the tape does not cover it")
    return start_ms
