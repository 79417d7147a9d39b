"""How a service starts, runs and ends.

It ends with 0 after SIGTERM or SIGINT, with 2 and one line on standard error when it cannot start, with 1 when
something failed that nobody expected. A stop that takes longer than its grace is cut short: what was in hand is
redelivered by the broker. What does not even heed that (a frozen database holds its clients for long) is left behind:
the process ends with 3.
"""

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from chassis import log
from chassis.clock import Clock, SystemClock
from chassis.errors import StartError
from chassis.health import Health
from chassis.pulse import beat
from chassis.settings import PREFIX, RoomSettings, load

S = TypeVar("S", bound=RoomSettings)

LAST_S = 4.0
"""How long a stop that was cut short may still take: with the grace less than the 15 s that compose waits."""
LEFT_BEHIND = 3
"""The exit code where that was not enough."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Stage:
    """What a room's wiring is given: the health endpoints, the clock, and the event that asks it to stop."""

    health: Health
    clock: Clock = field(default_factory=SystemClock)
    stop: asyncio.Event = field(default_factory=asyncio.Event)


Main = Callable[[S, Stage], Awaitable[None]]


def run(room: str, kind: type[S], main: Main[S]) -> None:
    """Run a room until it is told to stop, and exit the process."""
    try:
        settings = load(room, kind)
        log.configure(room, settings.log_level)
        code = asyncio.run(_live(room, settings, main))
    except StartError as e:
        sys.stderr.write(f"{room}: {e}\n")
        code = 2
    log.summarise_suppressed(at_end=True)
    sys.exit(code)


async def _live(room: str, settings: S, main: Main[S]) -> int:
    calm_collector()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _begin_to_stop, stop, settings.stop_grace_s)
    health = Health(room, host=settings.http_host, port=settings.http_port, setting=f"{PREFIX}{room.upper()}_HTTP_PORT")
    async with health:
        logger.info("service.started", instance=settings.instance, port=health.port)
        has_failed = False
        try:
            await _until_stopped(main(settings, Stage(health=health, stop=stop)), stop, settings.stop_grace_s)
        except* StartError as group:
            raise _first(group) from None
        except* Exception:
            logger.exception("service.failed")
            has_failed = True
    if has_failed:
        return 1
    logger.info("service.stopped", instance=settings.instance)
    return 0


def calm_collector() -> None:
    """Leave what was imported out of every collection, and make the full ones rare: they stop the loop for 70-80 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _until_stopped(work: Awaitable[None], stop: asyncio.Event, grace_s: float) -> None:
    """Run `work` until it returns; after `stop` it has `grace_s` left, then it is cancelled."""
    task = asyncio.ensure_future(work)
    waiter = asyncio.ensure_future(stop.wait())
    ticker = asyncio.ensure_future(_summarise())
    pulse = asyncio.ensure_future(beat())
    try:
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait({task}, timeout=grace_s)
        if not task.done():
            logger.warning("service.cut_short", delay_s=grace_s)
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        waiter.cancel()
        ticker.cancel()
        pulse.cancel()


def _begin_to_stop(stop: asyncio.Event, grace_s: float) -> None:
    """Ask everything to stop, and have a thread see to it that the process ends: it may be the loop that hangs."""
    stop.set()
    last = threading.Timer(grace_s + LAST_S, _leave)
    last.daemon = True
    last.start()


def _leave() -> None:
    logger.error("service.left_behind")
    log.summarise_suppressed(at_end=True)
    sys.stdout.flush()
    os._exit(LEFT_BEHIND)


async def _summarise() -> None:
    while True:
        await asyncio.sleep(1)
        log.summarise_suppressed()


def _first(group: BaseExceptionGroup[StartError]) -> StartError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, StartError)
    return error
