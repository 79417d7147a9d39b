"""Every method's answer is what the Bot API promises."""

import pytest

from tests.sandbox.telegram_api.api_schema import check_result, check_update
from tests.sandbox.telegram_api.bot import TOKEN, png

BUTTONS = {"inline_keyboard": [[{"text": "Why", "callback_data": "why"}]]}


async def test_getme_describes_the_bot(bot):
    me = (await bot.call("getMe")).result

    check_result("getMe", me)
    assert (me["id"], me["is_bot"]) == (123456789, True)


async def test_a_text_message_comes_back_as_it_is_stored(bot):
    chat = await bot.person()

    sent = (
        await bot.call(
            "sendMessage",
            chat_id=chat,
            text="<b>Hi</b> /why",
            parse_mode="HTML",
            reply_markup=BUTTONS,
            protect_content=True,
            disable_notification=True,
            link_preview_options={"is_disabled": True},
        )
    ).result

    check_result("sendMessage", sent)
    assert sent["text"] == "Hi /why"
    assert [one["type"] for one in sent["entities"]] == ["bold", "bot_command"]
    assert sent["reply_markup"] == BUTTONS
    assert sent["has_protected_content"] is True


async def test_a_photo_is_uploaded_once_and_sent_again_by_its_file_id(bot):
    chat = await bot.person()

    first = (
        await bot.call("sendPhoto", chat_id=chat, photo=png(1280, 960), caption="<i>x</i>", parse_mode="HTML")
    ).result
    again = (await bot.call("sendPhoto", chat_id=chat, photo=first["photo"][-1]["file_id"])).result

    check_result("sendPhoto", first)
    assert [one["width"] for one in first["photo"]] == [90, 320, 800, 1280]
    assert again["photo"] == first["photo"]


async def test_a_photo_is_downloaded_as_it_was_uploaded(bot):
    chat, picture = await bot.person(), png()
    photo = (await bot.call("sendPhoto", chat_id=chat, photo=picture)).result["photo"]

    described = (await bot.call("getFile", file_id=photo[-1]["file_id"])).result

    check_result("getFile", described)
    async with bot.session.get(f"{bot.server.url}/file/bot{TOKEN}/{described['file_path']}") as response:
        assert await response.read() == picture


async def test_a_document_keeps_its_name(bot):
    sent = (await bot.call("sendDocument", chat_id=await bot.person(), document=b"a,b\n", caption="Your data")).result

    check_result("sendDocument", sent)
    assert (sent["document"]["file_name"], sent["document"]["file_size"]) == ("document.png", 4)


async def test_an_album_shares_one_group(bot):
    media = [{"type": "photo", "media": "attach://one", "caption": "x"}, {"type": "photo", "media": "attach://two"}]

    sent = (
        await bot.call("sendMediaGroup", chat_id=await bot.person(), media=media, one=png(), two=png(shade=9))
    ).result

    check_result("sendMediaGroup", sent)
    assert len({one["media_group_id"] for one in sent}) == 1


async def test_a_reply_shows_what_it_replies_to(bot):
    chat = await bot.person()
    first = (await bot.call("sendMessage", chat_id=chat, text="signal 4012.35")).result

    parameters = {"message_id": first["message_id"], "quote": "4012.35"}
    sent = (await bot.call("sendMessage", chat_id=chat, text="exit", reply_parameters=parameters)).result

    check_result("sendMessage", sent)
    assert sent["reply_to_message"]["text"] == "signal 4012.35"
    assert sent["quote"]["position"] == 7


async def test_an_edit_replaces_text_and_drops_buttons_that_are_not_repeated(bot):
    chat = await bot.person()
    first = (await bot.call("sendMessage", chat_id=chat, text="a", reply_markup=BUTTONS)).result

    edited = (await bot.call("editMessageText", chat_id=chat, message_id=first["message_id"], text="b")).result

    check_result("editMessageText", edited)
    assert (edited["text"], "edit_date" in edited, "reply_markup" in edited) == ("b", True, False)


async def test_a_text_becomes_a_photo_in_the_same_message(bot):
    chat = await bot.person()
    first = (await bot.call("sendMessage", chat_id=chat, text="signal")).result

    media = {"type": "photo", "media": "attach://chart", "caption": "<b>signal</b>", "parse_mode": "HTML"}
    edited = (
        await bot.call("editMessageMedia", chat_id=chat, message_id=first["message_id"], media=media, chart=png())
    ).result

    check_result("editMessageMedia", edited)
    assert (edited["message_id"], edited["caption"], "text" in edited) == (first["message_id"], "signal", False)


async def test_caption_and_buttons_are_edited(bot):
    chat = await bot.person()
    message_id = (await bot.call("sendPhoto", chat_id=chat, photo=png())).result["message_id"]

    captioned = (await bot.call("editMessageCaption", chat_id=chat, message_id=message_id, caption="now")).result
    keyed = (await bot.call("editMessageReplyMarkup", chat_id=chat, message_id=message_id, reply_markup=BUTTONS)).result

    check_result("editMessageCaption", captioned)
    check_result("editMessageReplyMarkup", keyed)
    assert (keyed["caption"], keyed["reply_markup"]) == ("now", BUTTONS)


