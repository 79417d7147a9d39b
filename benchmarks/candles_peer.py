"""The peer's half of `benchmarks/candles.py`: nautilus_trader's TimeBarAggregator, in the peer's own environment.

Called with a file of three columns (int64 epoch_ms, float64 bid, float64 ask) and their length. For each line on
standard input one round is measured and told as a line of JSON. `best` moves its clock once a minute, which is the
least it needs to close its bars in time; `each` moves it at every quote, as its backtest engine does.
"""

import gc
import json
import sys
import time
from array import array
from pathlib import Path

from nautilus_trader.common.component import TestClock
from nautilus_trader.data.aggregation import TimeBarAggregator
from nautilus_trader.model.currencies import USD, XAU
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.identifiers import InstrumentId, Symbol
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Price, Quantity

NAME = "XAUUSD.SIM"
INTERVALS = ("1-MINUTE", "5-MINUTE", "15-MINUTE", "1-HOUR")
MILLISECOND_NS, MINUTE_NS = 1_000_000, 60_000_000_000
DECIMALS = 3


def read_ticks(path: Path, count: int) -> list[QuoteTick]:
    """The quotes as the peer's own objects."""
    moments, bids, asks = array("q"), array("d"), array("d")
    with path.open("rb") as file:
        for column in (moments, bids, asks):
            column.fromfile(file, count)
    name, one = InstrumentId.from_str(NAME), Quantity.from_int(1)
    return [
        QuoteTick(name, Price(bid, DECIMALS), Price(ask, DECIMALS), one, one, ms * MILLISECOND_NS, ms * MILLISECOND_NS)
        for ms, bid, ask in zip(moments, bids, asks, strict=True)
    ]


def instrument() -> CurrencyPair:
    """Gold."""
    step, lot = Price(0.001, DECIMALS), Quantity.from_int(1)
    return CurrencyPair(InstrumentId.from_str(NAME), Symbol("XAUUSD"), XAU, USD, DECIMALS, 0, step, lot, 0, 0)


def measure(ticks: list[QuoteTick], *, at_every_tick: bool) -> tuple[float, list[Bar]]:
    """CPU seconds of one round and the bars of all intervals, those of empty minutes left out."""
    clock, bars = TestClock(), []
    clock.set_time(ticks[0].ts_event)
    aggregators = [
        TimeBarAggregator(
            instrument(),
            BarType.from_str(f"{NAME}-{interval}-MID-INTERNAL"),
            bars.append,
            clock,
            interval_type="right-open",
            build_with_no_updates=False,
        )
        for interval in INTERVALS
    ]
    first, second, third, fourth = (aggregator.handle_quote_tick for aggregator in aggregators)
    due_ns = 0
    started = time.process_time()
    for tick in ticks:
        now_ns = tick.ts_event
        if at_every_tick or now_ns >= due_ns:
            for event in clock.advance_time(now_ns):
                event.handle()
            due_ns = now_ns - now_ns % MINUTE_NS + MINUTE_NS
        first(tick)
        second(tick)
        third(tick)
        fourth(tick)
    return time.process_time() - started, bars


def row(bar: Bar) -> list[float]:
    """Open time in seconds, and prices. The open time is told from the close: after minutes without quotes the peer's
    own `ts_event` is that of the first empty one."""
    return [bar.ts_init // 1_000_000_000 - 60, *map(float, (bar.open, bar.high, bar.low, bar.close))]


def main() -> None:
    """Measure as often as asked."""
    ticks = read_ticks(Path(sys.argv[1]), int(sys.argv[2]))
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        seconds, bars = measure(ticks, at_every_tick=line.strip() == "each")
        minutes = [row(bar) for bar in bars if "1-MINUTE" in str(bar.bar_type)]
        sys.stdout.write(json.dumps({"seconds": seconds, "minutes": minutes}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
