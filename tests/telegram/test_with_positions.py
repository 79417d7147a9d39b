"""Positions and telegram together, on one database and one broker: what becomes of a trade whose message fails."""

import pytest

from contracts.messages import DeliveryState
from tests.positions.builders import a_signal, a_tick
from tests.positions.house import House, until_row
from tests.telegram.fake_chat import BAD, BLOCKED, LOST_ANSWER, SERVER_ERROR, Trouble, said
from tests.telegram.gateway import until

pytestmark = pytest.mark.real
PERSON = 1


@pytest.fixture
async def house(postgres, gateway):
    """Positions beside the gateway."""
    async with House.open(postgres) as house:
        gateway.bus = house.bus
        gateway.most_attempts = 3
        yield house


async def signalled(house):
    await house.feed()
    await house.subscribe(PERSON)
    await house.tick(a_tick(0, 3999.9))
    await house.raise_signal(a_signal())


async def state_of(house, number=0):
    rows = await house.rows("select state from position order by quote_ms")
    return rows[number][0] if len(rows) > number else None


async def until_state(house, state, number=0):
    async def holds():
        return await state_of(house, number) == state

    await until_row(holds, f"position {number} {state}")


FAILURES = {
    "blocked": [Trouble(BLOCKED)],
    "no such chat": [Trouble(said(400, BAD + "chat not found"))],
    "refused": [Trouble(said(400, BAD + "something new"))],
    "given up": [Trouble(SERVER_ERROR, count=3)],
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_s15_a_signal_that_fails_for_good_leaves_no_trade(house, gateway, failure):
    gateway.chat.troubles = [Trouble(one.fault, one.count) for one in FAILURES[failure]]
    async with house.room(), gateway.running():
        await signalled(house)
        await until_state(house, "void")
        await house.followed(0)
        history = await house.history(PERSON)

    assert history.total == 0
    assert gateway.chat.of(PERSON) == []


async def test_s15_a_crash_between_storing_and_telling_delivers_once(house, gateway):
    gateway.chat.troubles = [Trouble(SERVER_ERROR)]
    async with house.room():
        async with gateway.doomed():
            await signalled(house)
            await until(lambda: gateway.chat.calls)
        async with gateway.running():
            await until_state(house, "open")

    assert len(gateway.chat.of(PERSON)) == 1


@pytest.mark.parametrize("failure", FAILURES)
async def test_x4_after_each_failure_the_person_gets_the_next_signal(house, gateway, failure):
    gateway.chat.troubles = [Trouble(one.fault, one.count) for one in FAILURES[failure]]
    async with house.room(), gateway.running():
        await signalled(house)
        await until_state(house, "void")
        await house.subscribe(PERSON)  # who had blocked the bot comes back with /start
        await house.raise_signal(a_signal(1))
        await until_state(house, "open", 1)

    assert len(gateway.chat.of(PERSON)) == 1


async def test_x4_a_signal_of_which_nobody_knows_is_a_trade_and_the_next_one_comes_when_it_ends(house, gateway):
    gateway.chat.troubles = [Trouble(LOST_ANSWER, count=2, happens=True)]
    async with house.room(), gateway.running():
        await signalled(house)
        await until_state(house, "open")
        await house.followed(1)
        await house.tick(a_tick(1, 4003.5))
        await until_state(house, "closed")
        await house.raise_signal(a_signal(3))
        await until_state(house, "open", 1)

    told = [one.state for one in gateway.settled() if one.position_id is not None and one.kind == "signal"]
    assert told == [DeliveryState.UNKNOWN, DeliveryState.DELIVERED]
