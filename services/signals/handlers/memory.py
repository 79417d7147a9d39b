"""What this copy of the room knows of the market, kept equal to the streams.

Copies of the room share one consumer, so each is handed only some of the candles. The stream is the truth. A candle
that follows the newest known one without a pause leaves nothing to miss; in every other case the history is read back
before anything is judged. That is also how the memory is rebuilt after a restart: one way in, the same state always.
"""

import asyncio
from typing import Any

import structlog

from chassis import metrics
from chassis.errors import TransientError
from contracts.messages import CandleClosed, FeedState, FeedStateChanged, Interval, Mode
from services.signals.domain.candle import Candle
from services.signals.domain.judged_series import JudgedSeries
from services.signals.domain.opinion import Evaluation, NoSignal
from services.signals.domain.protections import Calendar
from services.signals.domain.strategy import Strategy
from services.signals.ports import MarketArchive

FAILED = Evaluation(indicators={}, scores={}, verdicts=dict.fromkeys(Mode, NoSignal(("why.strategy_failed",))))
JUDGED_AT_ONCE = 25  # about 10 ms of work between two looks at the event loop

logger = structlog.get_logger()


class SeriesMemory:
    """One symbol and interval: candles, evaluations, and the newest message with its quote."""

    def __init__(self, symbol: str, interval: Interval, judged: JudgedSeries, archive: MarketArchive) -> None:
        """Know nothing yet; the first `sync` reads the history into `judged`, which is empty."""
        self.symbol = symbol
        self.interval = interval
        self.newest: CandleClosed | None = None
        self._judged = judged
        self._archive = archive
        self._may_miss_some = True
        self._failing: set[str] = set()

    @property
    def count(self) -> int:
        """Return how many candles are held."""
        return len(self._judged.history)

    def holds(self, open_time_s: int) -> bool:
        """Return whether the candle that opened at `open_time_s` is held."""
        return bool(self._judged.history.window(1, until_s=open_time_s))

    def window(self, count: int, *, until_s: int | None = None) -> list[Candle]:
        """Return the last `count` candles up to `until_s` (None: the newest), empty where none opened then."""
        return self._judged.history.window(count, until_s=until_s)

    def take(self, message: CandleClosed) -> None:
        """Remember a candle that came by itself, perhaps without its neighbours."""
        self._may_miss_some = True
        self._add(message)

    async def learn(self, message: CandleClosed) -> None:
        """Remember a candle and, where it may have neighbours that are not known, them too. Raises TransientError."""
        if self._may_miss_some:
            await self._read_all()
        elif self._follows(message):
            self._add(message)
        elif not self.holds(message.open_time_s):
            await self._read_all()

    async def sync(self) -> None:
        """Make sure that the newest candle of the stream and all before it are known. Raises TransientError."""
        if self._may_miss_some:
            await self._read_all()
            return
        for newest in await self._archive.latest_candles(self.symbol, self.interval, 1):
            await self.learn(newest)

    def evaluation(self, strategy: Strategy[Any], open_time_s: int) -> Evaluation:
        """Return what `strategy` says about a held candle; indicators are computed for the first asker only.

        One that fails says nothing, is told of once until it answers again, and must not stop the others.
        """
        known = self._judged.known(strategy, open_time_s)
        if known is not None:
            return known
        metrics.INDICATOR_UPDATES.labels(self.symbol, self.interval).inc()
        try:
            evaluation = self._judged.judge(strategy, open_time_s)
        except Exception:
            if strategy.label not in self._failing:  # told once, and not for each of a chart's five hundred candles
                logger.exception("strategy.failed", strategy=strategy.label, symbol=self.symbol)
            self._failing.add(strategy.label)
            metrics.STRATEGY_FAILING.labels(self.symbol, strategy.label).set(1)
            return FAILED
        if strategy.label in self._failing:
            self._failing.remove(strategy.label)
            metrics.STRATEGY_FAILING.labels(self.symbol, strategy.label).set(0)
            logger.info("strategy.recovered", strategy=strategy.label, symbol=self.symbol)
        return evaluation

    async def evaluations(self, strategy: Strategy[Any], candles: list[Candle]) -> list[Evaluation]:
        """Return what `strategy` says about each of `candles`, letting others run between portions."""
        told: list[Evaluation] = []
        for candle in candles:
            told.append(self.evaluation(strategy, candle.open_time_s))
            if len(told) % JUDGED_AT_ONCE == 0:
                await asyncio.sleep(0)  # yields; a long chart must not hold back a candle
        return told

    def _follows(self, message: CandleClosed) -> bool:
        newest = self.newest
        return newest is not None and message.open_time_s == newest.open_time_s + self.interval.seconds

    async def _read_all(self) -> None:
        self._may_miss_some = False  # before the question: what comes by itself while it is asked counts again
        try:
            kept = await self._archive.latest_candles(self.symbol, self.interval, self._judged.history.cap)
        except TransientError:
            self._may_miss_some = True
            raise
        for message in kept:
            self._add(message)

    def _add(self, message: CandleClosed) -> None:
        self._judged.add(_as_candle(message))
        if self.newest is None or message.open_time_s > self.newest.open_time_s:
            self.newest = message
        metrics.CANDLES_HELD.labels(self.symbol, self.interval).set(self.count)


class MarketMemory:
    """All series, and the state of each feed."""

    def __init__(self, archive: MarketArchive, *, candles_held: int, calendar: Calendar = ()) -> None:
        """Know nothing yet."""
        self._archive = archive
        self._calendar = calendar
        self._candles_held = candles_held
        self._series: dict[tuple[str, Interval], SeriesMemory] = {}
        self.feeds: dict[str, FeedState] = {}

    def series(self, symbol: str, interval: Interval) -> SeriesMemory:
        """Return the memory of one series, made on first use."""
        if (symbol, interval) not in self._series:
            judged = JudgedSeries(self._candles_held, calendar=self._calendar)
            self._series[symbol, interval] = SeriesMemory(symbol, interval, judged, self._archive)
        return self._series[symbol, interval]

    def held(self) -> dict[str, int]:
        """Return the number of candles held, by `<symbol>.<interval>`."""
        return {f"{symbol}.{interval}": series.count for (symbol, interval), series in self._series.items()}

    async def warm_up(self, symbol: str, strategy: Strategy[Any], *, charted: int) -> None:
        """Read all that is kept of `symbol` and judge the `charted` newest candles of each interval."""
        state = await self._archive.feed_state(symbol)
        if state is not None:
            self.feeds.setdefault(symbol, state)
        for interval in Interval:
            series = self.series(symbol, interval)
            await series.sync()
            await series.evaluations(strategy, series.window(charted))

    def hear_feed(self, message: FeedStateChanged) -> None:
        """Remember the state that a feed entered."""
        self.feeds[message.symbol] = message.state

    def is_live(self, symbol: str) -> bool:
        """Return whether prices of `symbol` are known to be live now."""
        return self.feeds.get(symbol) is FeedState.LIVE


def _as_candle(message: CandleClosed) -> Candle:
    return Candle(message.open_time_s, message.open, message.high, message.low, message.close, float(message.volume))
