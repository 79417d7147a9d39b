"""A hundred thousand broken frames of each dialect at the adapter and the symbol behind it: no crash, no nonsense.

Frames come over a socket that is none; all that the feed ever asks is under way all the time: answers are broken too.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
import structlog

from chassis.clock import ManualClock, MarketClock
from chassis.memory_bus import MemoryBus
from contracts import messages
from services.feed.adapters import deriv_venue
from services.feed.adapters.deriv_budget import RequestBudget
from services.feed.adapters.deriv_dialects import DIALECTS
from services.feed.adapters.deriv_link import DerivLink
from services.feed.adapters.deriv_venue import DerivSession
from services.feed.domain.backfill import minutes
from services.feed.domain.instruments import KNOWN
from services.feed.handlers import symbol_feed, teller
from services.feed.handlers.outlet import Outlet
from services.feed.handlers.symbol_feed import Patience, SymbolFeed
from services.feed.handlers.teller import Teller
from services.feed.ports import Heard, VenueLostError, VenueRefusedError, WrongVenueError
from tests.feed.builders import NOON_MS, a_bar, a_quote
from tests.feed.mutations import mutated

FRAMES = 100_000
NOON_S = NOON_MS // 1000
PRICES = (3_700.0, 4_300.0)
"""The tape is at 4000: with one digit wrong within five per cent a price is still one; all else is nonsense."""


class Ear(Outlet):
    """Hears what the feed says, and keeps only what is wrong with it."""

    def __init__(self, market: MarketClock) -> None:
        super().__init__(MemoryBus(ManualClock()))
        self.market = market
        self.counts: dict[str, int] = {}
        self.nonsense: list[Any] = []
        self.opens: dict[str, int] = {}
        self.told_ms = 0

    def put(self, topic: Any, message: Any, *tokens: object) -> None:
        """Judge a message."""
        self.counts[topic.name] = self.counts.get(topic.name, 0) + 1
        judge = {messages.Tick: self._tick, messages.CandleClosed: self._candle, messages.CandleCorrected: self._ohlc}
        if type(message) in judge and not judge[type(message)](message):
            self.nonsense.append(message)

    def show(self, quote: messages.Quote) -> None:
        """Leave it."""

    def _tick(self, tick: messages.Tick) -> bool:
        is_in_order = self.told_ms <= tick.epoch_ms <= self.market.now_ms() + symbol_feed.AHEAD_MARKET_MS
        self.told_ms = tick.epoch_ms
        return is_in_order and is_price(tick.bid) and is_price(tick.ask) and 0 <= tick.ask - tick.bid <= 10.0

    def _candle(self, candle: messages.CandleClosed) -> bool:
        is_newer = candle.open_time_s > self.opens.get(candle.interval, 0)
        self.opens[candle.interval] = candle.open_time_s
        is_past = (candle.open_time_s + candle.interval.seconds) * 1000 <= self.market.now_ms() + 60_000
        return is_newer and is_past and self._ohlc(candle)

    def _ohlc(self, candle: Any) -> bool:
        is_aligned = candle.open_time_s % candle.interval.seconds == 0
        lowest, highest = min(candle.open, candle.close), max(candle.open, candle.close)
        is_sound = candle.low <= lowest <= highest <= candle.high
        return is_aligned and is_sound and is_price(candle.low) and is_price(candle.high)


def is_price(price: float) -> bool:
    return math.isfinite(price) and PRICES[0] < price < PRICES[1]


class BrokenVenue:
    """A socket that answers what is asked, and mostly wrongly."""

    def __init__(self, dialect: str, market: MarketClock, clock: ManualClock) -> None:
        self.chance = Random(f"broken {dialect}")
        self.market = market
        self.clock = clock
        self.asked: dict[int, dict[str, Any]] = {}
        self.waiting: Mapping[int, Any] = {}
        name = DIALECTS[dialect].symbol_key
        hours = {"open": ["00:00:00"], "close": ["23:59:59"]}
        events = [{"dates": "Fridays", "descrip": "Closes early (at 21:55)"}]
        listed = {name: "frxXAUUSD", "pip_size": 0.01, "times": hours, "events": events, "trading_days": ["Mon", "Tue"]}
        markets = [{"name": "m", "submarkets": [{"name": "s", "symbols": [listed]}]}]
        self.answers: dict[str, Callable[[], dict[str, Any]]] = {
            "time": lambda: {"time": self.now_s},
            "ping": lambda: {"ping": "pong"},
            "active_symbols": lambda: {"active_symbols": [listed]},
            "trading_times": lambda: {"trading_times": {"markets": markets}},
            "ticks": self.tick,
            "forget_all": lambda: {"forget_all": ["a"]},
            "history": self.history,
            "candles": self.candles,
        }

    @property
    def now_s(self) -> int:
        return self.market.now_ms() // 1000

    def price(self) -> float:
        return round(4000 + 10 * math.sin(self.now_s / 900) + self.chance.random(), 2)

    def tick(self) -> dict[str, Any]:
        bid = self.price()
        tick = {"ask": round(bid + 0.3, 2), "bid": bid, "epoch": self.now_s, "id": "a", "pip_size": 2, "quote": bid}
        return {"msg_type": "tick", "subscription": {"id": "a"}, "tick": {**tick, "symbol": "frxXAUUSD"}}

    def history(self) -> dict[str, Any]:
        times = list(range(self.now_s - 12, self.now_s))
        return {"msg_type": "history", "history": {"prices": [self.price() for _ in times], "times": times}}

    def candles(self) -> dict[str, Any]:
        first = self.now_s // 60 * 60 - 240
        bars = [
            {"epoch": first + 60 * n, "open": 4000.1, "high": 4002.5, "low": 3999.0, "close": 4001} for n in range(5)
        ]
        return {"msg_type": "candles", "candles": bars}

    async def send(self, text: str) -> None:
        request = json.loads(text)
        self.asked[request["req_id"]] = request

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        for number in range(FRAMES):
            if number % 8 == 0:
                await asyncio.sleep(0)
            self.clock.advance(0.25)
            frame = self.answer() if number % 3 == 0 else self.tick()
            if number % 5 == 1:
                yield msgspec.json.encode(frame)
            yield mutated(frame, self.chance)

    def answer(self) -> dict[str, Any]:
        """Answer a question that still waits: the last answer was perhaps not recognised as one."""
        self.asked = {req_id: asked for req_id, asked in self.asked.items() if req_id in self.waiting}
        if not self.asked:
            return self.tick()
        request = self.asked[self.chance.choice(list(self.asked))]
        if self.chance.random() < 0.05:
            return {"error": {"code": "InternalError", "message": "no"}, "req_id": request["req_id"]}
        name = next(call for call in ("ticks_history", *self.answers) if call in request)
        kind = {"ticks": "history"}.get(request.get("style", ""), "candles") if name == "ticks_history" else name
        return {"msg_type": name, "echo_req": request, "req_id": request["req_id"], **self.answers[kind]()}


class Boundless(RequestBudget):
    """Time is not what is tried here."""

    def wait_s(self) -> float:
        """Wait for nothing."""
        return 0.0


class Trial:
    """The adapter and one symbol, live since noon."""

    def __init__(self, dialect: str) -> None:
        clock = ManualClock()
        self.market = MarketClock(clock)
        self.market.set(NOON_MS + 600_000)
        self.venue = BrokenVenue(dialect, self.market, clock)
        self.ear = Ear(self.market)
        link = DerivLink(self.venue, 1e9)  # type: ignore[arg-type]  # a socket as far as it is used
        self.venue.waiting = link._waiting
        self.session = DerivSession(link, DIALECTS[dialect], {"XAUUSD": "frxXAUUSD"}, Boundless())
        told = Teller("XAUUSD", "deriv", self.ear, clock, self.market)
        self.feed = SymbolFeed(KNOWN["XAUUSD"], told, clock, self.market, Patience())
        past = [a_quote(second, is_backfilled=True) for second in range(300, 600)]
        self.fill([a_bar(number) for number in range(5)], past)
        self.results = 0

    def fill(self, bars: list[Any], quotes: list[Any]) -> None:
        held_ms, now_ms = self.feed.held.folded_ms or 0, self.market.now_ms()
        self.feed.fill(minutes(bars, quotes, from_ms=held_ms, now_ms=now_ms, count=1000), held_ms)
        self.feed.release(now_ms)

    async def ask(self, question: Callable[[], Awaitable[Any]], use: Callable[[Any], None]) -> None:
        """Ask for ever; a refusal is as good as an answer."""
        with suppress(VenueLostError):  # the frames have ended
            while True:
                with suppress(VenueRefusedError, WrongVenueError):
                    use(await question())
                    self.results += 1

    def take_time(self, told_ms: int) -> None:
        assert datetime.fromtimestamp(told_ms / 1000, UTC).year in range(2000, 2101)

    def take_hours(self, hours: dict[str, Any]) -> None:
        for spans in hours.values():
            assert all(span.start_ms < span.end_ms for span in spans)
            self.feed.learn_hours(spans, self.market.now_ms())
            self.feed.calendar.next_open_ms(self.market.now_ms())

    async def run(self) -> None:
        session, feed, market = self.session, self.feed, self.market
        day = datetime(2026, 1, 5, tzinfo=UTC).date()
        async with asyncio.TaskGroup() as tasks:
            for question, use in (
                (session.check, lambda _: None),
                (session.market_ms, self.take_time),
                (session.ping, lambda _: None),
                (lambda: session.hours(day), self.take_hours),
                (lambda: session.subscribe("XAUUSD"), lambda _: None),
                (
                    lambda: session.history_quotes("XAUUSD", from_ms=feed.held.folded_ms or 0),
                    lambda quotes: self.fill([], quotes),
                ),
                (
                    lambda: session.history_bars("XAUUSD", from_s=market.now_ms() // 1000 - 600, count=9),
                    lambda bars: (self.fill(bars, []), feed.correct(bars, market.now_ms() - 60_000)),
                ),
            ):
                tasks.create_task(self.ask(question, use))  # type: ignore[arg-type]
            await self.listen()

    async def listen(self) -> None:
        with suppress(VenueLostError):
            async for item in self.session.quotes():
                if isinstance(item, Heard):
                    self.feed.hear(item.quote)
                if self.feed.repair_wanted.is_set():
                    self.feed.repair_wanted.clear()
                    self.feed.release(self.market.now_ms())


@pytest.mark.parametrize("dialect", ["new", "legacy"])
async def test_a_hundred_thousand_broken_frames_crash_nothing_and_are_not_believed(dialect, monkeypatch) -> None:
    def drop(*_: object) -> None:
        raise structlog.DropEvent

    for module in (teller, deriv_venue):
        monkeypatch.setattr(module, "logger", structlog.wrap_logger(None, processors=[drop]))
    trial = Trial(dialect)

    await trial.run()

    assert trial.ear.nonsense == []
    assert trial.ear.counts["tick"] > FRAMES / 8
    assert trial.ear.counts["candle"] > 300
    assert trial.results > FRAMES / 50
