"""Groups and channels: other ids, topics, and what the operator decided for all messages."""

import pytest
from pydantic import ValidationError

from contracts.messages import DeliveryState, SendClass
from services.telegram.domain import fees
from services.telegram.domain.scheduler import Limits
from services.telegram.handlers.letters import Policy
from services.telegram.ports import Manner
from services.telegram.settings import TelegramSettings
from tests.telegram.builders import outcome_notice, send, text
from tests.telegram.gateway import until
from tests.telegram.phone import TOKEN

pytestmark = pytest.mark.real
OLD, NEW = -4100000001, -1002050000001


async def test_a_group_that_became_a_supergroup_is_followed_for_life(gateway):
    gateway.chat.people.add(NEW)
    gateway.chat.moved = {OLD: NEW}
    first, second = send(OLD), send(OLD, outcome_notice(), SendClass.EXIT, id="m:outcome", reply_to="m:signal:p:-1")
    async with gateway.running():
        await gateway.say(first)
        settled = await gateway.until_settled(first.id)
    async with gateway.running():  # a new process knows the new id
        await gateway.say(second)
        await gateway.until_settled(second.id)
        await gateway.until_idle()

    assert (settled.state, settled.chat_id, settled.attempts) == (DeliveryState.DELIVERED, OLD, 2)
    assert len(gateway.chat.of(NEW)) == 2
    assert [chat for _, chat in gateway.chat.calls] == [OLD, NEW, NEW]


async def test_a_topic_is_kept_by_a_text_and_by_the_picture_that_answers_it(gateway):
    group = -1001
    gateway.chat.people.add(group)
    message = send(group, thread_id=77, chart_key="key", silent=True, protect=True)
    original, gateway.chat.join_picture = gateway.chat.join_picture, None

    async def refuse(chat_id, *_):
        return await original(chat_id, 999, *_[1:])

    gateway.chat.join_picture = refuse
    async with gateway.running():
        await gateway.say(message)
        await gateway.until_settled(message.id)
        await gateway.draw("key")
        await until(lambda: len(gateway.chat.of(group)) == 2)

    words, picture = gateway.chat.of(group)
    assert words.manner == Manner(thread_id=77, is_silent=True, is_protected=True)
    assert picture.manner == Manner(thread_id=77, is_silent=True, is_protected=True, reply_to=words.message_id)


async def test_what_the_operator_decided_holds_for_every_message(gateway):
    gateway.policy = Policy(is_protected=True, is_paid=True)
    async with gateway.running():
        await gateway.say(send(7, text(), SendClass.BROADCAST))
        await gateway.until_idle()

    assert gateway.chat.of(7)[0].manner == Manner(is_protected=True, is_paid=True)


async def test_kinds_that_the_operator_hushed_make_no_sound_and_others_do(gateway):
    settings = TelegramSettings(token=TOKEN, silent_kinds="stop, broadcast")
    gateway.policy = Policy(silent=settings.silent)
    async with gateway.running():
        await gateway.say(send(7, text(), SendClass.BROADCAST))
        await gateway.say(send(8, text(), SendClass.REPLY))
        await gateway.until_idle()

    assert [gateway.chat.of(chat)[0].manner.is_silent for chat in (7, 8)] == [True, False]


@pytest.mark.parametrize(("kinds", "named"), [("stop,loud", "loud"), ("exit", "exit"), ("signal,stop", "signal")])
def test_what_money_hangs_on_cannot_be_hushed_and_what_is_no_kind_is_named(kinds, named):
    with pytest.raises(ValidationError, match=f"{named}: must be of stop"):
        TelegramSettings(token=TOKEN, silent_kinds=kinds)


async def test_a_paid_pace_says_what_it_cost(gateway, monkeypatch):
    gateway.limits = Limits(per_second=1000.0, private_gap_s=0.0, in_flight=64, is_paid=True)
    async with gateway.running() as sender:
        assert sender.cost(10_000) == 970
        monkeypatch.setattr(fees, "FREE_PER_SECOND", 1)  # on a busy machine few leave within one second
        for chat in range(1, 101):
            await gateway.say(send(chat, text(), SendClass.BROADCAST))
        await gateway.until_idle()
        assert 0 < sender.stars <= sender.cost(100)


async def test_a_text_that_is_too_long_is_cut_as_markup_and_delivered(gateway):
    long = send(7, text("<b>" + "word " * 2000 + "</b>"), SendClass.REPLY)
    async with gateway.running():
        await gateway.say(long)
        settled = await gateway.until_settled(long.id)

    assert settled.state is DeliveryState.DELIVERED
    assert gateway.chat.of(7)[0].shown.html.endswith("word…</b>")
