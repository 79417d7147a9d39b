"""Puts the charts room together: the only file that knows every part."""

import asyncio
import logging
import os

from chassis.bus import Bus
from chassis.consume import consume
from chassis.errors import StartError
from chassis.health import Check
from chassis.lifecycle import Stage
from chassis.nats_bus import connect
from contracts import catalogue
from services.charts.adapters.choreographer_browser import Launch
from services.charts.adapters.chromium_folder import RootTooDeepError, check_root
from services.charts.adapters.chromium_process import BrowserNotFoundError, find_browser
from services.charts.adapters.kaleido_renderer import KaleidoRenderer, Limits
from services.charts.domain.composition import compose
from services.charts.domain.instrument import Instrument
from services.charts.domain.sample import sample_picture
from services.charts.handlers import ChartDrawer, Style
from services.charts.ports import RenderFailedError
from services.charts.settings import ChartsSettings

CURVES_AT_ONCE = 1
"""However many people look at their results, a signal's chart finds a tab."""


async def main(settings: ChartsSettings, stage: Stage) -> None:
    """Draw until `stage.stop` is set; then finish what is in hand, give the rest back, leave nothing behind."""
    # the browser's own chatter; what matters is said by the renderer
    logging.getLogger("choreographer").setLevel(logging.CRITICAL)
    seed = settings.nats_seed.get_secret_value() if settings.nats_seed else None
    renderer = KaleidoRenderer(launch(settings), limits(settings))
    async with connect(settings.nats_url, name="charts", seed=seed) as bus:
        stage.health.add("bus", lambda: check_bus(bus))
        stage.health.add("browser", lambda: check_browser(renderer))
        try:
            await open_warm(renderer, settings)
            await serve(bus, renderer, settings, stage)
        finally:
            await renderer.close()


async def open_warm(renderer: KaleidoRenderer, settings: ChartsSettings) -> None:
    """Open the browser and draw one picture in every tab, so that no subscriber waits for the first.

    Raises:
        StartError: it does not come up or does not draw.
    """
    try:
        await renderer.open()
        scene = compose(sample_picture())
        await asyncio.gather(*(renderer.render(scene) for _ in range(settings.tabs)))
    except RenderFailedError as e:
        raise StartError(
            f"SINYAL_CHARTS_BROWSER: {find_browser(settings.browser)} does not draw: {e} "
            "(in a container without user namespaces, SINYAL_CHARTS_BROWSER_SANDBOX=off)"
        ) from e


async def serve(bus: Bus, renderer: KaleidoRenderer, settings: ChartsSettings, stage: Stage) -> None:
    """Consume requests until asked to stop."""
    drawer = ChartDrawer(bus, renderer, stage.clock, style(settings))
    charts = {catalogue.CHART: drawer.draw}
    curves = {catalogue.CURVE: drawer.draw_curve}
    async with asyncio.TaskGroup() as group:
        works = [
            group.create_task(consume(bus, reader, handlers, clock=stage.clock, concurrency=at_once))
            for reader, handlers, at_once in (
                (catalogue.CHARTS_DRAW, charts, settings.tabs),
                (catalogue.CHARTS_CURVES, curves, CURVES_AT_ONCE),
            )
        ]
        await stage.stop.wait()
        drawer.leave()
        await asyncio.wait({group.create_task(drawer.idle())}, timeout=settings.finish_s)
        for work in works:
            work.cancel()


def launch(settings: ChartsSettings) -> Launch:
    """Decide how browsers are started.

    Raises:
        StartError: no browser, or a folder whose path is too long; names the setting.
    """
    try:
        check_root(settings.temp_folder)
    except RootTooDeepError as e:
        raise StartError(f"SINYAL_CHARTS_TEMP_FOLDER: {e}") from e
    try:
        browser = find_browser(settings.browser)
    except BrowserNotFoundError as e:
        raise StartError(f"SINYAL_CHARTS_BROWSER: {e}") from e
    is_sandboxed = {"on": True, "off": False, "auto": os.geteuid() != 0}[settings.browser_sandbox]
    return Launch(browser, is_sandboxed, settings.temp_folder)


def limits(settings: ChartsSettings) -> Limits:
    """Translate the settings."""
    return Limits(
        tabs=settings.tabs,
        render_s=settings.render_limit_s,
        open_s=settings.open_limit_s,
        renders=settings.renders_per_browser,
        memory_mb=settings.browser_memory_mb,
    )


def style(settings: ChartsSettings) -> Style:
    """Translate the settings."""
    instruments = {symbol: Instrument(told.digits, told.pip) for symbol, told in settings.instruments.items()}
    return Style(candles=settings.candles, watermark=settings.watermark, instruments=instruments)


def check_bus(bus: Bus) -> Check:
    """Tell whether the broker can be reached."""
    return Check(bus.is_connected, "" if bus.is_connected else "the broker cannot be reached")


def check_browser(renderer: KaleidoRenderer) -> Check:
    """Tell whether a browser is open; a dead one is replaced by the next request, so this heals itself."""
    return Check(renderer.is_open, "" if renderer.is_open else "no browser is open", renderer.facts)
