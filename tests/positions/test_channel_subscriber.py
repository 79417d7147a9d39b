"""A channel is a subscriber with a negative id: it has a trade of its own, told once, and comes back like a person."""

from datetime import UTC, datetime, timedelta

from contracts import asks, catalogue, ids
from contracts.messages import SendClass
from tests.positions.builders import a_tick
from tests.positions.house import House

CHANNEL = -1001234567890


async def test_a_channel_has_one_trade_beside_its_readers_and_its_outcome_is_a_reply(house: House) -> None:
    async with house.room():
        await house.opened(CHANNEL, 1)
        await house.tick(a_tick(1000, 4002.9), a_tick(2000, 4003.1))
        closed = {one.subscriber_id: one for one in await house.closed(2)}
        outcome = await house.sent_to(CHANNEL, SendClass.EXIT)
        await house.quiet()

    assert outcome.chat_id == CHANNEL
    assert outcome.reply_to == ids.send_id(closed[CHANNEL].position_id, "signal")
    assert [one.chat_id for one in house.sent()] == [CHANNEL, 1]


async def test_a_channel_that_could_not_be_reached_comes_back_when_it_is_told_again(house: House) -> None:
    question = asks.RegisterSubscriber(subscriber_id=CHANNEL, chat_id=CHANNEL, name="c", language="id")
    async with house.room():
        await house.subscribe(CHANNEL)
        seen_at = datetime.now(UTC) + timedelta(seconds=1)
        gone = asks.DeactivateSubscriber(subscriber_id=CHANNEL, reason="403", seen_at=seen_at)
        assert not (await house.bus.ask(catalogue.DEACTIVATE, gone)).active
        back = await house.bus.ask(catalogue.REGISTER, question)

    assert (back.active, back.auto) == (True, True)
