"""Calls leave in pace, whatever stood before them."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from chassis.clock import SystemClock
from services.telegram.domain.pace import Pace
from services.telegram.handlers.turnstile import Turnstile

PER_SECOND = 28


@given(st.lists(st.floats(0, 0.5), max_size=150), st.lists(st.floats(0, 0.2), min_size=150, max_size=150))
def test_no_second_ever_has_more_than_two_calls_beyond_the_pace(pauses, delays):
    pace, now, starts = Pace(PER_SECOND), 0.0, []
    for pause, late in zip(pauses, delays, strict=False):
        now = max(now + pause, pace.next_at) + late  # a machine that wakes up late
        pace.take(now)
        starts.append(now)

    assert all(sum(start <= other < start + 1.0 for other in starts) <= PER_SECOND + 2 for start in starts)


async def test_calls_that_come_at_once_leave_one_by_one_in_their_order():
    turnstile, clock, left = Turnstile(200.0, SystemClock()), SystemClock(), []

    async def call(number):
        await turnstile.pass_through()
        left.append((number, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(call(number))

    assert [number for number, _ in left] == list(range(40))
    assert left[-1][1] - left[0][1] >= 38 / 200
