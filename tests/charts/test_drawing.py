"""The handler on the memory bus: one render per key, never late, failures by their fate."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest

from chassis.bus import Stored
from chassis.clock import ManualClock
from chassis.consume import consume
from chassis.errors import AskFailedError, RejectedError, TransientError
from chassis.memory_bus import MemoryBus
from contracts import catalogue
from contracts.asks import GetSeries, Series
from contracts.messages import ChartDrawn, DrawChart, Interval
from services.charts.domain.instrument import Instrument
from services.charts.domain.scene import Scene
from services.charts.handlers import ChartDrawer, Style
from services.charts.ports import RenderFailedError
from tests.charts.builders import levels, series, wave

KEY = "k" * 32
SHOWN = series(wave(220))


class PaperRenderer:
    """Draws by naming the scene; holds while `gate` is closed, fails as often as it is told."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.failures = 0
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()
        self.gate.set()

    async def render(self, scene: Scene) -> bytes:
        self.scenes.append(scene)
        self.begun.set()
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise RenderFailedError("no picture today", delay_s=0.1)
        return b"PNG of " + scene.backdrop.encode()


class SignalsRoom:
    """Answers for the series as the signals room does."""

    def __init__(self, shown: Series) -> None:
        self.shown = shown
        self.asked: list[GetSeries] = []
        self.refusals = 0

    async def series(self, question: GetSeries) -> Series:
        self.asked.append(question)
        if self.refusals:
            self.refusals -= 1
            raise AskFailedError("no_candles", "none then")
        return self.shown


class Room:
    """All that a test of the handler needs."""

    def __init__(self, style: Style | None = None) -> None:
        self.clock = ManualClock()
        self.bus = MemoryBus(self.clock)
        self.signals = SignalsRoom(SHOWN)
        self.renderer = PaperRenderer()
        self.drawer = ChartDrawer(self.bus, self.renderer, self.clock, style or Style(watermark="@SinyalBot"))

    def wish(self, **changes: object) -> DrawChart:
        made = DrawChart(
            id=f"draw:{KEY}",
            at=self.clock.now(),
            trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
            key=KEY,
            symbol="XAUUSD",
            interval=Interval.M1,
            until_s=SHOWN.open_time_s[-1],
            language="id",
            time_zone="Asia/Jakarta",
            levels=levels(SHOWN.close[-1]),
            expires_at=self.clock.now() + timedelta(seconds=60),
        )
        return msgspec.structs.replace(made, **changes)

    async def draw(self, wish: DrawChart) -> None:
        async with self.bus.answer(catalogue.SERIES, self.signals.series):
            await self.drawer.draw(wish, Stored("chart.v1.x", b"", {}, 1, self.clock.now()))

    async def picture(self) -> bytes | None:
        return await self.bus.get(catalogue.CHART_PICTURES, KEY)


@asynccontextmanager
async def working(room: Room, concurrency: int = 2):
    """Consume requests while the context is open."""
    async with room.bus.answer(catalogue.SERIES, room.signals.series), asyncio.TaskGroup() as group:
        work = group.create_task(
            consume(
                room.bus,
                catalogue.CHARTS_DRAW,
                {catalogue.CHART: room.drawer.draw},
                clock=room.clock,
                concurrency=concurrency,
            )
        )
        yield work
        work.cancel()


async def settled(room: Room) -> None:
    """Wait until no request is unsettled, moving the clock on so that delays pass."""
    async with asyncio.timeout(60):
        while room.bus.waiting(catalogue.CHARTS_DRAW):
            room.clock.advance(0.5)
            await asyncio.sleep(0.006)


async def test_a_request_becomes_a_picture_in_the_store_and_is_told():
    room = Room()

    async with room.bus.listen(catalogue.DRAWN) as told:
        await room.draw(room.wish())
        drawn = await anext(told)

    assert await room.picture() == b"PNG of XAUUSD, M1"
    assert isinstance(drawn, ChartDrawn)
    assert (drawn.key, drawn.size_bytes) == (KEY, 17)
    assert drawn.trace.split("-")[1] == "a" * 32
    assert room.signals.asked == [
        GetSeries(symbol="XAUUSD", interval=Interval.M1, count=120, until_s=SHOWN.open_time_s[-1])
    ]


async def test_the_picture_speaks_the_readers_language_zone_and_instrument():
    room = Room(Style(instruments={"XAUUSD": Instrument(3, 0.01)}))

    await room.draw(room.wish(language="en", time_zone="UTC"))

    scene = room.renderer.scenes[0]
    words = "".join(span.text for text in scene.texts for span in text.spans)
    assert "UTC" in words
    assert "Score" in words
    assert scene.tags[0].value == f"{SHOWN.close[-1] - 2:.2f}0"


async def test_an_unknown_symbol_is_written_as_its_prices_are():
    room = Room()
    room.signals.shown = msgspec.structs.replace(SHOWN, symbol="EURUSD", close=[1.09504] * 120)

    await room.draw(room.wish(symbol="EURUSD", levels=None))

    assert room.renderer.scenes[0].tags[0].value == "1.09504"