async def test_deleted_messages_are_gone(bot):
    chat = await bot.person()
    ids = [(await bot.call("sendMessage", chat_id=chat, text="x")).result["message_id"] for _ in range(3)]

    check_result("deleteMessage", (await bot.call("deleteMessage", chat_id=chat, message_id=ids[0])).result)
    check_result("deleteMessages", (await bot.call("deleteMessages", chat_id=chat, message_ids=ids)).result)

    assert (await bot.get(f"chats/{chat}/messages"))["messages"] == []


async def test_commands_are_kept_by_scope_and_language_and_shown_to_the_right_people(bot):
    indonesian, english = await bot.person(language_code="id"), await bot.person("John", language_code="en-GB")
    commands = [{"command": "start", "description": "Mulai"}]
    plain = [{"command": "start", "description": "Begin"}]

    await bot.call("setMyCommands", commands=commands, language_code="id", scope={"type": "all_private_chats"})
    check_result("setMyCommands", (await bot.call("setMyCommands", commands=plain)).result)

    kept = (await bot.call("getMyCommands", language_code="id", scope={"type": "all_private_chats"})).result
    check_result("getMyCommands", kept)
    assert kept == commands
    assert await bot.get(f"chats/{indonesian}/commands") == commands
    assert await bot.get(f"chats/{english}/commands") == plain
    check_result("deleteMyCommands", (await bot.call("deleteMyCommands")).result)
    assert (await bot.call("getMyCommands")).result == []


@pytest.mark.parametrize("kind", ["private", "group", "supergroup", "channel"])
async def test_every_kind_of_chat_is_described_and_written_to(bot, kind):
    chat = (await bot.sandbox("chats", {"first_name": "Desk", "type": kind, "username": "desk"}))["id"]

    check_result("getChat", (await bot.call("getChat", chat_id=chat)).result)
    check_result("sendMessage", (await bot.call("sendMessage", chat_id=chat, text="x")).result)


async def test_a_channel_is_found_by_its_name(bot):
    chat = (await bot.sandbox("chats", {"title": "Record", "type": "channel", "username": "record"}))["id"]

    sent = (await bot.call("sendMessage", chat_id="@Record", text="root")).result

    assert (sent["chat"]["id"], sent["sender_chat"]["id"], "from" in sent) == (chat, chat, False)


@pytest.mark.parametrize("method", ["logOut", "close", "getWebhookInfo", "getUpdates", "deleteWebhook"])
async def test_methods_without_parameters_answer_in_form(bot, method):
    check_result(method, (await bot.call(method)).result)


async def test_a_chat_action_is_accepted(bot):
    check_result(
        "sendChatAction", (await bot.call("sendChatAction", chat_id=await bot.person(), action="typing")).result
    )


async def test_a_press_is_an_update_and_is_answered_once(bot):
    chat = await bot.person()
    sent = (await bot.call("sendMessage", chat_id=chat, text="x", reply_markup=BUTTONS)).result

    pressed = await bot.sandbox(f"chats/{chat}/press", {"message_id": sent["message_id"], "data": "why"})
    [update] = await bot.updates()

    check_update(update)
    query = update["callback_query"]
    assert (query["id"], query["data"], query["message"]["text"]) == (pressed["callback_query_id"], "why", "x")
    check_result("answerCallbackQuery", (await bot.call("answerCallbackQuery", callback_query_id=query["id"])).result)
    assert (await bot.call("answerCallbackQuery", callback_query_id=query["id"])).refusal == (
        400,
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
    )


async def test_query_json_and_any_case_of_a_method_are_taken(bot):
    chat = await bot.person()

    async with bot.session.get(f"{bot.base}/SENDMESSAGE", params={"chat_id": chat, "text": "query"}) as response:
        assert (await response.json())["result"]["text"] == "query"
    body = {"chat_id": chat, "text": "json", "reply_markup": BUTTONS, "parse_mode": None}
    async with bot.session.post(f"{bot.base}/sendMessage", json=body) as response:
        assert (await response.json())["result"]["reply_markup"] == BUTTONS


async def test_message_ids_run_over_all_private_chats_but_per_channel(bot):
    people = [await bot.person(), await bot.person("Budi")]
    channel = (await bot.sandbox("chats", {"title": "Record", "type": "channel"}))["id"]

    ids = [(await bot.call("sendMessage", chat_id=chat, text="x")).result["message_id"] for chat in (*people, channel)]

    assert ids == [1, 2, 1]


async def test_a_chunked_multipart_without_a_length_is_read(bot):
    chat, picture = await bot.person(), png()
    fields = {"chat_id": str(chat), "photo": "attach://k1"}
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    file_head = '--x\r\nContent-Disposition: form-data; name="k1"; filename="chart.png"\r\n\r\n'
    body = "".join([*parts, file_head]).encode() + picture + b"\r\n--x--\r\n"

    async def in_chunks():
        for begin in range(0, len(body), 100):
            yield body[begin : begin + 100]

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with bot.session.post(f"{bot.base}/sendPhoto", data=in_chunks(), headers=headers) as response:
        answer = await response.json()

    check_result("sendPhoto", answer["result"])
