"""Texts go first; pictures join them, uploaded once."""

import pytest

from contracts import catalogue
from contracts.messages import ChartDrawn, DeliveryState, PictureNotice, SendClass
from services.telegram.domain.attempt import Call
from services.telegram.domain.pictures import PictureRoom
from services.telegram.handlers.letters import NotYet, Writer
from tests.telegram.builders import NOW, WORDS, send
from tests.telegram.fake_chat import BAD, LOST_ANSWER, SERVER_ERROR, Trouble, said
from tests.telegram.gateway import until

pytestmark = pytest.mark.real
KEY = "0123456789abcdef"


def charted(number=7, **more):
    return send(number, chart_key=KEY, **more)


def join_id(number=7):
    return f"m:picture:p:{number}"


async def test_the_text_does_not_wait_and_the_picture_joins_it(gateway):
    async with gateway.running():
        await gateway.say(charted())
        await gateway.until_settled("m:signal:p:7")
        (bubble,) = gateway.chat.of(7)
        assert bubble.file_id is None
        before = bubble.shown
        await gateway.draw(KEY)
        settled = await gateway.until_settled(join_id())
        await gateway.until_idle()

    assert settled.state is DeliveryState.DELIVERED
    assert settled.kind is SendClass.PICTURE
    assert settled.position_id is None
    assert (bubble.shown, bubble.file_id) == (before, "file-1")
    assert len(gateway.chat.of(7)) == 1


async def test_a_lost_hint_is_made_up_for_by_looking(gateway):
    async with gateway.running():
        await gateway.say(charted())
        await gateway.until_settled("m:signal:p:7")
        await gateway.draw(KEY, is_told=False)
        assert (await gateway.until_settled(join_id())).state is DeliveryState.DELIVERED


async def test_a_picture_that_is_there_already_goes_with_the_text(gateway):
    async with gateway.running() as sender:
        await until(lambda: any(pattern == catalogue.DRAWN.published for pattern, *_ in gateway.bus._listeners))
        await gateway.draw(KEY)
        await until(lambda: sender._gallery._room.keys == 1)
        await gateway.say(charted())
        await gateway.until_settled("m:signal:p:7")

    assert [method for method, _ in gateway.chat.calls] == ["send_picture"]
    assert gateway.bus.said(catalogue.SEND)[-1].kind is SendClass.SIGNAL


async def test_two_hundred_people_cost_one_upload(gateway):
    async with gateway.running():
        for number in range(1, 201):
            await gateway.say(charted(number))
        await until(lambda: len(gateway.settled()) == 200)
        await gateway.draw(KEY)
        await until(lambda: len(gateway.settled()) == 400)
        await gateway.until_idle()

    assert gateway.chat.uploads == 1
    assert {bubble.file_id for bubble in gateway.chat.bubbles.values()} == {"file-1"}
    assert len(gateway.chat.bubbles) == 200


async def test_texts_that_come_after_the_upload_go_with_the_file_id(gateway):
    async with gateway.running():
        await gateway.say(charted(1))
        await gateway.draw(KEY)
        await gateway.until_settled(join_id(1))
        await gateway.say(charted(2))
        await gateway.until_settled("m:signal:p:2")

    assert gateway.chat.uploads == 1
    assert [method for method, chat in gateway.chat.calls if chat == 2] == ["send_picture"]


async def test_when_the_first_upload_fails_another_send_carries_it(gateway):
    gateway.chat.troubles = [Trouble(SERVER_ERROR, count=1, method="join_picture")]
    async with gateway.running():
        for number in range(1, 6):
            await gateway.say(charted(number))
        await until(lambda: len(gateway.settled()) == 5)
        await gateway.draw(KEY)
        await until(lambda: len(gateway.settled()) == 10)

    assert gateway.chat.uploads == 1
    assert all(bubble.file_id == "file-1" for bubble in gateway.chat.bubbles.values())


async def test_where_the_message_cannot_take_it_the_picture_answers_it(gateway):
    refusal = said(400, BAD + "message can't be edited")
    gateway.chat.troubles = [Trouble(refusal, count=1, method="join_picture")]
    async with gateway.running():
        await gateway.say(charted())
        await gateway.draw(KEY)
        settled = await gateway.until_settled(join_id())

    words, picture = gateway.chat.of(7)
    assert settled.state is DeliveryState.DELIVERED
    assert words.file_id is None
    assert (picture.manner.reply_to, picture.file_id, picture.manner.is_silent) == (words.message_id, "file-1", True)


