"""Live dashboards: rows that any process goes on with, edits that keep their distance, the result at the end."""

import asyncio
import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from chassis.errors import AskFailedError
from contracts import catalogue
from contracts.asks import GetStatus
from services.telegram.adapters import postgres_dashboards
from services.telegram.adapters.postgres_dashboards import PostgresDashboards
from services.telegram.domain import dashboards
from services.telegram.domain.dashboards import Rhythm
from services.telegram.handlers import dashboards as handling
from services.telegram.handlers.conversation import Conversation
from services.telegram.handlers.dashboards import Updater
from services.telegram.handlers.desk import Desk, Request
from tests.telegram.builders import (
    MARKET_MS,
    POSITION,
    WORDS,
    history,
    open_position,
    status,
    subscriber,
    trade,
)
from tests.telegram.fake_chat import BLOCKED, LOST_ANSWER, Trouble, said
from tests.telegram.gateway import until
from tests.telegram.positions_room import PositionsRoom

GAP_S = 0.3
QUICK = Rhythm(look_s=0.05, gap_s=GAP_S)


class House:
    """A gateway with positions behind it and an updater that tests run and kill."""

    def __init__(self, gateway, room):
        self.gateway, self.room = gateway, room
        self.rows = PostgresDashboards(gateway.pool)
        self.conversation = Conversation(
            Desk(gateway.bus, self.rows, gateway.forgotten, WORDS, gateway.clock, "XAUUSD"), gateway.chat
        )
        self._updates = 0

    @contextlib.asynccontextmanager
    async def updating(self):
        """Run an updater; leaving kills it where it stands."""
        task = asyncio.ensure_future(Updater(self.gateway.bus, self.rows, WORDS, self.gateway.clock, 1000.0).run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def says(self, command, person=7):
        self._updates += 1
        await self.conversation.command(command, self._request(person))

    async def blocks(self, person=7):
        await self.conversation.blocked(person, datetime.now(UTC))

    def _request(self, person):
        return Request(
            update_id=self._updates, chat_id=person, person_id=person, name="B", language_code="en",
            at=datetime.now(UTC), trace="",
        )  # fmt: skip

    def moves(self, price, pnl):
        self.room.status = status(position=open_position(price=price, pnl=Decimal(pnl)))

    def ends(self):
        """Close the trade: it is in the history, and not in the status any more."""
        self.room.status = status()
        self.room.history = history(trades=(trade(2), trade(1, position_id=POSITION, pnl=Decimal("8.40"), r=2.05)))

    def reads(self, person=7):
        """Tell what stands in the bubbles of a person."""
        return [bubble.shown.html for bubble in self.gateway.chat.of(person)]

    def edits(self):
        return [one for one in self.gateway.bus.said(catalogue.SEND) if one.coalesce is not None]

    async def until_reads(self, words, person=7):
        await until(lambda: any(words in text for text in self.reads(person)))

    async def until_empty(self, within_s=60.0):
        async with asyncio.timeout(within_s):
            while await self.rows.count():
                await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(dashboards, "GAP_S", GAP_S)
    monkeypatch.setattr(dashboards, "CLAIM_S", 0.05)
    monkeypatch.setattr(postgres_dashboards, "GAP_S", GAP_S)
    monkeypatch.setattr(handling, "LOOK_S", 0.02)


@pytest.fixture
async def house(gateway):
    people = [subscriber(subscriber_id=one, chat_id=one, language="en") for one in (7, 8)]
    room = PositionsRoom(people)
    room.status = status(position=open_position())
    async with room.answering(gateway.bus), gateway.running():
        yield House(gateway, room)


async def test_a_dashboard_shows_the_newest_state_and_at_last_the_result(house):
    await house.says("dashboard")
    async with house.updating():
        await house.until_reads("+2.60 USD")
        house.moves(4020.0, "5.50")
        await house.until_reads("+5.50 USD")
        house.ends()
        await house.until_reads("The dashboard is over")
        await house.until_empty()

    (text,) = house.reads()
    assert "+8.40 USD" in text
    assert "Stop loss hit" in text


async def test_what_did_not_change_is_not_edited(house):
    await house.says("dashboard")
    async with house.updating():
        await house.until_reads("+2.60 USD")
        asked = len(house.room.asked)
        house.room.status = replace_market(house.room.status, MARKET_MS + 999_000)
        await until(lambda: len(house.room.asked) > asked + 3)

    assert house.edits() == []


def replace_market(found, market_ms):
    return msgspec.structs.replace(found, market_ms=market_ms)


async def test_edits_keep_their_distance_and_skip_what_was_in_between(house):
    await house.says("dashboard")
    async with house.updating():
        await house.until_reads("+2.60 USD")
        house.moves(4021.0, "0.50")
        await house.until_reads("+0.50 USD")
        for step in range(60):
            house.moves(4020.0 - step, f"{step}.00")
            await asyncio.sleep(0)
        await house.until_reads("+59.00 USD")

    at = [one.at for one in house.edits()]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(at)]
    assert min(gaps) >= GAP_S
    assert 2 <= len(at) < 60