async def test_a_picture_that_is_there_is_told_again_but_not_drawn_again():
    room = Room()

    await room.draw(room.wish())
    await room.draw(room.wish())

    assert len(room.renderer.scenes) == 1
    assert len(room.bus.said(catalogue.DRAWN)) == 2


async def test_an_expired_request_is_dropped():
    room = Room()
    wish = room.wish()
    room.clock.advance(61)

    await room.draw(wish)

    assert room.renderer.scenes == []
    assert room.bus.said(catalogue.DRAWN) == []
    assert await room.picture() is None


async def test_without_a_series_it_is_tried_again():
    room = Room()
    room.signals.refusals = 1
    with pytest.raises(TransientError, match="no_candles"):
        await room.draw(room.wish())

    room.signals.shown = series(wave(1))
    for name in ("open_time_s", "open", "high", "low", "close", "volume"):
        room.signals.shown = msgspec.structs.replace(room.signals.shown, **{name: []})
    room.signals.shown = msgspec.structs.replace(room.signals.shown, indicators={})
    with pytest.raises(TransientError, match="no candle"):
        await room.draw(room.wish())


async def test_nobody_who_answers_for_the_series_is_a_later_try():
    room = Room()

    with pytest.raises(TransientError):
        await room.drawer.draw(room.wish(), Stored("chart.v1.x", b"", {}, 1, room.clock.now()))


async def test_a_series_that_does_not_reach_the_candle_is_waited_for_but_not_for_ever():
    room = Room()
    wish = room.wish(until_s=SHOWN.open_time_s[-1] + 60)

    with pytest.raises(TransientError, match="does not reach"):
        await room.draw(wish)
    room.clock.advance(11)
    await room.draw(wish)

    assert await room.picture() is not None


async def test_what_can_never_be_drawn_is_rejected():
    room = Room()
    with pytest.raises(RejectedError, match="Mars/Olympus"):
        await room.draw(room.wish(time_zone="Mars/Olympus"))
    with pytest.raises(RejectedError, match="no time zone"):
        await room.draw(room.wish(time_zone="../etc/passwd"))

    room.signals.shown = msgspec.structs.replace(SHOWN, high=SHOWN.high[1:])
    with pytest.raises(RejectedError, match="119"):
        await room.draw(room.wish())


async def test_a_failed_render_is_delivered_again_until_it_is_drawn():
    room = Room()
    room.renderer.failures = 2

    async with working(room):
        await room.bus.publish(catalogue.CHART, room.wish(), KEY)
        await settled(room)

    assert len(room.renderer.scenes) == 3
    assert await room.picture() is not None
    assert room.bus.said(catalogue.DEAD) == []


async def test_two_hundred_wishes_for_one_picture_are_one_render():
    room = Room()
    room.renderer.gate.clear()

    async with working(room):
        for number in range(200):
            await room.bus.publish(catalogue.CHART, room.wish(id=f"draw:{KEY}:{number}"), KEY)
        room.renderer.gate.set()
        await settled(room)
        await room.bus.publish(catalogue.CHART, room.wish(id=f"draw:{KEY}:late"), KEY)
        await settled(room)

    assert len(room.renderer.scenes) == 1


async def test_two_copies_share_the_work():
    room, other = Room(), PaperRenderer()
    copy = ChartDrawer(room.bus, other, room.clock, Style())
    room.renderer.gate.clear()
    other.gate.clear()

    async with working(room, concurrency=1) as _, asyncio.TaskGroup() as group:
        second = group.create_task(
            consume(room.bus, catalogue.CHARTS_DRAW, {catalogue.CHART: copy.draw}, clock=room.clock)
        )
        for number in range(8):
            key = f"{number}" * 32
            await room.bus.publish(catalogue.CHART, room.wish(id=f"draw:{key}", key=key), key)
        async with asyncio.timeout(60):
            await room.renderer.begun.wait()
            await other.begun.wait()
        room.renderer.gate.set()
        other.gate.set()
        await settled(room)
        second.cancel()

    assert len(room.renderer.scenes) + len(other.scenes) == 8


async def test_leaving_finishes_what_is_in_hand_and_gives_the_rest_back():
    room = Room()
    room.renderer.gate.clear()

    async with room.bus.answer(catalogue.SERIES, room.signals.series), asyncio.TaskGroup() as group:
        drawing = group.create_task(room.drawer.draw(room.wish(), Stored("chart.v1.x", b"", {}, 1, room.clock.now())))
        async with asyncio.timeout(60):
            await room.renderer.begun.wait()
        room.drawer.leave()
        assert room.drawer.in_hand == 1
        with pytest.raises(TransientError, match="leaving"):
            await room.draw(room.wish(key="other"))
        room.renderer.gate.set()
        async with asyncio.timeout(60):
            await room.drawer.idle()
        await drawing

    assert await room.picture() is not None
    assert room.drawer.in_hand == 0
