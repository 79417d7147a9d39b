"""Calls leave in pace, whatever stood before them."""

import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chassis.clock import SystemClock
from services.telegram.domain.pace import Pace
from services.telegram.domain.scheduler import Limits
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
    turnstile, clock, left = Turnstile(Limits(per_second=200.0), SystemClock()), SystemClock(), []

    async def call(number):
        async with turnstile.passing(number):
            left.append((number, clock.monotonic()))

    began = clock.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(call(number))

    assert [number for number, _ in left] == list(range(40))
    assert left[-1][1] - began >= 38 / 200


async def test_calls_to_one_chat_go_one_at_a_time_with_a_rest_and_hold_nobody_else():
    limits, clock = Limits(per_second=1000.0, private_gap_s=0.05), SystemClock()
    turnstile, calls, under_way = Turnstile(limits, clock), [], 0

    async def call(chat_id):
        nonlocal under_way
        async with turnstile.passing(chat_id):
            under_way += chat_id == 7
            assert under_way <= 1
            began_at = clock.monotonic()
            await asyncio.sleep(0.02)
            calls.append((chat_id, began_at, clock.monotonic()))
            under_way -= chat_id == 7

    async with asyncio.TaskGroup() as group:
        for chat_id in (7, 7, 7, 8):
            group.create_task(call(chat_id))

    to_seven = [one[1:] for one in calls if one[0] == 7]
    assert all(later[0] - earlier[1] >= 0.05 for earlier, later in pairwise(to_seven))
    assert [one[0] for one in calls].index(8) < 2