@pytest.mark.parametrize("edits_before", [0, 1, 2, 3])
async def test_s9_a_killed_updater_leaves_nothing_and_the_last_edit_shows_the_result(house, monkeypatch, edits_before):
    await house.says("dashboard")
    seen = 0
    async with house.updating():
        while seen < edits_before:
            seen += 1
            house.moves(4020.0 - seen, f"{seen}.00")
            await house.until_reads(f"+{seen}.00 USD")
    house.ends()  # while nobody looks

    async with house.updating():
        await house.until_empty()

    (text,) = house.reads()
    assert "The dashboard is over" in text


@pytest.mark.alone
@pytest.mark.parametrize("point", ["claim", "publish", "show", "forget"])
async def test_s9_killed_at_any_point_the_registry_is_empty_within_ten_seconds(house, monkeypatch, point):
    await house.says("dashboard")
    async with house.updating():
        await house.until_reads("+2.60 USD")
    house.ends()
    target = house.gateway.bus if point == "publish" else house.rows
    method, reached = getattr(target, point), asyncio.Event()

    async def dies(*args, **more):
        if point == "publish" and args[0] is not catalogue.SEND:
            return await method(*args, **more)
        result = await method(*args, **more)
        if point != "publish" or args[1].coalesce is not None:
            reached.set()
            await asyncio.Event().wait()  # here the process is killed
        return result

    with monkeypatch.context() as killing:
        killing.setattr(target, point, dies)
        async with house.updating():
            async with asyncio.timeout(60):
                await reached.wait()

    async with house.updating():
        await house.until_empty(within_s=10)

    (text,) = house.reads()
    assert "+8.40 USD" in text
    assert "The dashboard is over" in text


async def test_opening_another_ends_the_old_one_with_a_last_edit(house):
    async with house.updating():
        await house.says("dashboard")
        await house.until_reads("+2.60 USD")
        await house.says("dashboard")
        await house.until_reads("A newer dashboard below")
        await until(lambda: len(house.reads()) == 2 and "+2.60" in house.reads()[1])
        await until_count(house, 1)


async def test_a_dashboard_is_stopped_by_command_and_says_so(house):
    async with house.updating():
        await house.says("dashboard")
        await house.until_reads("+2.60 USD")
        await house.says("stopdashboard")
        await house.until_reads("The dashboard was stopped")
        await house.until_empty()
        await house.says("stopdashboard")
        await house.until_reads("There is no dashboard running")

    assert "+2.60 USD" in house.reads()[0]


async def test_a_dashboard_of_nothing_waits_for_a_trade(house):
    house.room.status = status()
    async with house.updating():
        await house.says("dashboard")
        await house.until_reads("No open XAUUSD position")
        house.moves(4020.0, "1.00")
        await house.until_reads("+1.00 USD")
        house.ends()
        await house.until_empty()


async def test_a_person_who_blocks_us_has_no_dashboard(house):
    await house.says("dashboard")
    await house.says("dashboard", person=8)
    await house.blocks(7)
    assert [row.subscriber_id for row in await house.rows.claim(9, QUICK)] == [8]


