"""The end of a person's day, and what becomes of trades that are over for long."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import asks, catalogue
from contracts.messages import SendClass, SendMessage, SummaryNotice
from services.positions.domain.summary import SETTLED_AFTER, DayEnd, last_day_end
from services.positions.handlers.housekeeping import Housekeeping
from services.positions.handlers.summaries import DailySummary
from services.positions.ports import Turn
from tests.positions.grounds import a_ground
from tests.positions.house import House, publish_all
from tests.positions.ledger import Done, keep

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
JAKARTA, NEW_YORK, NUUK = "Asia/Jakarta", "America/New_York", "America/Nuuk"
ZONES = st.sampled_from((JAKARTA, NEW_YORK, NUUK, "Pacific/Apia", "Europe/London", "America/Havana", "Asia/Kolkata"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- when a day ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "now", "day", "end"),
    [
        (JAKARTA, "2026-01-05T16:56:00", date(2026, 1, 5), "2026-01-05T16:55:00"),
        (JAKARTA, "2026-01-05T16:55:59", date(2026, 1, 4), "2026-01-04T16:55:00"),
        (JAKARTA, "2026-01-05T17:30:00", date(2026, 1, 5), "2026-01-05T16:55:00"),
        (NEW_YORK, "2026-03-08T05:00:00", date(2026, 3, 7), "2026-03-08T04:55:00"),
        (NEW_YORK, "2026-03-09T04:00:00", date(2026, 3, 8), "2026-03-09T03:55:00"),  # clocks went forward at 2:00
        (NEW_YORK, "2026-11-02T05:00:00", date(2026, 11, 1), "2026-11-02T04:55:00"),  # and back
        (NUUK, "2025-10-26T01:00:00", date(2025, 10, 24), "2025-10-25T00:55:00"),  # here 23:55 comes twice on the 25th:
        (NUUK, "2025-10-26T02:00:00", date(2025, 10, 25), "2025-10-26T01:55:00"),  # the second ends the day
    ],
)
def test_a_day_ends_at_five_to_midnight_on_the_persons_own_clock(zone: str, now: str, day: date, end: str) -> None:
    found = last_day_end(at(now), zone)

    assert (found.day, found.at) == (day, at(end))


@given(ZONES, st.integers(1_577_836_800, 1_893_456_000).map(lambda epoch_s: datetime.fromtimestamp(epoch_s, UTC)))
def test_each_day_begins_where_the_one_before_ended(zone: str, now: datetime) -> None:
    this = last_day_end(now, zone)
    before = last_day_end(this.at + SETTLED_AFTER - timedelta(microseconds=1), zone)

    assert this.at <= now - SETTLED_AFTER < this.at + timedelta(hours=49)
    assert (before.at, before.day) == (this.before, this.day - timedelta(days=1))
    assert timedelta(hours=22) < this.at - this.before < timedelta(hours=26)


# --- who is told what -------------------------------------------------------------------------------------------------


async def a_turn(house: House, job: str = "daily_summary") -> Turn:
    """Take a turn at a job that was due."""
    async with a_ground(house.pool).store.work() as work:
        await work.jobs.plan(job, 60.0)
    await house.rows_only("update job set next_run = now(), leased_until = null")
    async with a_ground(house.pool).store.work() as work:
        turn = await work.jobs.take(job, 600.0)
    assert turn is not None
    return turn


async def summed_up(house: House, now: datetime) -> list[SendMessage]:
    """Let a fresh copy sum days up at a moment; returns what it said, once published."""
    turn = await a_turn(house)
    await DailySummary(a_ground(house.pool, now)).tell(turn)
    return await said(house)


async def said(house: House) -> list[SendMessage]:
    """Publish the outbox and return all summaries that were ever said."""
    await publish_all(house.pool, house.bus)
    return [one for one in house.bus.said(catalogue.SEND) if isinstance(one.content, SummaryNotice)]


def closed(place: int, when: str, pnl: str = "1.00", person: int = 1, zone: str = JAKARTA) -> Done:
    moment = int(at(when).timestamp() * 1000)
    return Done(
        place=place, person=person, pnl=Decimal(pnl), r=float(pnl) / 2, opened_ms=moment - 60_000, closed_ms=moment,
        zone=zone,
    )  # fmt: skip


def told(message: SendMessage) -> tuple[Any, ...]:
    content = message.content
    assert isinstance(content, SummaryNotice)
    return message.subscriber_id, content.day, content.trades, content.wins, content.losses, content.pnl


async def test_each_person_is_told_of_his_own_day_in_his_own_zone(house: House) -> None:
    keep(
        house.url,
        [
            closed(1, "2026-01-05T10:00:00", "3.00"),
            closed(2, "2026-01-05T11:00:00", "-1.00"),
            closed(3, "2026-01-05T12:00:00", "5.00", person=2, zone=NEW_YORK),
        ],
    )
    evening_in_jakarta = await summed_up(house, at("2026-01-05T17:00:00"))
    evening_in_new_york = await summed_up(house, at("2026-01-06T05:00:00"))

    assert [told(one) for one in evening_in_jakarta] == [(1, "2026-01-05", 2, 1, 1, Decimal("2.00"))]
    assert [told(one) for one in evening_in_new_york[1:]] == [(2, "2026-01-05", 1, 1, 0, Decimal("5.00"))]
    (first, _) = evening_in_new_york
    assert (first.kind, first.chat_id, first.language, first.time_zone) == (SendClass.BROADCAST, 1, "en", JAKARTA)
    assert first.expires_at == at("2026-01-06T05:00:00")


async def test_a_day_without_trades_is_not_told(house: House) -> None:
    keep(house.url, [closed(1, "2026-01-05T10:00:00")])
    await summed_up(house, at("2026-01-05T17:00:00"))

    assert len(await summed_up(house, at("2026-01-06T17:00:00"))) == 1


async def test_a_day_is_told_once_however_often_copies_restart(house: House) -> None:
    keep(house.url, [closed(1, "2026-01-05T10:00:00")])

    for minute in range(5):
        found = await summed_up(house, at("2026-01-05T17:00:00") + timedelta(minutes=minute))

    assert len(found) == 1


async def test_two_copies_at_once_tell_a_day_once(house: House) -> None:
    people = range(1, 40)
    keep(house.url, [closed(n, "2026-01-05T10:00:00", person=n) for n in people])
    turn = await a_turn(house)

    await asyncio.gather(*(DailySummary(a_ground(house.pool, at("2026-01-05T17:00:00"))).tell(turn) for _ in range(4)))

    assert sorted(one.subscriber_id for one in await said(house)) == list(people)


async def test_a_repeat_would_be_the_same_message(house: House) -> None:
    keep(house.url, [closed(1, "2026-01-05T10:00:00")])
    (first,) = await summed_up(house, at("2026-01-05T17:00:00"))
    await house.rows_only("update subscriber set summarised_until = null")

    assert await summed_up(house, at("2026-01-05T18:00:00")) == [first]


async def test_what_closes_in_the_last_minutes_is_in_the_next_summary_and_each_trade_in_one(house: House) -> None:
    keep(
        house.url,
        [
            closed(1, "2026-01-05T16:55:00", "1.00"),
            closed(2, "2026-01-05T16:55:01", "2.00"),
            closed(3, "2026-01-06T03:00:00", "4.00"),
        ],
    )
    await summed_up(house, at("2026-01-05T17:00:00"))
    first, second = await summed_up(house, at("2026-01-06T17:00:00"))

    assert told(first)[1:3] + told(first)[5:] == ("2026-01-05", 1, Decimal("1.00"))
    assert told(second)[1:3] + told(second)[5:] == ("2026-01-06", 2, Decimal("6.00"))


async def test_after_days_of_outage_one_summary_tells_all(house: House) -> None:
    keep(house.url, [closed(n, f"2026-01-{5 + n:02d}T10:00:00") for n in range(4)])
    await summed_up(house, at("2026-01-05T17:00:00"))
    _, late = await summed_up(house, at("2026-01-09T02:00:00"))

    assert told(late)[1:3] == ("2026-01-08", 3)
    assert isinstance(late.content, SummaryNotice)
    assert late.content.until_ms - late.content.since_ms == 3 * 86_400_000


async def test_who_left_is_told_nothing_and_who_moved_hears_of_each_trade_once(house: House) -> None:
    keep(house.url, [closed(1, "2026-01-05T10:00:00"), closed(2, "2026-01-05T10:00:00", person=2)])
    await house.rows_only("update subscriber set active = false where id = 2")
    await summed_up(house, at("2026-01-05T17:00:00"))
    await house.rows_only(f"update subscriber set time_zone = '{NEW_YORK}' where id = 1")
    keep(house.url, [closed(3, "2026-01-05T20:00:00", "7.00")])

    _, moved = await summed_up(house, at("2026-01-06T05:00:00"))

    assert told(moved) == (1, "2026-01-05", 1, 1, 0, Decimal("7.00"))
    assert moved.id != (await said(house))[0].id, "the same day in two zones is two messages"


async def test_a_copy_that_lost_its_turn_tells_nothing(house: House) -> None:
    keep(house.url, [closed(1, "2026-01-05T10:00:00")])
    stale = await a_turn(house)
    await a_turn(house)

    with pytest.raises(Exception, match="is over"):
        await DailySummary(a_ground(house.pool, at("2026-01-05T17:00:00"))).tell(stale)

    assert await said(house) == []


# --- the archive ------------------------------------------------------------------------------------------------------


async def put_away(house: House, days: int = 31) -> None:
    turn = await a_turn(house, "archive")
    await Housekeeping(a_ground(house.pool), days).put_away(turn)


async def test_what_a_person_sees_of_old_trades_stays_the_same_in_the_archive(house: House) -> None:
    keep(house.url, [closed(n, f"2020-01-{n:02d}T10:00:00", f"{n - 4}.00") for n in range(1, 12)])
    keep(house.url, [closed(50, datetime.now(UTC).replace(tzinfo=None).isoformat(), "9.00")])
    statistics = asks.GetStatistics(subscriber_id=1)
    seen = []
    for _ in range(2):
        async with house.room(follows=False, archive_after_days=3650):
            seen.append((await house.history(1, page=1), await house.bus.ask(catalogue.STATISTICS, statistics)))
        await put_away(house)

    before, after = seen
    assert after == before
    assert after[0].total == 12
    assert await house.rows("select (select count(*) from position), (select count(*) from position_archive)") == [
        (1, 11)
    ]


async def test_the_archive_keeps_all_of_a_position_with_its_events(house: House) -> None:
    keep(house.url, [closed(1, "2020-01-01T10:00:00", "-2.50")])
    columns = (
        "id, subscriber_id, signal_id, symbol, side, mode, plan, entry, initial_stop, stop, stop_reason, targets, legs,"
        " lots, quote_ms, proposed_at, opened_at, closed_at, delivery_state, exit_reason, exit_level, exit_price,"
        " slippage_pips, closed_ms, detected_late, pnl, r"
    )
    before = await house.rows(f"select {columns} from position")

    await put_away(house)

    assert await house.rows(f"select {columns} from position_archive") == before
    ((events,),) = await house.rows("select events from position_archive")
    assert [(one["version"], one["event"]) for one in events] == [(1, "proposed"), (2, "delivered"), (3, "crossed")]
    assert await house.rows("select count(*) from position_event") == [(0,)]


async def test_void_positions_are_dropped_and_what_lives_or_is_young_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.positions.handlers.housekeeping.ARCHIVED_AT_ONCE", 2)
    old = [closed(n, "2020-01-01T10:00:00", person=n) for n in range(1, 6)]
    keep(house.url, [*(replace(one, is_void=True) for one in old[:2]), *old[2:]])
    keep(house.url, [closed(9, (datetime.now(UTC) - timedelta(days=30)).replace(tzinfo=None).isoformat(), person=9)])
    await house.rows_only(
        "update position set state = 'open', exit_reason = null, exit_level = null, exit_price = null,"
        " closed_ms = null, pnl = null, r = null, closed_at = null where subscriber_id = 5"
    )

    await put_away(house)

    assert await house.rows("select subscriber_id from position_archive order by 1") == [(3,), (4,)]
    assert await house.rows("select subscriber_id, state from position order by 1") == [(5, "open"), (9, "closed")]


def test_a_day_end_is_said_in_utc() -> None:
    assert last_day_end(MONDAY, JAKARTA) == DayEnd(
        date(2026, 1, 4), at("2026-01-03T16:55:00"), at("2026-01-04T16:55:00")
    )
