"""A person is forgotten: what was under way to him is not shown, and no row of this room names him."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts import catalogue
from contracts.messages import DeliveryState, DocumentNotice, SendClass
from services.telegram.adapters.postgres_forgotten import PostgresForgotten
from services.telegram.domain.attempt import Call
from services.telegram.ports import Document
from tests.telegram.builders import send, text
from tests.traces import traces_of

pytestmark = pytest.mark.real

PERSON = 777_000_111


def said(number, at=None, **more):
    """A message to the person, said at a moment."""
    values = {"chat_id": PERSON, "subscriber_id": PERSON, "at": at or datetime.now(UTC)}
    return send(number, text("hello"), kind=SendClass.REPLY, **{**values, **more})


async def traces(gateway):
    return await traces_of(gateway.pool, (str(PERSON),))


def shown_to(gateway):
    return [bubble for bubble in gateway.chat.bubbles.values() if bubble.chat_id == PERSON]


@pytest.fixture
def person(gateway):
    gateway.chat.people.add(PERSON)
    return gateway


async def test_what_was_delivered_before_is_forgotten(person):
    async with person.running():
        await person.say(said(1))
        await person.until_settled(said(1).id)
        assert await traces(person) != []

        await person.forgotten.add(PERSON, datetime.now(UTC))

    assert await traces(person) == []


async def test_what_was_said_before_is_not_shown_afterwards(person):
    message = said(1)
    await person.forgotten.add(PERSON, datetime.now(UTC))

    async with person.running():
        await person.say(message)
        settled = await person.until_settled(message.id)

    assert (settled.state, settled.reason, settled.deactivate) == (DeliveryState.VOID, "erased", False)
    assert shown_to(person) == []
    assert await traces(person) == []


async def test_the_goodbye_is_shown_and_leaves_nothing_behind(person):
    left_at = datetime.now(UTC)
    await person.forgotten.add(PERSON, left_at)

    async with person.running():
        await person.say(said(1, left_at))
        settled = await person.until_settled(said(1).id)
        await person.until_idle()

    assert settled.state is DeliveryState.DELIVERED
    assert len(shown_to(person)) == 1
    assert await traces(person) == []


async def test_a_call_under_way_while_its_person_is_forgotten_leaves_nothing_behind(person):
    message = said(1)
    await person.deliveries.begin(message, Call(attempt=1))
    await person.forgotten.add(PERSON, datetime.now(UTC))
    during = await traces(person)

    async with person.running():
        await person.say(message)
        await person.until_settled(message.id)
        await person.until_idle()

    assert (during, await traces(person)) == ([], [])


async def test_who_comes_back_reads_what_is_said_to_him(person):
    await person.forgotten.add(PERSON, datetime.now(UTC) - timedelta(seconds=1))

    async with person.running():
        await person.say(said(1))
        settled = await person.until_settled(said(1).id)

    assert settled.state is DeliveryState.DELIVERED


async def test_others_are_not_forgotten_with_him(person):
    await person.forgotten.add(PERSON, datetime.now(UTC))
    other = send(2)

    async with person.running():
        await person.say(other)
        await person.until_settled(other.id)

    assert (await person.deliveries.find(other.id)).state is DeliveryState.DELIVERED


async def test_a_forgotten_person_is_forgotten_even_as_a_hash_after_days(person):
    await person.forgotten.add(PERSON, datetime.now(UTC) - timedelta(days=4))
    await person.forgotten.add(2, datetime.now(UTC))

    await person.forgotten.prune(3)

    async with person.pool.connection() as connection:
        rows = await (await connection.execute("select person from forgotten")).fetchall()
    assert len(rows) == 1
    assert len(rows[0][0]) == 32


async def test_the_hash_depends_on_the_bots_token(person):
    other = PostgresForgotten(person.pool, "another token")
    await person.forgotten.add(PERSON, datetime.now(UTC) + timedelta(hours=1))

    assert await person.forgotten.is_over(said(1))
    assert not await other.is_over(said(1))


async def test_a_file_is_sent_with_its_words(person):
    await person.bus.put(catalogue.EXPORTS, "k1", b"[]")
    message = send(1, DocumentNotice(key="k1", filename="sinyal.json", html="yours"), kind=SendClass.REPLY)

    async with person.running():
        await person.say(message)
        settled = await person.until_settled(message.id)

    assert settled.state is DeliveryState.DELIVERED
    assert list(person.chat.documents.values()) == [Document("sinyal.json", b"[]")]


async def test_a_file_that_is_gone_is_not_waited_for(person):
    message = send(1, DocumentNotice(key="gone", filename="sinyal.json"), kind=SendClass.REPLY)

    async with person.running():
        await person.say(message)
        settled = await person.until_settled(message.id)

    assert (settled.state, settled.reason) == (DeliveryState.EXPIRED, "the file is gone")
