"""The peers' half of `benchmarks/research.py`, each in the environment that it is installed in.

Called with the peer's name, a file of six columns (int64 open_s, float64 open, high, low, close, volume) and their
length. For each line on standard input one round is measured and told as a line of JSON: CPU seconds, and the trades
as rows of entry candle, side (1 or -1), entry price, exit candle, exit price. Every peer is written as its own
documentation does, in the fastest way found: indicators are its own, logs and pictures are off, and what only has to
be made once (instrument, bars, table) is made before the clock runs.

The strategy: EMA 20 crosses EMA 50, and RSI 14 on plain means stands above 50 for a BUY, below for a SELL; it enters
at the close, one position at a time, with its stop at 1 % and its target at 2 %.
"""

import gc
import json
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# Each peer is imported where it is used: no environment holds all of them.
# ruff: noqa: PLC0415

STOP, TARGET = 0.01, 0.02
FAST, SLOW, STRENGTH, MIDDLE = 20, 50, 14, 50.0
Round = tuple[float, list[list[float]]]


def read_columns(path: Path, count: int) -> dict[str, np.ndarray]:
    """The candles in columns."""
    columns: dict[str, np.ndarray] = {}
    with path.open("rb") as file:
        for name in ("open_s", "open", "high", "low", "close", "volume"):
            column = array("q" if name == "open_s" else "d")
            column.fromfile(file, count)
            columns[name] = np.array(column)
    return columns


def backtesting(columns: dict[str, np.ndarray]) -> Callable[[], Round]:
    """backtesting.py: `Backtest.run()`, with indicators through `Strategy.I` on pandas, as its manual shows."""
    import warnings

    import pandas as pd
    from backtesting import Backtest, Strategy
    from backtesting import backtesting as module

    module._tqdm = lambda items, **_: items  # noqa: SLF001  # its progress bar costs, and ours is off as well
    warnings.simplefilter("ignore")

    def average(close: Any, period: int) -> Any:
        return pd.Series(close).ewm(span=period, adjust=False, min_periods=period).mean()

    def strength(close: Any) -> Any:
        change = pd.Series(close).diff()
        rises, falls = change.clip(lower=0).rolling(STRENGTH).mean(), (-change).clip(lower=0).rolling(STRENGTH).mean()
        return 100 - 100 / (1 + rises / falls)

    class Cross(Strategy):
        def init(self) -> None:
            self.fast = self.I(average, self.data.Close, FAST)
            self.slow = self.I(average, self.data.Close, SLOW)
            self.strength = self.I(strength, self.data.Close)

        def next(self) -> None:
            if self.position:
                return
            before, now = self.fast[-2] - self.slow[-2], self.fast[-1] - self.slow[-1]
            close = self.data.Close[-1]
            if before <= 0 < now and self.strength[-1] > MIDDLE:
                self.buy(size=1, sl=close * (1 - STOP), tp=close * (1 + TARGET))
            elif before >= 0 > now and self.strength[-1] < MIDDLE:
                self.sell(size=1, sl=close * (1 + STOP), tp=close * (1 - TARGET))

    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    table = pd.DataFrame({shown: columns[name] for name, shown in names.items()})
    table.index = pd.to_datetime(columns["open_s"], unit="s")

    def measure() -> Round:
        test = Backtest(table, Cross, cash=1e9, trade_on_close=True, finalize_trades=False)
        started = time.process_time()
        result = test.run()
        seconds = time.process_time() - started
        told = result["_trades"][["EntryBar", "Size", "EntryPrice", "ExitBar", "ExitPrice"]]
        return seconds, [[int(e), int(s), float(p), int(x), float(q)] for e, s, p, x, q in told.itertuples(index=False)]

    return measure


def nautilus(columns: dict[str, np.ndarray]) -> Callable[[], Round]:
    """nautilus_trader: `BacktestEngine` over bars with bracket orders; its logging and its risk checks are bypassed."""
    from decimal import Decimal

    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.common.config import LoggingConfig
    from nautilus_trader.indicators import ExponentialMovingAverage, MovingAverageType, RelativeStrengthIndex
    from nautilus_trader.model.currencies import USD, XAU
    from nautilus_trader.model.data import Bar, BarType
    from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import CurrencyPair
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.risk.config import RiskEngineConfig
    from nautilus_trader.trading.strategy import Strategy

    decimals, second_ns = 4, 1_000_000_000
    name, kind = InstrumentId.from_str("XAUUSD.SIM"), BarType.from_str("XAUUSD.SIM-1-MINUTE-MID-EXTERNAL")
    one, zero = Quantity.from_int(1), Decimal(0)
    instrument = CurrencyPair(
        name,
        Symbol("XAUUSD"),
        XAU,
        USD,
        decimals,
        0,
        Price(0.0001, decimals),
        one,
        0,
        0,
        maker_fee=zero,
        taker_fee=zero,
    )
    span_ns = int(columns["open_s"][1] - columns["open_s"][0]) * second_ns
    places = {int(open_s) * second_ns + span_ns: i for i, open_s in enumerate(columns["open_s"])}
    rows = zip(places, *(columns[n].tolist() for n in ("open", "high", "low", "close")), strict=True)
    bars = [Bar(kind, *(Price(p, decimals) for p in prices), one, ns, ns) for ns, *prices in rows]

    class Cross(Strategy):
        def __init__(self) -> None:
            super().__init__()
            self.fast, self.slow = ExponentialMovingAverage(FAST), ExponentialMovingAverage(SLOW)
            self.strength = RelativeStrengthIndex(STRENGTH, MovingAverageType.SIMPLE)
            self.before = 0.0

        def on_start(self) -> None:
            for indicator in (self.fast, self.slow, self.strength):
                self.register_indicator_for_bars(kind, indicator)
            self.subscribe_bars(kind)

        def on_bar(self, bar: Bar) -> None:
            before, self.before = self.before, self.fast.value - self.slow.value
            if not self.slow.initialized or not self.portfolio.is_flat(name):
                return
            strength = self.strength.value * 100  # the peer's scale is 0 to 1
            if before <= 0 < self.before and strength > MIDDLE:
                self.enter(OrderSide.BUY, float(bar.close), 1)
            elif before >= 0 > self.before and strength < MIDDLE:
                self.enter(OrderSide.SELL, float(bar.close), -1)

        def enter(self, side: OrderSide, close: float, sign: int) -> None:
            stop = Price(close * (1 - sign * STOP), decimals)
            target = Price(close * (1 + sign * TARGET), decimals)
            orders = self.order_factory.bracket(name, side, one, sl_trigger_price=stop, tp_price=target)
            self.submit_order_list(orders)

    def measure() -> Round:
        quiet, free = LoggingConfig(bypass_logging=True), RiskEngineConfig(bypass=True)
        engine = BacktestEngine(BacktestEngineConfig(logging=quiet, risk_engine=free, run_analysis=False))
        engine.add_venue(Venue("SIM"), OmsType.HEDGING, AccountType.MARGIN, [Money(1e9, USD)], base_currency=USD)
        engine.add_instrument(instrument)
        engine.add_data(bars, validate=False)
        engine.add_strategy(Cross())
        started = time.process_time()
        engine.run()
        seconds = time.process_time() - started
        trades = [
            [
                places[position.ts_opened],
                1 if position.entry == OrderSide.BUY else -1,
                float(position.avg_px_open),
                places[position.ts_closed],
                float(position.avg_px_close),
            ]
            for position in engine.cache.positions_closed()
        ]
        engine.dispose()
        return seconds, sorted(trades)

    return measure