@pytest.mark.parametrize("fault", [BLOCKED, said(400, "Bad Request: message to edit not found")])
async def test_a_message_that_is_gone_ends_its_dashboard_and_disturbs_no_other(house, fault):
    async with house.updating():
        await house.says("dashboard")
        await house.says("dashboard", person=8)
        await house.until_reads("+2.60 USD")
        await house.until_reads("+2.60 USD", person=8)
        house.gateway.chat.troubles = [Trouble(fault, count=1, chat_id=7, method="edit_text")]
        house.moves(4020.0, "5.00")
        await house.until_reads("+5.00 USD", person=8)
        await until_count(house, 1)


async def until_count(house, count):
    async with asyncio.timeout(60):
        while await house.rows.count() != count:
            await asyncio.sleep(0.02)


async def test_while_positions_is_away_dashboards_wait(house):
    async with house.updating():
        await house.says("dashboard")
        await house.until_reads("+2.60 USD")
        house.room.errors[GetStatus] = AskFailedError("internal", "bug")
        house.moves(4020.0, "5.00")
        await asyncio.sleep(3 * GAP_S)
        assert house.edits() == []
        house.room.errors.clear()
        await house.until_reads("+5.00 USD")


async def test_a_dashboard_whose_message_got_lost_is_opened_anew_and_lives(house):
    """Nobody knows the number of the first message: what stands in the chat already is never edited."""
    house.gateway.chat.troubles = [Trouble(LOST_ANSWER, happens=True)]
    async with house.updating():
        await house.says("dashboard")
        await until(lambda: len(house.reads()) == 2)
        house.moves(4020.0, "5.50")
        await house.until_reads("+5.50 USD")
        house.ends()
        await house.until_empty()

    lost, lives = house.reads()
    assert "+2.60 USD" in lost
    assert "+8.40 USD" in lives
    assert house.gateway.chat.of(7)[1].manner.is_silent


async def test_a_dashboard_whose_messages_all_get_lost_is_opened_anew_once(house):
    house.gateway.chat.troubles = [Trouble(LOST_ANSWER, count=9, happens=True)]
    async with house.updating():
        await house.says("dashboard")
        await house.until_empty()

    assert len(house.reads()) == 2


@pytest.mark.parametrize("copies", [1, 2])
async def test_killed_before_it_is_written_down_it_is_opened_anew_once(house, monkeypatch, copies):
    house.gateway.chat.troubles = [Trouble(LOST_ANSWER, happens=True)]
    reached = asyncio.Event()

    async def dies(*_, **__):
        reached.set()
        await asyncio.Event().wait()  # here the process is killed

    await house.says("dashboard")
    with monkeypatch.context() as killing:
        killing.setattr(house.rows, "reopen", dies)
        async with house.updating():
            async with asyncio.timeout(60):
                await reached.wait()
    async with contextlib.AsyncExitStack() as updaters:
        for _ in range(copies):
            await updaters.enter_async_context(house.updating())
        house.moves(4020.0, "5.50")
        await house.until_reads("+5.50 USD")

    assert ["+5.50 USD" in text for text in house.reads()] == [False, True]
    assert await house.rows.count() == 1


@pytest.mark.parametrize("is_over", [True, False])
async def test_one_that_got_lost_is_forgotten_where_its_trade_is_over_or_it_was_stopped(house, is_over):
    house.gateway.chat.troubles = [Trouble(LOST_ANSWER, happens=True)]
    await house.says("dashboard")
    await until(house.gateway.settled)
    if is_over:
        house.ends()
    else:
        await house.rows.stop(7)
    async with house.updating():
        await house.until_empty()

    assert len(house.reads()) == 1


async def test_two_updaters_share_the_rows(house):
    async with house.updating(), house.updating():
        for person in (7, 8):
            await house.says("dashboard", person=person)
        await house.until_reads("+2.60 USD")
        await house.until_reads("+2.60 USD", person=8)
        house.moves(4020.0, "5.00")
        await house.until_reads("+5.00 USD")
        await house.until_reads("+5.00 USD", person=8)

    assert len(house.edits()) == 2
