"""How fast a strategy is run over the past: our event path and our vectorised path beside the field, in one run.

    python -m benchmarks.research [--candles FILE.csv] [--count 100000] [--rounds 5] [--only NAME ...]

The shipped `ema_cross` (EMA 20/50 cross, RSI 14 filter, stop 1 %, target 2 %) on the same candles as the same strategy
written for each peer as its manual shows (`research_peers.py`). All enter at the close of the candle of the cross, one
position at a time, without spread; all are held to the same trades, and a difference is told. Beside it, the cost of a
candle for twelve indicators fed one by one. Without a file, a seeded random walk with the volatility of gold is used.

Rounds of all alternate in one run; each is measured by its own CPU time, since the machine may be busy; the median of
the ratios counts. Exit status 1: trades differ, or a ratio is missed.
"""

import argparse
import gc
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.peers import ROOT, Environment, Peer
from cli.market_files import read_candle_file
from contracts.messages import Interval
from research.backtest import run_backtest
from research.collector import resting
from research.market import Candles, Market
from research.runs import run_in_parts
from research.statistics import summarise
from research.trades import Rules, Trade
from services.positions.domain.instrument import find_instrument
from services.positions.domain.plans import PLAIN
from services.signals.domain.classic import (
    Adx,
    Atr,
    Bollinger,
    ClassicMacd,
    ClassicStochastic,
    Donchian,
    Ema,
    Keltner,
    Rsi,
)
from services.signals.domain.strategies.ema_cross import EmaCross
from services.signals.domain.strategy import build_strategy

BUSY = Environment("peers", ("nautilus_trader", "backtesting", "talipp"))
VECTORBT = Environment("peers_vectorbt", ("vectorbt", "vectorbt_rust"))
MINUTE_SIGMA = 0.0003
"""Spread of a minute's return: gold moves about 1.1 % a day."""
SETTLED = 400
"""Candles after which every peer's averages have forgotten how they were begun."""
HALF_A_CENT = 0.0051
"""We round levels to the instrument's digits, peers do not."""

RULES = Rules(instrument=find_instrument("XAUUSD"), plan=PLAIN)
Row = list[float]
"""Entry candle, side (1 or -1), entry price, exit candle, exit price."""


@dataclass(frozen=True, slots=True)
class Match:
    """A peer beside one of our paths. `least` is the ratio that is promised."""

    ours: str
    peer: str
    environment: Environment
    words: str
    least: float


MATCHES = (
    Match("event path", "backtesting", BUSY, "backtesting.py 0.6.6", 10),
    Match("event path", "nautilus", BUSY, "nautilus_trader 1.221.0", 25),
    Match("vectorised path", "vectorbt", VECTORBT, "vectorbt 1.2.0, numba", 2),
    Match("vectorised path", "vectorbt_rust", VECTORBT, "vectorbt 1.2.0, rust", 1),  # an extra; told, little promised
    Match("12 indicators", "talipp", BUSY, "talipp 2.7.0", 10),
)


def walked(count: int) -> Candles:
    """Return a seeded random walk of one-minute candles in cents, four steps to a candle."""
    steps = np.random.default_rng(7).standard_normal((count, 4)) * MINUTE_SIGMA / 2
    path = np.round(2000 * np.exp(np.cumsum(steps.reshape(-1))), 2).reshape(count, 4)
    closes = path[:, 3]
    opens = np.concatenate([[2000.0], closes[:-1]])
    times_s = 1_700_000_040 + 60 * np.arange(count, dtype=np.int64)
    highs, lows = np.maximum(path.max(axis=1), opens), np.minimum(path.min(axis=1), opens)
    return Candles(Interval.M1, times_s, opens, highs, lows, closes, np.full(count, 60.0))


def copied(candles: Candles) -> Candles:
    """Return the same candles with nothing worked out beforehand."""
    it = candles
    return Candles(it.interval, it.open_time_s, it.open, it.high, it.low, it.close, it.volume)


def event_path(candles: Candles) -> tuple[float, list[Row]]:
    """CPU seconds of a whole backtest with its statistics, candle by candle, and its trades."""
    strategy, market = build_strategy(EmaCross, {}, candles.interval), Market("XAUUSD", copied(candles))
    started = time.process_time()
    result = run_backtest(strategy, market, RULES)
    summarise(result.trades, candle_ends_ms=market.candles.end_ms.tolist())
    return time.process_time() - started, rows_of(result.trades, candles)


def vectorised_path(candles: Candles) -> tuple[float, list[Row]]:
    """CPU seconds of one run of the search, and its trades."""
    strategy, market = build_strategy(EmaCross, {}, candles.interval), searched(candles)
    end_ms = int(candles.end_ms[-1])
    started = time.process_time()
    with resting():
        (trades,) = run_in_parts(strategy, market, RULES, [end_ms])
    return time.process_time() - started, rows_of(trades, candles)


@cache
def searched(candles: Candles) -> Market:
    """The market that a search runs over trial by trial; as the peers keep theirs, it is made once."""
    return Market("XAUUSD", copied(candles))


