"""What a tick costs with many open positions: the level index beside looking at every position, beside numpy, and
beside nautilus_trader's matching engine. And what the room costs on a real broker and a real database.

    python -m benchmarks.positions [--no-peer] [--no-servers]

First a market that closes nothing, where the stops of half of the positions trail: the same ticks for all four, and
the same stops must come out of the first three. Then a market in which trades end all the time and new ones take
their place. These times are CPU. Then, by the wall: one signal to 1,000, 10,000 and 100,000 people, and the answers to
others meanwhile; from a tick to the exit event; the start with many open. The peer lives in `.sinyal/peers`, made at
the first call. Exit status 1: the results differ, or a promise is broken; on a machine that is busy with other things
look at the CPU beside the wall before you believe the latter.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.candles import ROOT, peer_python
from benchmarks.positions_live import show_live
from contracts.messages import Side
from services.positions.domain.course import Course, Followed, Trail, after, step
from services.positions.domain.exits import Price
from services.positions.domain.instrument import find_instrument
from services.positions.domain.levels import LevelIndex
from services.positions.domain.plans import STANDARD, Bracket, course_of

OPEN = (1_000, 10_000, 100_000)
TICKS = 100_000
FEW = {1_000: 400, 10_000: 40, 100_000: 4}
"""Ticks for those that look at everything: enough of each to tell."""
MOST_FOR_PEER = 10_000
"""The peer sorts all its orders with each new one: the larger crowd would take it minutes to take in."""
DISTANCE = 15.0
LEAST_GAIN = 500.0
MOST_GROWTH = 10.0
GOLD = find_instrument("XAUUSD")

Floats = npt.NDArray[np.float64]


def market(count: int, *, spring: float) -> list[Price]:
    """Gold in one-second ticks that wander by 0.05 USD a step, drawn back to 4,000 by a spring (0: free)."""
    rng, middle, prices = random.Random(1), 4000.0, []
    for epoch_ms in range(1, count + 1):
        middle += rng.gauss(0, 0.05) + spring * (4000.0 - middle)
        bid = round(middle - 0.1, 2)
        prices.append(Price(epoch_ms, bid, round(bid + 0.2, 2)))
    return prices


def guarded(count: int) -> list[Followed]:
    """Positions that nothing near closes; the stop of every other follows 15 USD behind in steps of a pip."""
    rng, found = random.Random(2), []
    trail = Course(entry=4000.0, trail=Trail(DISTANCE, 0.1, 2), trail_from=4000.0 - 1000.0)
    for number in range(count):
        side = rng.choice(list(Side))
        course = trail if side is Side.BUY else Course(entry=4000.0, trail=trail.trail, trail_from=5000.0)
        risk = DISTANCE + rng.uniform(0, 20)
        stop, target = round(4000 - side.sign * risk, 2), round(4000 + side.sign * rng.uniform(30, 90), 2)
        found.append(Followed(f"p{number}", side, stop, target, 0, (), course if number % 2 else Course(entry=4000.0)))
    return found


# --- four ways --------------------------------------------------------------------------------------------------------


def time_index(many: Sequence[Followed], prices: Sequence[Price]) -> tuple[float, dict[str, float]]:
    """Microseconds per tick, and where the stops are at the end."""
    index = LevelIndex()
    for one in many:
        index.add(one)
    index.cross(prices[0])  # takes them in
    started = time.process_time()
    for price in prices[1:]:
        index.cross(price)
    microseconds = (time.process_time() - started) / len(prices) * 1e6
    standings = {one.position_id: index.standing(one.position_id) for one in many}
    return microseconds, {name: one.stop for name, one in standings.items() if one is not None}


def time_naive(many: Sequence[Followed], prices: Sequence[Price]) -> tuple[float, dict[str, float]]:
    """The same, looking at every position."""
    left = {one.position_id: one for one in many}
    started = time.process_time()
    for price in prices:
        for position_id, one in list(left.items()):
            happenings = step(one, price)
            if happenings:
                changed = after(one, happenings)
                if changed is None:
                    del left[position_id]
                else:
                    left[position_id] = changed
    microseconds = (time.process_time() - started) / len(prices) * 1e6
    return microseconds, {name: one.stop for name, one in left.items()}


class Columns:
    """One side's positions as columns, in prices signed so that a trade hopes for a rise."""

    def __init__(self, many: Sequence[Followed], side: Side) -> None:
        mine = [one for one in many if one.side is side]
        self.sign = side.sign
        self.names = [one.position_id for one in mine]
        self.stops: Floats = np.array([one.stop * side.sign for one in mine])
        self.targets: Floats = np.array([one.target * side.sign for one in mine])
        self.trails = np.array([one.course.trail is not None for one in mine])

    def tick(self, price: Price) -> int:
        """Hold a price against all, and move stops; returns how many it closes."""
        reach = price.bid if self.sign > 0 else -price.ask
        closed = int(np.count_nonzero((reach >= self.targets) | (reach <= self.stops)))
        candidate = round(reach - DISTANCE, 2)
        moves = self.trails & (np.round(candidate - self.stops, 2) >= 0.1)
        self.stops[moves] = candidate
        return closed


def time_numpy(many: Sequence[Followed], prices: Sequence[Price]) -> tuple[float, dict[str, float]]:
    """The same, a column at a time."""
    sides = [Columns(many, side) for side in Side]
    started = time.process_time()
    closed = sum(side.tick(price) for price in prices for side in sides)
    microseconds = (time.process_time() - started) / len(prices) * 1e6
    assert closed == 0, "this market closes nothing"
    return microseconds, {
        name: float(stop) * side.sign for side in sides for name, stop in zip(side.names, side.stops, strict=True)
    }


