"""A tape pushed through the running rooms, and through the backtest: both accounts of it.

The rooms are the real ones on embedded servers; the market moves in lockstep with them (see `sandbox.stack.lockstep`).
The backtest is given the tape as the venue tells it: one quote a second, from the first candle that the rooms knew.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chassis.nats_bus import connect
from cli.wrong_input import InputError
from research.backtest import run_backtest
from research.candles import market_of
from research.market import Ticks
from research.parity import Account, account_of_backtest, account_of_rooms
from research.trades import BacktestResult, Rules
from sandbox.exchange.day_sheet import Spot
from sandbox.exchange.market import Market as Venue
from sandbox.exchange.moments import find_start
from sandbox.exchange.quotes import TapeError
from sandbox.exchange.tape import open_tape
from sandbox.stack.lockstep import Kill, Lockstep, Measured
from sandbox.stack.people import People
from sandbox.stack.stack import Market, Stack
from sandbox.stack.standing import Standing
from sandbox.stack.witness import Witness, witness
from services.positions.domain.instrument import find_instrument
from services.positions.domain.plans import STANDARD, read_plan
from services.signals.domain.protections import Calendar
from services.signals.domain.strategy import Strategy

SYMBOL = "XAUUSD"
SPEED = 3600.0
"""What the rooms are told of the market's speed: an hour a second. No silence inside a session is then a fault."""

SILENCE_MS = int(2.0 * SPEED * 1000)
"""What the feed makes of its limit of silence at that speed, since two wall seconds are none. The backtest is told."""

GRACE_MS = int(0.25 * SPEED * 1000)
"""The same of the grace of a candle: quotes of a fast market may be a quarter of a wall second late."""

HISTORY_MINUTES = 1440
"""Minutes before the market goes live that the feed asks for, each with the count of its quotes; a strategy on long
candles is given more, which are not counted."""

MOST_HISTORY_MINUTES = 4_900

WARM_UP_MINUTES = 120
DAY_MS = 86_400_000
PATIENT = {
    "signals": {"FRESH_S": "3600", "VALID_FOR_S": "7200"},
    "positions": {"FEED_SILENCE_S": "7200", "TICK_SILENCE_S": "7200"},
    "telegram": {"PRIVATE_GAP_S": "0", "PER_SECOND": "1000"},
}
"""Limits of the wall's clock, out of the way: the market stands still while a killed room comes back, however slowly,
and the sandbox's Bot API has no limits either."""

ROOMS = ("feed", "signals", "positions", "telegram")
"""No charts: a picture decides nothing, and waits for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to replay. `start` is an ISO time or `first`; `until_ms` None is the tape's end, a day if it has none.

    `calendar` is what stands in the file `news`.
    """

    tape: Path | None
    seed: int
    strategy: Strategy[Any]
    parameters: dict[str, int | float]
    start: str = "first"
    until_ms: int | None = None
    restarts: tuple[str, ...] = ()
    news: Path | None = None
    calendar: Calendar = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """Both accounts, the numbers of the run, and how many quotes the venue told and the feed published."""

    live: Account
    tested: Account
    result: BacktestResult
    measured: Measured
    told: int
    heard: int
    started_in_s: float


@dataclass(frozen=True, slots=True)
class Telling:
    """What the venue tells: from `live_ms` on, one quote a second; `start` is that moment in ISO."""

    venue: Venue
    live: Sequence[Spot]

    @property
    def live_ms(self) -> int:
        """When the market goes live."""
        return self.venue.live_ms

    @property
    def start(self) -> str:
        """The same for the simulator's `--start`."""
        return datetime.fromtimestamp(self.live_ms / 1000, UTC).isoformat()

    @property
    def until_ms(self) -> int:
        """The time of the last quote, in whole seconds as the venue writes it."""
        return self.live[-1].epoch * 1000

    def ticks(self, from_s: int) -> Ticks:
        """Take the quotes from a moment on, history first, as the venue writes them."""
        spots = self.venue.book.spots(from_s * 1000, self.live[-1].epoch_ms + 1)
        return Ticks.of((spot.epoch * 1000, spot.bid, spot.ask) for spot in spots)


