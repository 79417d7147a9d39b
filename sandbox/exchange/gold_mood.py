"""What gold is doing just now: how wild, in which leg of which trend, how wide the spread.

The numbers are chosen, not fitted: minutes range about half again as wide as recorded gold of 2014 scaled to 4000 USD,
and trends are cleaner, so that a trend-pullback strategy finds several signals an hour. What a strategy earns here says
nothing about gold.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import exp
from random import Random
from typing import NamedTuple

from sandbox.exchange.sessions import Session

BLOCK_MS = 10_000  # volatility, drift and spread are decided once per block
BLOCK_S = BLOCK_MS / 1000
SIGMA_USD = 0.12  # of one second at activity 1: 0.93 USD per minute before bursts and legs
EDGE_MS = 15 * 60_000
NARROWEST_CENTS, WIDEST_CENTS = 20, 50
BURST_CHANCE = 1 / 110  # per block: three an hour
BURST_FADES = 0.90  # per block: half is gone after a minute
WAVE_FADES = 0.992  # per block: the slow wave of volatility forgets half in quarter of an hour
HOMEWARD_LIMIT = 0.006  # USD per second: the pull to the day's level never looks like a trend
# How active each hour of the day is, UTC from 0 to 23: Asia, then London from 7, then New York from 13.
ACTIVITY = (
    0.75, 0.80, 0.80, 0.75, 0.70, 0.75, 0.90, 1.10, 1.20, 1.10, 1.05, 1.00,
    1.15, 1.40, 1.50, 1.40, 1.20, 1.05, 0.90, 0.80, 0.75, 0.70, 0.70, 0.70,
)  # fmt: skip


class Block(NamedTuple):
    """What holds for ten seconds: sigma per root second and drift per second in USD, quote rate, spread in cents."""

    sigma: float
    drift: float
    quotes_per_s: float
    spread_cents: int


class Leg(NamedTuple):
    """A stretch of one drift: length in blocks, USD per second, and the pull (per second) back to where it began."""

    blocks: int
    drift: float
    pull: float


class Mood:
    """The hidden state of one session, stepped block by block in time order."""

    def __init__(self, session: Session, dice: Random, home_usd: float) -> None:
        """Start a session that should end near `home_usd`."""
        self._session = session
        self._dice = dice
        self._home_usd = home_usd
        self._burst = 0.0
        self._wave = dice.gauss(0.0, 0.25)
        self._legs = _legs(dice)
        self._leg = Leg(0, 0.0, 0.0)
        self._leg_start_usd = home_usd

    def block(self, start_ms: int, price: float) -> Block:
        """Decide the next ten seconds, which start at `start_ms` with this price."""
        activity = self._step_activity(start_ms)
        drift = self._step_leg(price) * min(activity, 1.6) + self._homeward(start_ms, price)
        rate = min(max(1.5 * activity, 1.15), 4.0)
        return Block(SIGMA_USD * activity, drift, rate, self._spread_cents(start_ms, activity))

    def _step_activity(self, start_ms: int) -> float:
        dice = self._dice
        self._wave = self._wave * WAVE_FADES + dice.gauss(0.0, 0.04)
        self._burst *= BURST_FADES
        if dice.random() < BURST_CHANCE:
            self._burst += dice.uniform(0.8, 2.5)
        hour = datetime.fromtimestamp(start_ms / 1000, UTC).hour
        return ACTIVITY[hour] * exp(min(self._wave, 0.8)) * (1.0 + min(self._burst, 3.0))

    def _step_leg(self, price: float) -> float:
        if self._leg.blocks == 0:
            self._leg = next(self._legs)
            self._leg_start_usd = price
        leg = self._leg
        self._leg = leg._replace(blocks=leg.blocks - 1)
        return leg.drift - leg.pull * (price - self._leg_start_usd)

    def _homeward(self, start_ms: int, price: float) -> float:
        left_s = (self._session.close_ms - start_ms) / 1000
        return max(-HOMEWARD_LIMIT, min(HOMEWARD_LIMIT, (self._home_usd - price) / left_s))

    def _spread_cents(self, start_ms: int, activity: float) -> int:
        edge_ms = min(start_ms - self._session.open_ms, self._session.close_ms - start_ms)
        edge = 22.0 * max(0.0, 1.0 - edge_ms / EDGE_MS)
        cents = 21.0 + 3.0 * activity + edge + self._dice.uniform(-3.0, 3.0)
        return round(max(NARROWEST_CENTS, min(WIDEST_CENTS, cents)))


def _legs(dice: Random) -> Iterator[Leg]:
    """Go on for ever: a trend of pushes and pullbacks, or a range, in turns by chance."""
    while True:
        if dice.random() < 0.35:
            yield Leg(_blocks(dice, 400, 1100), 0.0, 1 / 300)
        else:
            yield from _trend(dice, dice.choice((-1, 1)))


def _trend(dice: Random, side: int) -> Iterator[Leg]:
    push = dice.uniform(0.006, 0.012)
    for _ in range(dice.randint(3, 7)):
        yield Leg(_blocks(dice, 120, 340), side * push, 0.0)
        yield Leg(_blocks(dice, 50, 150), -side * push * dice.uniform(0.45, 0.85), 0.0)


def _blocks(dice: Random, shortest_s: float, longest_s: float) -> int:
    return max(1, round(dice.uniform(shortest_s, longest_s) / BLOCK_S))
