"""Draws what is asked for: once per key, never late, never from numbers of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from chassis import metrics
from chassis.bus import Bus, Stored
from chassis.clock import Clock
from chassis.errors import AskFailedError, RejectedError, TransientError
from chassis.trace import child_trace
from contracts import catalogue
from contracts.asks import GetSeries, Series
from contracts.messages import ChartDrawn, DrawChart, DrawCurve
from services.charts.domain.composition import compose
from services.charts.domain.curve import CurvePicture, compose_curve
from services.charts.domain.instrument import KNOWN, Instrument, infer
from services.charts.domain.request import BrokenSeriesError, NothingToDrawError, Picture
from services.charts.domain.scene import CurveScene, Scene
from services.charts.ports import Renderer

_PATIENCE = timedelta(seconds=10)
"""How long a request waits for its own candle; then what there is, is drawn."""
_RETRY_S = 1.0

Compose = Callable[[], Awaitable[Scene | CurveScene]]

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Style:
    """What all pictures of this room have in common. `instruments` go before those the room knows itself."""

    candles: int = 120
    watermark: str = ""
    instruments: Mapping[str, Instrument] = field(default_factory=dict)

    def instrument(self, series: Series) -> Instrument:
        """Find how the symbol's prices are written; guess from them where nobody said."""
        known = self.instruments.get(series.symbol) or KNOWN.get(series.symbol)
        return known or infer(series.close)


class ChartDrawer:
    """Handles DrawChart and DrawCurve. After `leave` it takes nothing more; `idle` waits for what is in hand."""

    def __init__(self, bus: Bus, renderer: Renderer, clock: Clock, style: Style) -> None:
        self._bus = bus
        self._renderer = renderer
        self._clock = clock
        self._style = style
        self._is_leaving = False
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def leave(self) -> None:
        """Give what comes from now on back to the broker, for another copy."""
        self._is_leaving = True

    async def idle(self) -> None:
        """Wait until nothing is in hand."""
        await self._idle.wait()

    @property
    def in_hand(self) -> int:
        """How many requests are being worked on."""
        return self._in_hand

    async def draw(self, wish: DrawChart, stored: Stored) -> None:  # noqa: ARG002  # the handler's shape
        """Put the picture into the store and tell.

        Raises:
            TransientError: the series or the picture cannot be had now, or this copy is leaving.
            RejectedError: the request can never be drawn.
        """
        await self._draw(wish, lambda: self._chart_scene(wish))

    async def draw_curve(self, wish: DrawCurve, stored: Stored) -> None:  # noqa: ARG002  # the handler's shape
        """Put the picture of an equity curve into the store and tell. Raises as `draw` does."""
        await self._draw(wish, lambda: self._curve_scene(wish))

    async def _draw(self, wish: DrawChart | DrawCurve, compose_scene: Compose) -> None:
        if self._is_leaving:
            raise TransientError("this copy is leaving", delay_s=_RETRY_S)
        with self._counted():
            await self._draw_once(wish, compose_scene)

    async def _draw_once(self, wish: DrawChart | DrawCurve, compose_scene: Compose) -> None:
        if wish.expires_at is not None and wish.expires_at <= self._clock.now():
            metrics.CHARTS.labels("expired").inc()
            logger.info("chart.dropped", key=wish.key, symbol=wish.symbol or "", reason="expired")
            return
        png = await self._bus.get(catalogue.CHART_PICTURES, wish.key)
        if png is None:
            png = await self._drawn(wish, compose_scene)
            await self._bus.put(catalogue.CHART_PICTURES, wish.key, png)
        else:
            metrics.CHARTS.labels("kept").inc()
        await self._tell(wish, len(png))

    async def _drawn(self, wish: DrawChart | DrawCurve, compose_scene: Compose) -> bytes:
        started = time.perf_counter()
        png = await self._renderer.render(await compose_scene())
        took_ms = round((time.perf_counter() - started) * 1000, 1)
        metrics.CHARTS.labels("drawn").inc()
        logger.info("chart.drawn", key=wish.key, symbol=wish.symbol or "", took_ms=took_ms, count=len(png))
        return png

    async def _chart_scene(self, wish: DrawChart) -> Scene:
        picture = self._picture(wish, await self._series(wish))
        try:
            return compose(picture)
        except NothingToDrawError as e:
            raise TransientError(str(e), delay_s=_RETRY_S) from e
        except BrokenSeriesError as e:
            raise RejectedError(str(e)) from e

    async def _curve_scene(self, wish: DrawCurve) -> CurveScene:
        try:
            return compose_curve(CurvePicture(wish, _zone(wish.time_zone), self._style.watermark))
        except (NothingToDrawError, BrokenSeriesError) as e:
            raise RejectedError(str(e)) from e

    def _picture(self, wish: DrawChart, series: Series) -> Picture:
        return Picture(
            series=series,
            instrument=self._style.instrument(series),
            language=wish.language,
            zone=_zone(wish.time_zone),
            watermark=self._style.watermark,
            levels=wish.levels,
        )

    async def _series(self, wish: DrawChart) -> Series:
        """Ask for the very numbers the strategy judged, up to the candle of the request."""
        question = GetSeries(
            symbol=wish.symbol, interval=wish.interval, count=self._style.candles, until_s=wish.until_s
        )
        try:
            series = await self._bus.ask(catalogue.SERIES, question)
        except AskFailedError as e:
            raise TransientError(f"no series ({e.code}): {e}", delay_s=_RETRY_S) from e
        is_young = self._clock.now() - wish.at < _PATIENCE
        if is_young and series.open_time_s and series.open_time_s[-1] < wish.until_s:
            raise TransientError("the series does not reach the candle yet", delay_s=_RETRY_S)
        return series

    async def _tell(self, wish: DrawChart | DrawCurve, size_bytes: int) -> None:
        drawn = ChartDrawn(
            id=f"drawn:{wish.key}",
            at=self._clock.now(),
            trace=child_trace(wish.trace),
            key=wish.key,
            size_bytes=size_bytes,
        )
        await self._bus.tell(catalogue.DRAWN, drawn, wish.key)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._in_hand += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._idle.set()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise RejectedError(f"{name!r} is no time zone") from e