def prepare(plan: Plan) -> tuple[Telling, BacktestResult]:
    """Open the tape, read what is to be told, and test it once: what cannot be judged needs no services.

    Raises InputError or TooShortError naming the file, the line or the option and what would be right.
    """
    try:
        tape = open_tape(plan.tape, seed=plan.seed)
        first_ms = find_start(tape, plan.start, warm_up_minutes(plan.strategy)) // 60_000 * 60_000
        venue = Venue(tape, start=_iso(max(first_ms, tape.start_ms)), is_stepped=True)
        tape_end_ms = venue.live_ms + DAY_MS if tape.end_ms is None else tape.end_ms + 1
        live = list(venue.book.spots(venue.live_ms + 1, plan.until_ms or tape_end_ms))
    except TapeError as e:
        raise InputError(f"--tape {e}") from e
    if len({spot.epoch // 60 for spot in live}) < 2:
        raise InputError(f"--to: nothing to replay; quotes are told from {_iso(venue.live_ms)} on, after the warm-up")
    telling = Telling(venue, live)
    return telling, _tested(plan, telling, _known_s(plan, telling))


def warm_up_minutes(strategy: Strategy[Any]) -> int:
    """Tell how many minutes lie before the market goes live: what the strategy needs, and a little more."""
    needed = strategy.candles_needed * strategy.interval.seconds // 60
    return max(WARM_UP_MINUTES, min(needed + 60, MOST_HISTORY_MINUTES))


def history_minutes(strategy: Strategy[Any]) -> int:
    """Tell how many minutes of history the feed asks for."""
    return max(HISTORY_MINUTES, warm_up_minutes(strategy))


def _iso(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat()


async def replay(
    plan: Plan,
    telling: Telling,
    aims: BacktestResult,
    *,
    tell: Callable[[str, str], None],
    told: Callable[[int], None],
) -> Replayed:
    """Run the rooms over the tape, then the backtest. `tell` hears of processes, `told` the market's time."""
    market = Market(plan.tape, SPEED, plan.seed, telling.start, is_stepped=True)
    async with Stack(market, tell=tell, names=ROOMS, told=_settings(plan)) as stack:
        async with _subscribed(stack) as (seen, standing):
            kills = _kills(plan, telling, aims)
            lockstep = Lockstep(stack, seen, standing, live_ms=telling.live_ms, kills=kills)
            await lockstep.play(telling.live, told)
            result = _tested(plan, telling, seen.first_candle_s[plan.strategy.interval], _plan_of(seen))
        return Replayed(
            live=account_of_rooms(seen.signals, seen.proposed, seen.reduced, seen.closed),
            tested=account_of_backtest(result),
            result=result,
            measured=lockstep.measured,
            told=len(telling.live),
            heard=seen.tick_count,
            started_in_s=stack.started_in_s,
        )


@contextlib.asynccontextmanager
async def _subscribed(stack: Stack) -> AsyncIterator[tuple[Witness, Standing]]:
    """Let one person subscribe, and listen to all that is said."""
    async with (
        People(stack.layout.telegram_url) as people,
        connect(stack.layout.broker.url, name="replay") as bus,
        witness(bus, SYMBOL) as seen,
        Standing(stack.layout) as standing,
    ):
        chat = await people.join("Ani", "en")
        await people.say(chat, "/start")
        await people.say(chat, "/monitor")
        await people.answered([chat], 2)
        yield seen, standing


def _settings(plan: Plan) -> dict[str, dict[str, str]]:
    history = {"HISTORY_CANDLES": history_minutes(plan.strategy), "HISTORY_COUNTED_MINUTES": HISTORY_MINUTES}
    chosen = {
        "STRATEGIES": plan.strategy.label,
        "PARAMETERS": json.dumps({plan.strategy.label: plan.parameters} if plan.parameters else {}),
        **({"NEWS": str(plan.news.resolve())} if plan.news else {}),
    }
    return {
        "feed": {name: str(value) for name, value in history.items()},
        **PATIENT,
        "signals": {**PATIENT["signals"], **chosen},
    }


# --- the backtest -----------------------------------------------------------------------------------------------------


def _known_s(plan: Plan, telling: Telling) -> int:
    """Guess from where the rooms will know candles; what they did know is asked of them afterwards."""
    reach_s = history_minutes(plan.strategy) * 60
    return max(telling.venue.book.first_day * 86_400, telling.live_ms // 1000 - reach_s)


def _tested(plan: Plan, telling: Telling, known_s: int, trade_plan: str | None = None) -> BacktestResult:
    """Run the backtest over what the venue told, as it told it."""
    rules = Rules(
        instrument=find_instrument(SYMBOL),
        plan=read_plan(trade_plan) if trade_plan else STANDARD,
        silence_ms=SILENCE_MS,
        grace_ms=GRACE_MS,
        from_ms=telling.live_ms,
        until_ms=telling.until_ms,
    )
    market = market_of(SYMBOL, telling.ticks(known_s), plan.strategy.interval)
    return run_backtest(plan.strategy, replace(market, calendar=plan.calendar), rules)


def _plan_of(seen: Witness) -> str | None:
    """Tell how the positions room was told to manage this subscriber's trades."""
    return seen.proposed[0].plan if seen.proposed else None


# --- kills ------------------------------------------------------------------------------------------------------------


def _kills(plan: Plan, telling: Telling, aims: BacktestResult) -> list[Kill]:
    """Aim at the worst moments near the middle: signals with a signal in hand, positions with an exit."""
    middle_ms = telling.live[len(telling.live) // 2].epoch_ms
    moments = {"signals": _opening(aims), "positions": _closing(aims)}
    return [
        Kill(room, min(moments.get(room, []), key=lambda at_ms: abs(at_ms - middle_ms), default=middle_ms))
        for room in plan.restarts
    ]


def _opening(aims: BacktestResult) -> list[int]:
    """List the ends of candles whose signal became a trade."""
    opened = {trade.id for trade in aims.trades}
    length_s = aims.interval.seconds
    return [(one.candle_open_s + length_s) * 1000 for one in aims.signals if one.id in opened]


def _closing(aims: BacktestResult) -> list[int]:
    """List the minutes in which a trade ended."""
    return [trade.closed_ms // 60_000 * 60_000 for trade in aims.trades]


def run(
    plan: Plan,
    telling: Telling,
    aims: BacktestResult,
    *,
    tell: Callable[[str, str], None],
    told: Callable[[int], None],
) -> Replayed:
    """Replay, from a thread that has no loop yet."""
    return asyncio.run(replay(plan, telling, aims, tell=tell, told=told))
