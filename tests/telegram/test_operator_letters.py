"""/dlq: those who run the bot look through the dead letters on their phone, and nobody else learns of them."""

from datetime import UTC, datetime

import pytest

from chassis.bus import Outgoing
from contracts import catalogue, codec
from contracts.messages import DeadLetter
from services.telegram.domain import dead_letters
from services.telegram.domain.dead_letters import Action, Errand, read_errand
from services.telegram.domain.presses import Press, Verb
from tests.telegram.builders import ENGLISH, NOW, send
from tests.telegram.phone import a_phone, english, pressables, words


def letter(number=1, **more):
    values = {
        "id": f"d:SENDS:{number}:x",
        "at": NOW,
        "topic": "send",
        "subject": f"send.v1.3.signal.{number}",
        "stream": "SENDS",
        "sequence": number,
        "consumer": "telegram-sends",
        "reason": "400: Bad Request: <odd> & bad",
        "attempts": 3,
        "first_at": datetime(2026, 1, 5, 11, tzinfo=UTC),
        "headers": {"Nats-Msg-Id": f"m:signal:p:{number}"},
        "payload": codec.encode(send(number)),
    }
    return DeadLetter(**{**values, **more})


@pytest.fixture
async def operator():
    async with a_phone(operators=(77,)) as phone:
        yield phone


async def die(phone, count=1):
    for number in range(1, count + 1):
        await phone.bus.publish(catalogue.DEAD, letter(number), "send")


async def test_an_operator_reads_the_newest_letters_by_pages(operator):
    await die(operator, 7)

    answer = await operator.types("/dlq")

    assert words(answer).startswith("Pesan mati: 7\n\n#7 send · 5 Jan 19:00\n400: Bad Request: &lt;odd&gt; &amp; bad")
    assert [one.argument for one in pressables(answer)][:5] == [f"show:{n}" for n in (7, 6, 5, 4, 3)]
    second = await operator.presses("dlq:page:1")
    assert second.content.edit_message_id == 55
    assert [one.argument for one in pressables(second)] == ["show:2", "show:1", "page:0", "page:1"]


async def test_without_letters_an_operator_is_told_so_even_while_positions_is_away(operator):
    operator.bus._answerers.clear()
    assert "Tidak ada pesan mati" in words(await operator.types("/dlq"))


@pytest.mark.parametrize("typed", ["/dlq 1", "/dlq #1"])
async def test_a_letter_shows_its_history_and_its_body(operator, typed):
    english(operator)
    await operator.bus.publish(catalogue.DEAD, letter(1, redrives=2, attempts=9), "send")

    text = words(await operator.types(typed))

    assert "Tried 9× · sent again 2×" in text
    assert "First 5 Jan 2026 18:00 WIB · last 5 Jan 2026 19:00 WIB" in text
    assert '"chat_id":1' in text


async def test_a_letter_is_sent_again_only_after_it_was_confirmed(operator):
    await die(operator)

    asked = await operator.presses("dlq:redrive?:1")
    assert operator.bus.said(catalogue.SEND)[-1].content == asked.content
    assert [one.argument for one in pressables(asked)] == ["redrive:1", "show:1"]
    assert await operator.bus.read_stored("DEAD", 1) is not None

    again, answer = await operator.presses("dlq:redrive:1", answers=2)

    assert again.id == "m:signal:p:1"
    assert "dikirim ulang" in words(answer)
    assert await operator.bus.read_stored("DEAD", 1) is None


async def test_a_letter_is_dropped_only_after_it_was_confirmed(operator):
    await die(operator)

    assert "tidak bisa dibatalkan" in words(await operator.presses("dlq:drop?:1"))
    assert await operator.bus.read_stored("DEAD", 1) is not None
    assert "dibuang" in words(await operator.presses("dlq:drop:1"))
    assert await operator.bus.read_stored("DEAD", 1) is None


async def test_a_letter_that_is_gone_or_cannot_be_sent_says_so(operator):
    await operator.bus.publish(catalogue.DEAD, letter(1, payload=b""), "send")

    assert "tetap di sini" in words(await operator.presses("dlq:redrive:1"))
    assert "sudah tidak ada" in words(await operator.presses("dlq:redrive:9"))


async def test_nobody_else_learns_that_there_are_letters(phone):
    await die(phone)

    assert "tidak mengerti" in words(await phone.types("/dlq"))
    assert "tidak mengerti" in words(await phone.presses("dlq:drop:1"))
    assert "/dlq" not in words(await phone.types("/help"))
    assert await phone.bus.read_stored("DEAD", 1) is not None


async def test_the_help_of_an_operator_names_the_command(operator):
    assert "/dlq" in words(await operator.types("/help"))


@pytest.mark.parametrize("argument", ["", "show", "show:", "show:²", "show:-1", "show:" + "9" * 40, "explode:1", ":1"])
def test_what_no_button_of_ours_says_is_no_errand(argument):
    assert read_errand(argument) is None
    assert read_errand("drop?:12") == Errand(Action.ASK_DROP, 12)


def test_a_long_reason_and_a_long_body_fit_into_a_message():
    huge = letter(10**14, reason="<&>" * 5000, payload=b"\xff<&>" * 5000, subject="s" * 255)
    shown = dead_letters.letter(10**14, huge, ENGLISH, "Asia/Jakarta")
    listed = dead_letters.page([(10**14 + n, huge) for n in range(5)], 0, ENGLISH, "Asia/Jakarta")

    from services.telegram.domain.rendering import TEXT_LIMIT, visible_length

    assert max(visible_length(one.html) for one in (shown, listed)) < TEXT_LIMIT
    assert Press(Verb.DEAD_LETTERS, f"{Action.ASK_REDRIVE}:{10**14}").pack()


async def test_a_letter_that_died_of_garbage_is_shown(operator):
    garbage = letter(1, payload=b"\xff\x00")
    await operator.bus.publish_batch([Outgoing(catalogue.DEAD.subject("send"), codec.encode(garbage), "g")])
    assert "Pesan mati #1" in words(await operator.types("/dlq 1"))