def time_peer(many: Sequence[Followed], prices: Sequence[Price]) -> float:
    """Microseconds per tick of the peer's matching engine with the same orders and quotes. Its stops know no least
    step.
    """
    kinds: list[array[int] | array[float]] = [
        array("q", [one.side.sign for one in many]),
        array("d", [one.stop for one in many]),
        array("d", [one.target for one in many]),
        array("q", [one.course.trail is not None for one in many]),
    ]
    with tempfile.TemporaryDirectory() as folder:
        orders, quotes = Path(folder, "orders"), Path(folder, "quotes")
        orders.write_bytes(b"".join(column.tobytes() for column in kinds))
        bids, asks = array("d", [one.bid for one in prices]), array("d", [one.ask for one in prices])
        quotes.write_bytes(bids.tobytes() + asks.tobytes())
        script = ROOT / "benchmarks" / "positions_peer.py"
        arguments = [str(script), str(orders), str(len(many)), str(quotes), str(len(prices)), str(DISTANCE)]
        done = subprocess.run([str(peer_python()), *arguments], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["resting"] == 2 * len(many), "the peer closed what should stay"
    return float(told["us"])


# --- trades that come and go ------------------------------------------------------------------------------------------


def a_trade(number: int, price: Price, rng: random.Random) -> Followed:
    """A trade of the standard plan, opened at a price, with a risk of 2 to 12 USD."""
    side = rng.choice(list(Side))
    entry, risk = price.opening(side), rng.uniform(2, 12)
    bracket = Bracket(side=side, entry=entry, initial_stop=round(entry - side.sign * risk, 2))
    target = round(entry + side.sign * risk * 1.5, 2)
    course = course_of(STANDARD, bracket, GOLD, price.epoch_ms)
    return Followed(f"t{number}", side, bracket.initial_stop, target, price.epoch_ms, (), course)


def time_coming_and_going(count: int, prices: Sequence[Price]) -> tuple[float, int]:
    """Microseconds per tick, and how many trades ended; a new one takes each one's place."""
    rng, index, opened = random.Random(3), LevelIndex(), count
    for number in range(count):
        index.add(a_trade(number, prices[number * 20 // count], rng))
    newcomers = [a_trade(0, prices[0], rng) for _ in range(1)]
    for price in prices[:20]:
        index.cross(price)
    seconds, ended = 0.0, 0
    for price in prices[20:]:
        started = time.process_time()
        crossings = index.cross(price)
        for one in newcomers:
            index.add(one)
        seconds += time.process_time() - started
        gone = sum(len(crossing.position_ids) for crossing in crossings)
        newcomers = [a_trade(opened + number, price, rng) for number in range(gone)]
        opened, ended = opened + gone, ended + gone
    return seconds / (len(prices) - 20) * 1e6, ended


def time_gap(count: int) -> float:
    """Milliseconds of one tick that closes everything, each position on a price of its own."""
    index = LevelIndex()
    for number in range(count):
        index.add(Followed(f"p{number}", Side.BUY, 3999.0 - number / 100, 5000.0 + number / 100, 0))
    index.cross(Price(1, 4000.0, 4000.2))
    started = time.process_time()
    index.cross(Price(2, 1.0, 1.2))
    return (time.process_time() - started) * 1000


# --- telling ----------------------------------------------------------------------------------------------------------


def show_four_ways(*, has_peer: bool) -> list[str]:
    """Print the first table; returns what is wrong."""
    prices, wrong, costs = market(TICKS, spring=0.001), [], {}
    print("half of the stops trail, nothing closes: µs per tick")
    print(f"{'open':>8} {'index':>8} {'naive':>9} {'numpy':>9} {'nautilus':>9} {'naive/index':>12}")
    for count in OPEN:
        many, few = guarded(count), prices[: FEW[count]]
        naive_us, expected = time_naive(many, few)
        if time_index(many, few)[1] != expected or time_numpy(many, few)[1] != expected:
            wrong.append(f"{count} open: the stops differ")
        costs[count] = min(time_index(many, prices)[0] for _ in range(3))
        numpy_us = time_numpy(many, prices[: 40 * FEW[count]])[0]
        peer = f"{time_peer(many, few):>9.0f}" if has_peer and count <= MOST_FOR_PEER else f"{'-':>9}"
        gain = naive_us / costs[count]
        print(f"{count:>8} {costs[count]:>8.2f} {naive_us:>9.0f} {numpy_us:>9.0f} {peer} {gain:>12.0f}")
        if count == 10_000 and gain < LEAST_GAIN:
            wrong.append(f"{gain:.0f} times faster than looking at each, not {LEAST_GAIN:.0f}")
    growth = costs[OPEN[-1]] / costs[OPEN[0]]
    print(f"from {OPEN[0]} to {OPEN[-1]} open the cost grows {growth:.1f} times")
    return wrong if growth <= MOST_GROWTH else [*wrong, f"the cost grows {growth:.1f} times, not {MOST_GROWTH:.0f}"]


def show_coming_and_going() -> None:
    """Print the second table."""
    prices = market(TICKS // 5, spring=0.0)
    print("trades of the standard plan come and go; and one tick that closes all")
    print(f"{'open':>8} {'µs per tick':>12} {'ended':>8} {'gap, ms':>8}")
    for count in OPEN:
        microseconds, ended = time_coming_and_going(count, prices)
        print(f"{count:>8} {microseconds:>12.2f} {ended:>8} {time_gap(count):>8.0f}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-peer", action="store_true", help="leave nautilus_trader out")
    parser.add_argument("--no-servers", action="store_true", help="leave out what needs a broker and a database")
    asked = parser.parse_args()
    wrong = show_four_ways(has_peer=not asked.no_peer)
    show_coming_and_going()
    if not asked.no_servers:
        wrong += show_live()
    for one in wrong:
        print(f"WRONG: {one}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
