"""What is refused, in the exact words that a client decides by."""

import pytest

from tests.sandbox.telegram_api.bot import png

NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def bad(words):
    return 400, f"Bad Request: {words}"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n "}, "text must be non-empty"),
        ({"text": "🟢" * 4097}, "message is too long"),
        ({"text": "x" * 32_769}, "text is too long"),
        ({"text": "x", "parse_mode": "Markdown"}, "unsupported parse_mode"),
        (
            {"text": "<b>x", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        ({"text": "x", "chat_id": ""}, "chat_id is empty"),
        ({"text": "x", "chat_id": 42}, "chat not found"),
        ({"text": "x", "chat_id": "nobody"}, "chat not found"),
        ({"text": "x", "reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"text": "x", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ({"text": "x", "reply_markup": []}, "object expected as reply markup"),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "é" * 33}]]}},
            "BUTTON_DATA_INVALID",
        ),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a"}]]}},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a", "url": "nowhere"}]]}},
            "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL",
        ),
        (
            {"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 9}]},
            "entity beginning or end is outside of the text",
        ),
    ],
)
async def test_a_wrong_text_message_is_refused(bot, parameters, words):
    chat = await bot.person()

    answer = await bot.call("sendMessage", **{"chat_id": chat, **parameters})

    assert answer.refusal == bad(words)


@pytest.mark.parametrize("length", [4096])
async def test_limits_count_code_points(bot, length):
    chat = await bot.person()

    assert (await bot.call("sendMessage", chat_id=chat, text="🟢" * length)).result
    assert (await bot.call("sendPhoto", chat_id=chat, photo=png(), caption="🟢" * 1024)).result


async def test_an_optional_reply_goes_without_its_message(bot):
    parameters = {"message_id": 99, "allow_sending_without_reply": True}

    sent = (await bot.call("sendMessage", chat_id=await bot.person(), text="x", reply_parameters=parameters)).result

    assert "reply_to_message" not in sent


async def test_an_edit_without_a_change_is_refused_for_every_kind(bot):
    chat = await bot.person()
    text = (await bot.call("sendMessage", chat_id=chat, text="<b>a</b>", parse_mode="HTML")).result
    photo = (await bot.call("sendPhoto", chat_id=chat, photo=png(), caption="c")).result
    here, there = (
        {"chat_id": chat, "message_id": text["message_id"]},
        {"chat_id": chat, "message_id": photo["message_id"]},
    )
    media = {"type": "photo", "media": photo["photo"][-1]["file_id"], "caption": "c"}

    answers = [
        await bot.call("editMessageText", **here, text="<strong>a</strong>", parse_mode="HTML"),
        await bot.call("editMessageReplyMarkup", **here),
        await bot.call("editMessageCaption", **there, caption="c"),
        await bot.call("editMessageMedia", **there, media=media),
    ]

    assert [one.refusal for one in answers] == [(400, NOT_MODIFIED)] * 4


@pytest.mark.parametrize(
    ("method", "extra", "words"),
    [
        ("editMessageText", {"text": "x"}, "message to edit not found"),
        ("editMessageReplyMarkup", {}, "message to edit not found"),
        ("deleteMessage", {}, "message to delete not found"),
    ],
)
async def test_a_message_that_is_not_there_cannot_be_changed(bot, method, extra, words):
    answer = await bot.call(method, chat_id=await bot.person(), message_id=77, **extra)

    assert answer.refusal == bad(words)


async def test_only_own_messages_and_the_right_content_are_edited(bot):
    chat = await bot.person()
    theirs = (await bot.sandbox(f"chats/{chat}/text", {"text": "hello"}))["message_id"]
    text = (await bot.call("sendMessage", chat_id=chat, text="a")).result["message_id"]
    photo = (await bot.call("sendPhoto", chat_id=chat, photo=png())).result["message_id"]

    answers = [
        await bot.call("editMessageText", chat_id=chat, message_id=theirs, text="x"),
        await bot.call("editMessageCaption", chat_id=chat, message_id=text, caption="x"),
        await bot.call("editMessageText", chat_id=chat, message_id=photo, text="x"),
        await bot.call("editMessageText", chat_id=chat, text="x"),
    ]

    assert [one.refusal for one in answers] == [
        bad("message can't be edited"),
        bad("there is no caption in the message to edit"),
        bad("there is no text in the message to edit"),
        bad("message identifier is not specified"),
    ]


@pytest.mark.parametrize(
    ("method", "parameters", "words"),
    [
        ("sendPhoto", {}, "there is no photo in the request"),
        ("sendPhoto", {"photo": "made-up"}, "wrong file identifier/HTTP URL specified"),
        ("sendPhoto", {"photo": "https://a.example/x.png"}, "failed to get HTTP URL content"),
        ("sendPhoto", {"photo": b"no picture"}, "IMAGE_PROCESS_FAILED"),
        ("sendPhoto", {"photo": png(4200, 20)}, "PHOTO_INVALID_DIMENSIONS"),
        ("sendPhoto", {"photo": png(), "caption": "x" * 1025}, "message caption is too long"),
        ("sendDocument", {"document": b""}, "file must be non-empty"),
        ("getFile", {"file_id": "made-up"}, "invalid file_id"),
        ("sendChatAction", {"action": "dancing"}, "wrong parameter action in request"),
        ("setMyCommands", {"commands": [{"command": "No!", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        (
            "sendMediaGroup",
            {"media": [{"type": "photo", "media": "x"}]},
            "wrong number of messages to send as an album: 2-10 are expected",
        ),
    ],
)
async def test_wrong_parameters_are_refused(bot, method, parameters, words):
    answer = await bot.call(method, chat_id=await bot.person(), **parameters)

    assert answer.refusal == bad(words)


async def test_a_document_is_no_photo(bot):
    chat = await bot.person()
    sent = (await bot.call("sendDocument", chat_id=chat, document=png())).result

    answer = await bot.call("sendPhoto", chat_id=chat, photo=sent["document"]["file_id"])

    assert answer.refusal == bad("can't use file of type Document as Photo")


async def test_a_chat_that_is_closed_to_the_bot_answers_403(bot):
    rani, budi = await bot.person(), await bot.person("Budi")
    group = (await bot.sandbox("chats", {"title": "Desk", "type": "supergroup"}))["id"]
    await bot.sandbox(f"chats/{rani}/block")
    await bot.sandbox(f"chats/{budi}/deactivate")
    await bot.sandbox(f"chats/{group}/block")

    answers = [(await bot.call("sendMessage", chat_id=chat, text="x")).refusal for chat in (rani, budi, group)]

    assert answers == [
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (403, "Forbidden: bot was kicked from the supergroup chat"),
    ]
    await bot.sandbox(f"chats/{rani}/unblock")
    assert (await bot.call("sendMessage", chat_id=rani, text="x")).result


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("bot123/getMe", 401, "Unauthorized: invalid token specified"),
        ("bot123456789:another-token/getMe", 401, "Unauthorized"),
        ("file/bot123456789:another-token/photos/file_0.png", 401, "Unauthorized"),
        ("nowhere", 404, "Not Found"),
    ],
)
async def test_a_wrong_address_is_refused(bot, path, code, words):
    async with bot.session.get(f"{bot.server.url}/{path}") as response:
        assert (response.status, await response.json()) == (
            code,
            {"ok": False, "error_code": code, "description": words},
        )


async def test_an_unknown_method_is_refused(bot):
    assert (await bot.call("sendLove")).refusal == (404, "Not Found: method not found")
