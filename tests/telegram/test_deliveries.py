"""The rows of sends in PostgreSQL: what guards them, what they keep, how the old ones go."""

import pytest

from contracts.messages import Button, SendClass
from services.telegram.domain.attempt import Call
from tests.telegram.builders import send, text

pytestmark = pytest.mark.real


async def test_two_copies_that_hold_the_same_send_call_once(gateway):
    message = send(7)
    first = await gateway.deliveries.begin(message, Call(1))
    second = await gateway.deliveries.begin(message, Call(1))

    assert (first, second) == (True, False)


async def test_a_late_result_of_the_old_owner_does_not_undo_the_new_ones(gateway):
    message = send(7)
    await gateway.deliveries.begin(message, Call(1))
    await gateway.deliveries.begin(message, Call(2, repeats=1))

    await gateway.deliveries.put_off(message.id, Call(1), 0, 0.5)

    found = await gateway.deliveries.find(message.id)
    assert (found.state, found.attempts, found.repeats) == ("attempting", 2, 1)


async def test_old_rows_are_pruned_and_young_ones_kept(gateway):
    async with gateway.running():
        await gateway.say(send(7))
        await gateway.until_settled("m:signal:p:7")
    assert await gateway.deliveries.prune(1) == 0
    async with gateway.pool.connection() as connection:
        await connection.execute("update delivery set settled_at = settled_at - interval '2 days'")

    assert await gateway.deliveries.prune(1) == 1
    assert await gateway.deliveries.find("m:signal:p:7") is None


async def test_many_old_rows_are_pruned_in_small_statements_whether_they_ended_or_not(gateway, monkeypatch):
    monkeypatch.setattr("services.telegram.adapters.postgres_deliveries.PRUNED_AT_ONCE", 3)
    async with gateway.pool.connection() as connection:
        await connection.execute(
            "insert into delivery (send_id, chat_id, subscriber_id, kind, state, created_at, settled_at)"
            " select n::text, 1, 1, 'reply', 'delivered', now() - interval '3 days',"
            " case when n % 2 = 0 then now() - make_interval(days => n / 10) end from generate_series(1, 39) as n"
        )

    assert await gateway.deliveries.prune(2) == 20 + 10
    assert await gateway.deliveries.prune(2) == 0


async def test_buttons_and_words_survive_the_row(gateway):
    message = send(7, text("<b>x</b>", buttons=((Button(text="a", data="b"),),)), SendClass.REPLY, chart_key="k")
    async with gateway.running():
        await gateway.say(message)
        await gateway.until_settled(message.id)

    found = await gateway.deliveries.find(message.id)
    assert (found.html, found.buttons) == ("<b>x</b>", ((Button(text="a", data="b"),),))