def twelve_indicators(candles: Candles) -> tuple[float, list[Row]]:
    """CPU seconds of feeding twelve indicators candle by candle."""
    rows = list(copied(candles).rows)
    indicators = [
        *(Ema(period) for period in (5, 10, 20, 50)),
        Rsi(14), ClassicMacd(), Bollinger(20, 2.0), ClassicStochastic(14, 3, 3), Atr(14), Adx(14), Donchian(20),
        Keltner(20, 10, 2.0),
    ]  # fmt: skip
    updates = [indicator.update for indicator in indicators]
    started = time.process_time()
    for row in rows:
        for update in updates:
            update(row)
    return time.process_time() - started, []


OURS: dict[str, Callable[[Candles], tuple[float, list[Row]]]] = {
    "event path": event_path,
    "vectorised path": vectorised_path,
    "12 indicators": twelve_indicators,
}


def rows_of(trades: tuple[Trade, ...], candles: Candles) -> list[Row]:
    """Write trades as the peers do."""
    opens_ms = candles.open_time_s * 1000
    return [
        [
            trade.candle,
            trade.side.sign,
            trade.entry,
            int(np.searchsorted(opens_ms, trade.closed_ms, "right")) - 1,
            trade.exit,
        ]
        for trade in trades
    ]


def differing(ours: list[Row], theirs: list[Row]) -> tuple[int, int, Row | None]:
    """Compare trades behind the warm-up: how many there are, how many differ, and the first that does."""
    mine, other = ({int(row[0]): row for row in rows if row[0] >= SETTLED} for rows in (ours, theirs))
    different = [
        mine.get(at) or other[at]
        for at in sorted(mine.keys() | other.keys())
        if at not in mine
        or at not in other
        or mine[at][1] != other[at][1]
        or mine[at][3] != other[at][3]
        or any(abs(mine[at][price] - other[at][price]) > HALF_A_CENT for price in (2, 4))
    ]
    return len(mine), len(different), next(iter(different), None)


def written(candles: Candles, path: Path) -> Path:
    """Write the columns for the peers."""
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    body = array("q", candles.open_time_s.tolist()).tobytes()
    path.write_bytes(body + b"".join(array("d", column.tolist()).tobytes() for column in columns))
    return path


def measured(candles: Candles, matches: tuple[Match, ...], rounds: int) -> bool:
    """Alternate all rounds and print what came out; returns whether everything is as promised."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(candles, Path(folder) / "candles")
        script = str(ROOT / "benchmarks" / "research_peers.py")
        peers = {
            one.peer: Peer([str(one.environment.python()), script, one.peer, str(path), str(len(candles))])
            for one in matches
        }
        seconds: dict[str, list[float]] = {}
        trades: dict[str, list[Row]] = {}
        gc.collect()
        gc.freeze()
        names = dict.fromkeys(one.ours for one in matches)
        for _ in range(rounds):
            for name in names:
                _keep(name, OURS[name](candles), seconds, trades)
            for name, peer in peers.items():
                _keep(name, peer.measure(), seconds, trades)
        for peer in peers.values():
            peer.close()
    print(f"{len(candles):,} candles, {rounds} rounds, median CPU time per candle")
    for name in names:
        print(f"{name:<28}{median(seconds[name]) / len(candles) * 1e6:>9.3f} µs  {_count(trades[name])}")
    kept = [_told(one, len(candles), seconds, trades) for one in matches]
    return all(kept)


def _keep(
    name: str, round_: tuple[float, list[Row]], seconds: dict[str, list[float]], trades: dict[str, list[Row]]
) -> None:
    seconds.setdefault(name, []).append(round_[0])
    trades[name] = round_[1]


def _told(one: Match, count: int, seconds: dict[str, list[float]], trades: dict[str, list[Row]]) -> bool:
    """Print one peer; returns whether the promise is kept and the trades are the same."""
    ratio = median(theirs / ours for theirs, ours in zip(seconds[one.peer], seconds[one.ours], strict=True))
    kept = "" if ratio >= one.least else f"  MISSED, promised {one.least:g}"
    cost = median(seconds[one.peer]) / count * 1e6
    print(f"{one.words:<28}{cost:>9.3f} µs  the {one.ours} is {ratio:.1f} times as fast{kept}")
    if not trades[one.peer]:
        return not kept
    alike, different, first = differing(trades[one.ours], trades[one.peer])
    example = "" if first is None else f", the first at candle {first[0]:.0f}"
    print(f"{'':<28}{_count(trades[one.peer])}: {alike} behind candle {SETTLED}, {different} of them differ{example}")
    return not kept and not different


def _count(trades: list[Row]) -> str:
    return f"{len(trades)} trades" if trades else ""


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.research", allow_abbrev=False)
    parser.add_argument("--candles", type=Path, help="a CSV of M1 candles; without it, a seeded random walk")
    parser.add_argument("--count", type=int, default=100_000, help="candles of the walk")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", help=f"peers: {', '.join(one.peer for one in MATCHES)}")
    options = parser.parse_args()
    candles = read_candle_file(options.candles, Interval.M1) if options.candles else walked(options.count)
    chosen = tuple(one for one in MATCHES if not options.only or one.peer in options.only)
    return 0 if measured(candles, chosen, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
