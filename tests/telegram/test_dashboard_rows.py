"""What the rows of dashboards promise, and what is done next with one."""

import asyncio
from dataclasses import replace

import pytest

from contracts.messages import DeliveryState, FeedState
from services.telegram.adapters.postgres_dashboards import PostgresDashboards
from services.telegram.domain import dashboards
from services.telegram.domain.dashboards import Dashboard, Ending, Rhythm, Step, next_step
from tests.telegram.builders import ENGLISH, status
from tests.telegram.memory_dashboards import MemoryDashboards

GAP_S = 0.3
QUICK = Rhythm(look_s=0.05, gap_s=GAP_S)


def a_row(number=1, person=7, **more):
    values = {"subscriber_id": person, "chat_id": person, "symbol": "XAUUSD", "language": "en", "time_zone": "UTC"}
    return Dashboard(dashboard_id=f"m:reply:{number}", **{**values, **more})


class TestContract:
    """What the rows promise, in the database and in memory."""

    @pytest.fixture(params=["postgres", "memory"])
    def rows(self, request, gateway):
        return PostgresDashboards(gateway.pool) if request.param == "postgres" else MemoryDashboards()

    async def test_a_repeat_of_an_opening_changes_nothing(self, rows):
        for _ in range(2):
            await rows.open(a_row(1))
        await rows.open(a_row(2))
        await rows.open(a_row(1))
        found = {row.dashboard_id: row.ending for row in await rows.claim(9, QUICK)}
        assert found == {"m:reply:1": Ending.REPLACED, "m:reply:2": None}

    async def test_people_do_not_end_each_others(self, rows):
        await rows.open(a_row(1, person=7))
        await rows.open(a_row(2, person=8))
        assert await rows.stop(7)
        assert not await rows.stop(7)
        assert {row.subscriber_id: row.ending for row in await rows.claim(9, QUICK)} == {7: Ending.STOPPED, 8: None}

    async def test_an_edit_is_written_once(self, rows):
        await rows.open(a_row(1))
        row = a_row(1)
        await rows.show(row, send_id="m:dashboard:1", shown="a", position_id="p")
        await rows.show(row, send_id="m:dashboard:2", shown="b", position_id="q")
        (found,) = await rows.claim(9, QUICK)
        assert (found.shown, found.position_id, found.edits, found.has_edit) == ("a", "p", 1, True)

    async def test_a_final_edit_ends_it(self, rows):
        await rows.open(a_row(1))
        await rows.show(a_row(1), send_id="m", shown="", position_id=None, is_final=True)
        (found,) = await rows.claim(9, QUICK)
        assert (found.ending, found.is_final) == (Ending.FINISHED, True)

    async def test_one_that_is_opened_anew_has_another_name_once(self, rows):
        await rows.open(a_row(1, position_id="p", shown="a"))
        for name in ("m:dashboard:1", "m:dashboard:2"):
            await rows.reopen(a_row(1), send_id=name, position_id="q")
        (found,) = await rows.claim(9, QUICK)
        assert (found.dashboard_id, found.shown, found.position_id) == ("m:dashboard:1", "", "q")
        assert (found.edits, found.has_edit, found.ending) == (1, False, None)

    async def test_what_is_forgotten_is_gone(self, rows):
        for number, person in ((1, 7), (2, 8), (3, 9)):
            await rows.open(a_row(number, person=person))
        await rows.forget("m:reply:1")
        await rows.forget_all(8)
        assert await rows.count() == 1


async def test_two_openings_at_once_leave_one(gateway):
    rows = PostgresDashboards(gateway.pool)
    await asyncio.gather(*(rows.open(a_row(number)) for number in range(5)))
    assert [row.ending for row in await rows.claim(9, QUICK)].count(None) == 1


async def test_a_claimed_row_is_left_to_its_claimer_for_a_moment(gateway):
    rows = PostgresDashboards(gateway.pool)
    await rows.open(a_row(1))
    claims = await asyncio.gather(*(rows.claim(9, Rhythm(look_s=60.0, gap_s=GAP_S)) for _ in range(4)))
    assert sum(len(found) for found in claims) == 1


DELIVERED = {"message": DeliveryState.DELIVERED, "message_id": 5}


@pytest.mark.parametrize(
    ("more", "step"),
    [
        ({}, Step.WAIT),
        ({"age_s": 7200.0}, Step.FORGET),
        ({"message": DeliveryState.VOID}, Step.FORGET),
        ({"message": DeliveryState.UNKNOWN}, Step.REOPEN),
        ({"message": DeliveryState.UNKNOWN, "edits": 1}, Step.FORGET),
        ({"message": DeliveryState.UNKNOWN, "ending": Ending.REPLACED}, Step.FORGET),
        (DELIVERED, Step.LOOK),
        ({**DELIVERED, "is_resting": True}, Step.WAIT),
        ({**DELIVERED, "edit": DeliveryState.DEAD}, Step.FORGET),
        ({**DELIVERED, "edit": DeliveryState.EXPIRED}, Step.LOOK),
        ({**DELIVERED, "ending": Ending.STOPPED}, Step.END),
        ({**DELIVERED, "age_s": 90_000.0}, Step.END),
        ({**DELIVERED, "is_final": True, "is_resting": True}, Step.WAIT),
        ({**DELIVERED, "is_final": True, "edit": DeliveryState.DELIVERED}, Step.FORGET),
    ],
)
def test_what_is_done_next_follows_from_the_row(more, step):
    assert next_step(a_row(**more)) is step


def test_an_edit_that_was_never_shown_counts_for_none():
    found = status()
    shown = dashboards.fingerprint(found)
    assert not dashboards.is_news(a_row(shown=shown, **DELIVERED), found)
    assert dashboards.is_news(a_row(shown="", **DELIVERED), found)
    assert not dashboards.is_news(a_row(shown=shown, has_edit=True), found)
    assert dashboards.is_news(a_row(shown=shown, has_edit=True, edit=DeliveryState.EXPIRED), found)
    assert dashboards.is_news(replace(a_row(shown=shown, has_edit=True)), status(feed=FeedState.STALE))


def test_a_trade_that_is_in_no_history_ends_without_an_invented_result():
    shown = dashboards.ended(status(), a_row(position_id="p"), Ending.FINISHED, ENGLISH, "UTC")
    assert "The dashboard is over" in shown.html
    assert "Exit" not in shown.html
