"""One session of generated gold: trends with pullbacks, ranges, bursts, a spread that widens at the edges.

The price is a random walk whose volatility clusters (a profile of the day, a slow wave, bursts that die away) and whose
drift changes in legs. Per minute it moves about 1 to 2 USD, so levels 2 to 5 USD away are reached within minutes.
"""

from array import array
from math import sqrt
from random import Random
from typing import NamedTuple

from sandbox.exchange.gold_mood import BLOCK_MS, Mood
from sandbox.exchange.sessions import Session

SHORTEST_WAIT_MS = 40
LONGEST_WAIT_MS = 6_000  # below the ten seconds after which silence in an open market is an alarm


class Columns(NamedTuple):
    """The quotes of a session, oldest first; prices in whole cents."""

    epoch_ms: "array[int]"
    bid_cents: "array[int]"
    spread_cents: "array[int]"


def make_session(session: Session, dice: Random, *, from_usd: float, to_usd: float) -> Columns:
    """Make all quotes of a session that starts near `from_usd` and tends to `to_usd`."""
    columns = Columns(array("q"), array("q"), array("q"))
    mood = Mood(session, dice, to_usd)
    price = from_usd + dice.gauss(0.0, 0.4)
    now = session.open_ms + dice.uniform(100, 3000)
    for block_end in range(session.open_ms + BLOCK_MS, session.close_ms + 1, BLOCK_MS):
        now, price = _fill_block(columns, dice, mood, now, price, block_end)
    return columns


def _fill_block(
    columns: Columns, dice: Random, mood: Mood, now: float, price: float, block_end: int
) -> tuple[float, float]:
    """Add the quotes up to `block_end` and return the next quote's moment and price. The hot loop: names are local."""
    sigma, drift, quotes_per_s, spread = mood.block(block_end - BLOCK_MS, price)
    rate_per_ms, half = quotes_per_s / 1000, spread / 2 - 0.5
    wait_at_random, gauss = dice.expovariate, dice.gauss
    add_time, add_bid, add_spread = columns.epoch_ms.append, columns.bid_cents.append, columns.spread_cents.append
    while now < block_end:
        add_time(int(now))
        add_bid(int(price * 100 - half))
        add_spread(spread)
        wait = min(SHORTEST_WAIT_MS + wait_at_random(rate_per_ms), LONGEST_WAIT_MS)
        seconds = wait / 1000
        price += drift * seconds + sigma * sqrt(seconds) * gauss(0.0, 1.0)
        now += wait
    return now, price
