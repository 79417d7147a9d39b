"""Curves on their way to the store: once per key, never late, refused where they cannot be drawn, behind nobody."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from chassis.bus import Stored
from chassis.errors import RejectedError, TransientError
from chassis.health import Health
from chassis.lifecycle import Stage
from contracts import catalogue
from contracts.messages import ChartDrawn, DrawCurve
from services.charts.settings import ChartsSettings
from services.charts.wiring import serve
from tests.charts.curves import curve_wish, results
from tests.charts.test_drawing import KEY, Room
from tests.charts.test_service import Signals, broker, drawn, open_browser, service, wish

CURVE_KEY = "own-" + "c" * 32


def a_curve(room: Room, **changes: object) -> DrawCurve:
    made = curve_wish(results("3.00", "-2.00"))
    told = {"key": CURVE_KEY, "at": room.clock.now(), "expires_at": room.clock.now() + timedelta(seconds=60)}
    return msgspec.structs.replace(made, **(told | changes))


async def draw(room: Room, curve: DrawCurve) -> None:
    await room.drawer.draw_curve(curve, Stored("curve.v1.x", b"", {}, 1, room.clock.now()))


async def test_a_curve_becomes_a_picture_in_the_store_and_is_told_and_asks_nobody():
    room = Room()

    async with room.bus.listen(catalogue.DRAWN) as told:
        await draw(room, a_curve(room))
        found = await anext(told)

    assert await room.bus.get(catalogue.CHART_PICTURES, CURVE_KEY) == b"PNG of P/L, USD"
    assert isinstance(found, ChartDrawn)
    assert found.key == CURVE_KEY
    assert room.signals.asked == []


async def test_a_curve_that_is_there_is_told_again_and_not_drawn_again():
    room = Room()
    await draw(room, a_curve(room))
    await draw(room, a_curve(room))
    assert len(room.renderer.scenes) == 1


async def test_a_curve_that_nobody_waits_for_any_more_is_dropped():
    room = Room()
    curve = a_curve(room)
    room.clock.advance(61)

    await draw(room, curve)

    assert room.renderer.scenes == []


@pytest.mark.parametrize("broken", [{"points": ()}, {"time_zone": "Mars/Olympus"}])
async def test_a_curve_that_can_never_be_drawn_is_refused(broken):
    room = Room()
    with pytest.raises(RejectedError):
        await draw(room, a_curve(room, **broken))


async def test_a_picture_that_fails_is_tried_again():
    room = Room()
    room.renderer.failures = 1
    with pytest.raises(TransientError):
        await draw(room, a_curve(room))
    await draw(room, a_curve(room))
    assert await room.bus.get(catalogue.CHART_PICTURES, CURVE_KEY) is not None


async def test_a_copy_that_is_leaving_takes_no_curve():
    room = Room()
    room.drawer.leave()
    with pytest.raises(TransientError, match="leaving"):
        await draw(room, a_curve(room))


async def test_a_signals_chart_does_not_wait_behind_many_curves():
    room = Room()
    room.renderer.gate.clear()
    for number in range(20):
        key = f"own-{number:032x}"
        curve = msgspec.structs.replace(a_curve(room), key=key, id=f"draw:{key}")
        await room.bus.publish(catalogue.CURVE, curve, key)
    stage = Stage(Health("charts", host="127.0.0.1", port=0, setting="X"), room.clock)

    async with room.bus.answer(catalogue.SERIES, room.signals.series), asyncio.TaskGroup() as group:
        group.create_task(serve(room.bus, room.renderer, ChartsSettings(), stage))
        await room.renderer.begun.wait()
        room.renderer.begun.clear()
        await room.bus.publish(catalogue.CHART, room.wish(), KEY)
        async with asyncio.timeout(60):
            await room.renderer.begun.wait()
        names = [scene.backdrop for scene in room.renderer.scenes]
        room.renderer.gate.set()
        stage.stop.set()

    assert names == ["P/L, USD", "XAUUSD, M1"]


@pytest.mark.real
@pytest.mark.timeout(120)
async def test_the_room_draws_a_curve_beside_a_chart(nats, root):
    key = "own-" + "d" * 32
    curve = msgspec.structs.replace(
        curve_wish(results("3.00", "-2.00")), key=key, id=f"draw:{key}", at=wish("x").at, expires_at=None
    )
    async with broker(nats, Signals()) as bus, service(nats, root) as process:
        await open_browser(process)
        await bus.publish(catalogue.CURVE, curve, key)
        await bus.publish(catalogue.CHART, wish("e" * 32), "e" * 32)
        pictures = [await drawn(bus, one) for one in (key, "e" * 32)]

    assert all(png.startswith(b"\x89PNG") for png in pictures)
    assert pictures[0] != pictures[1]