async def test_a_join_whose_answer_got_lost_is_made_again_without_a_double(gateway):
    gateway.chat.troubles = [Trouble(LOST_ANSWER, count=1, method="join_picture", happens=True)]
    async with gateway.running():
        await gateway.say(charted())
        await gateway.draw(KEY)
        settled = await gateway.until_settled(join_id())

    assert settled.state is DeliveryState.DELIVERED
    assert len(gateway.chat.of(7)) == 1


async def test_a_picture_that_is_never_drawn_leaves_the_text_alone(gateway):
    gateway.picture_wait_s = 0.2
    async with gateway.running():
        await gateway.say(charted())
        settled = await gateway.until_settled(join_id())
        await gateway.until_idle()

    assert (settled.state, settled.reason) == (DeliveryState.EXPIRED, "not drawn in time")
    assert [method for method, _ in gateway.chat.calls] == ["send_text"]


async def test_a_file_id_that_telegram_lost_is_uploaded_again(gateway):
    async with gateway.running():
        await gateway.say(charted(1))
        await gateway.draw(KEY)
        await gateway.until_settled(join_id(1))
        gateway.chat.forget_files()
        await gateway.say(charted(2))
        settled = await gateway.until_settled("m:signal:p:2")
        await until(lambda: gateway.chat.of(2) and gateway.chat.of(2)[0].file_id == "file-2")

    assert settled.state is DeliveryState.DELIVERED


async def test_a_kill_between_text_and_picture_loses_no_picture(gateway):
    async with gateway.doomed():
        await gateway.say(charted())
        await gateway.until_settled("m:signal:p:7")
    async with gateway.running():
        await gateway.draw(KEY)
        assert (await gateway.until_settled(join_id())).state is DeliveryState.DELIVERED

    assert len(gateway.chat.of(7)) == 1


async def test_a_void_text_asks_for_no_picture(gateway):
    async with gateway.running():
        await gateway.say(charted(5000))
        await gateway.until_settled("m:signal:p:5000")
        await gateway.until_idle()

    assert [message.kind for message in gateway.bus.said(catalogue.SEND)] == [SendClass.SIGNAL]


async def test_an_exit_does_not_wait_behind_a_picture(gateway):
    async with gateway.running():
        await gateway.say(charted())
        await gateway.until_settled("m:signal:p:7")
        await gateway.say(send(7, kind=SendClass.EXIT, id="m:outcome:p:7"))
        assert (await gateway.until_settled("m:outcome:p:7")).state is DeliveryState.DELIVERED


def lonely_join():
    notice = PictureNotice(join_send_id="m:never", chart_key=KEY)
    return send(7, notice, SendClass.PICTURE, id="m:picture:never", position_id=None)


async def test_a_picture_whose_message_never_arrived_is_given_up(gateway):
    async with gateway.running():
        await gateway.say(lonely_join())
        await gateway.draw(KEY)
        settled = await gateway.until_settled("m:picture:never")

    assert (settled.state, settled.reason) == (DeliveryState.EXPIRED, "no message to join")


async def test_a_picture_that_the_store_has_dropped_meanwhile_is_given_up(gateway):
    async with gateway.running():
        await gateway.say(charted())
        await gateway.until_settled("m:signal:p:7")
        drawn = ChartDrawn(id=KEY, at=NOW, key=KEY, size_bytes=1)
        await until(lambda: gateway.sender.held == 1)
        await gateway.bus.tell(catalogue.DRAWN, drawn, KEY)
        settled = await gateway.until_settled(join_id())

    assert (settled.state, settled.reason) == (DeliveryState.EXPIRED, "no picture")


async def test_while_another_send_uploads_a_picture_nobody_else_does(gateway):
    async with gateway.running():
        await gateway.say(charted())
        await gateway.until_settled("m:signal:p:7")
    await gateway.draw(KEY)
    room = PictureRoom()
    room.drawn(KEY)
    room.claim(KEY, "another")
    writer = Writer(gateway.bus, gateway.chat, gateway.deliveries, WORDS, room)
    join = send(7, PictureNotice(join_send_id="m:signal:p:7", chart_key=KEY), SendClass.PICTURE, id=join_id())

    assert isinstance(await writer.compose(join, Call(1)), NotYet)
    room.give_up(KEY, "another")
    assert (await writer.compose(join, Call(1))).uploads == KEY
