"""A hundred thousand broken frames of Binance: none ends the reading, none becomes a price that is not one."""

import math
from random import Random

from chassis.clock import ManualClock, MarketClock
from services.feed.adapters.binance_book import Book
from services.feed.adapters.binance_venue import BinanceSession
from services.feed.domain.ticks import JUMP_LIMIT, BadInput, Limits, TickCheck
from services.feed.ports import Heard, Unheard
from tests.feed.builders import NOON_MS

FRAMES = 100_000
SEEDS = (
    b'{"u":%d,"s":"PAXGUSDT","b":"4000.10000000","B":"1.5","a":"4000.40000000","A":"2.5"}',
    b'{"u":%d,"s":"PAXGUSDT","b":4000.1,"B":1,"a":4000.4,"A":2}',
    b'{"result":null,"id":%d}',
    b'{"error":{"code":2,"msg":"no"},"id":%d}',
    b'{"e":"serverShutdown","E":%d}',
)
SCRAPS = (b"null", b"1e999", b'"nan"', b'"-1"', b"{}", b"[", b'"', b"\xff", b"9" * 40, b"true", b'"inf"', b"\\u0000")


def mutate(dice: Random, frame: bytes) -> bytes:
    """Cut, swap, overwrite or insert somewhere, once to three times."""
    for _ in range(dice.randint(1, 3)):
        at, length = dice.randrange(len(frame) + 1), dice.randint(0, 6)
        scrap = dice.choice(SCRAPS) if dice.random() < 0.5 else bytes([dice.randrange(256)])
        frame = frame[:at] + dice.choice((b"", scrap)) + frame[at + length :]
    return frame


def test_no_mutated_frame_ends_the_reading_or_is_believed_wrongly() -> None:
    dice = Random(3)
    market = MarketClock(ManualClock())
    market.set(NOON_MS)
    session = BinanceSession(None, None, {"GOLD": "PAXGUSDT"}, market)  # type: ignore[arg-type]  # nothing is asked
    check = TickCheck(Limits(max_spread=10.0, ahead_ms=60_000))
    reasons: set[BadInput] = set()
    believed: list[float] = []
    for number in range(FRAMES):
        if number % 5 == 0:  # a number that was mutated upwards would silence all that follows
            session._book = Book({"PAXGUSDT": "GOLD"}, market)
        item = session._read(mutate(dice, dice.choice(SEEDS) % (number + 1)))
        if isinstance(item, Unheard):
            reasons.add(item.reason)
        elif isinstance(item, Heard):
            assert item.symbol == "GOLD"
            reason = check.judge(item.quote, NOON_MS)
            if reason is None:
                believed.append(item.quote.mid)
            else:
                reasons.add(reason)

    assert {BadInput.NOT_JSON, BadInput.MALFORMED, BadInput.NO_BID_ASK, BadInput.UNKNOWN_SYMBOL} <= reasons
    assert {BadInput.NON_POSITIVE, BadInput.CROSSED, BadInput.WIDE_SPREAD} <= reasons
    assert len(believed) > 200
    assert all(math.isfinite(mid) and abs(mid - 4000) <= 4000 * JUMP_LIMIT * 1.1 for mid in believed)