def vectorbt(columns: dict[str, np.ndarray], engine: str) -> Callable[[], Round]:
    """vectorbt: `MA.run`, `RSI.run` and `Portfolio.from_signals`; the first call, which compiles, is not counted."""
    import pandas as pd
    import vectorbt as vbt

    vbt.settings["engine"] = engine
    index = pd.to_datetime(columns["open_s"], unit="s")
    opens, highs, lows, closes = (pd.Series(columns[n], index=index) for n in ("open", "high", "low", "close"))

    def run() -> Any:
        fast = vbt.MA.run(closes, FAST, ewm=True).ma.to_numpy()
        slow = vbt.MA.run(closes, SLOW, ewm=True).ma.to_numpy()
        strength = vbt.RSI.run(closes, STRENGTH).rsi.to_numpy()
        is_above, is_below = fast > slow, fast < slow
        rose, fell = is_above.copy(), is_below.copy()
        rose[1:] &= ~is_above[:-1] & ~np.isnan(slow[:-1])
        fell[1:] &= ~is_below[:-1] & ~np.isnan(slow[:-1])
        return vbt.Portfolio.from_signals(
            closes,
            entries=rose & (strength > MIDDLE),
            short_entries=fell & (strength < MIDDLE),
            open=opens,
            high=highs,
            low=lows,
            sl_stop=STOP,
            tp_stop=TARGET,
            size=1,
            init_cash=1e9,
            upon_opposite_entry="ignore",
        ).trades.records

    run()

    def measure() -> Round:
        started = time.process_time()
        records = run()
        seconds = time.process_time() - started
        closed = records[records["status"] == 1]
        rows = closed[["entry_idx", "direction", "entry_price", "exit_idx", "exit_price"]]
        return seconds, [
            [int(e), 1 - 2 * int(d), float(p), int(x), float(q)] for e, d, p, x, q in rows.itertuples(index=False)
        ]

    return measure


def talipp(columns: dict[str, np.ndarray]) -> Callable[[], Round]:
    """talipp: the same twelve indicators, fed candle by candle; in its quickest way: nothing old is purged."""
    from talipp.indicators import ADX, ATR, BB, EMA, MACD, RSI, DonchianChannels, KeltnerChannels, Stoch
    from talipp.ma import MAType
    from talipp.ohlcv import OHLCV

    names = ("open", "high", "low", "close", "volume")
    candles = [OHLCV(*row) for row in zip(*(columns[n].tolist() for n in names), strict=True)]

    def measure() -> Round:
        on_close = [EMA(5), EMA(10), EMA(20), EMA(50), RSI(14), MACD(12, 26, 9), BB(20, 2.0)]
        keltner = KeltnerChannels(20, 10, 2.0, 2.0, ma_type=MAType.EMA)
        on_candle = [Stoch(14, 3), ATR(14), ADX(14, 14), DonchianChannels(20), keltner]
        started = time.process_time()
        for candle in candles:
            close = candle.close
            for indicator in on_close:
                indicator.add(close)
            for indicator in on_candle:
                indicator.add(candle)
        return time.process_time() - started, []

    return measure


PEERS: dict[str, Callable[[dict[str, np.ndarray]], Callable[[], Round]]] = {
    "backtesting": backtesting,
    "nautilus": nautilus,
    "vectorbt": lambda columns: vectorbt(columns, "numba"),
    "vectorbt_rust": lambda columns: vectorbt(columns, "rust"),
    "talipp": talipp,
}


def main() -> None:
    """Measure as often as asked."""
    measure = PEERS[sys.argv[1]](read_columns(Path(sys.argv[2]), int(sys.argv[3])))
    gc.collect()
    gc.freeze()
    for _ in sys.stdin:
        seconds, trades = measure()
        sys.stdout.write(json.dumps({"seconds": seconds, "trades": trades}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
