"""aiogram, unchanged, speaks to this server as it does to Telegram's."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.telegram_api.bot import TOKEN, png

pytestmark = pytest.mark.real


@pytest.fixture
async def aiogram_bot(server) -> AsyncIterator:
    from aiogram import Bot
    from aiogram.client.default import DefaultBotProperties
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    session = AiohttpSession(api=TelegramAPIServer.from_base(server.url))
    async with Bot(TOKEN, session=session, default=DefaultBotProperties(parse_mode="HTML")) as bot:
        yield bot


async def test_a_conversation_with_text_edit_photo_and_press(aiogram_bot, bot):
    from aiogram.types import (
        BufferedInputFile,
        InlineKeyboardButton,
        InlineKeyboardMarkup,
        InputMediaPhoto,
        ReplyParameters,
    )

    chat = await bot.person()
    await bot.sandbox(f"chats/{chat}/text", {"text": "/start"})
    [update] = await aiogram_bot.get_updates(timeout=5)
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Chart", callback_data="chart:1")]])

    sent = await aiogram_bot.send_message(chat, "<b>Buy</b>", reply_markup=keyboard)
    edited = await aiogram_bot.edit_message_text(
        "<b>Sell</b>", chat_id=chat, message_id=sent.message_id, reply_markup=keyboard
    )
    upload = InputMediaPhoto(media=BufferedInputFile(png(), "chart.png"), caption="Sell")
    charted = await aiogram_bot.edit_message_media(
        upload, chat_id=chat, message_id=sent.message_id, reply_markup=keyboard
    )
    again = await aiogram_bot.send_photo(
        chat, charted.photo[-1].file_id, reply_parameters=ReplyParameters(message_id=sent.message_id)
    )
    downloaded = await aiogram_bot.download(again.photo[-1])
    await bot.sandbox(f"chats/{chat}/press", {"message_id": sent.message_id, "data": "chart:1"})
    [pressed] = await aiogram_bot.get_updates(offset=update.update_id + 1, timeout=5)

    assert update.message.text == "/start"
    assert (sent.text, edited.text, charted.caption) == ("Buy", "Sell", "Sell")
    assert (again.reply_to_message.message_id, downloaded.read()) == (sent.message_id, png())
    assert (pressed.callback_query.data, await aiogram_bot.answer_callback_query(pressed.callback_query.id)) == (
        "chart:1",
        True,
    )


async def test_uploads_albums_commands_and_chats_are_understood(aiogram_bot, bot):
    from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats, BufferedInputFile, InputMediaPhoto

    chat = await bot.person()
    photo = await aiogram_bot.send_photo(chat, BufferedInputFile(png(), "chart.png"), caption="<i>x</i>")
    document = await aiogram_bot.send_document(chat, BufferedInputFile(b"a,b", "data.csv"))
    album = await aiogram_bot.send_media_group(
        chat,
        [
            InputMediaPhoto(media=photo.photo[-1].file_id),
            InputMediaPhoto(media=BufferedInputFile(png(shade=1), "b.png")),
        ],
    )
    await aiogram_bot.set_my_commands(
        [BotCommand(command="start", description="Begin")], scope=BotCommandScopeAllPrivateChats(), language_code="en"
    )

    assert (photo.caption_entities[0].type, document.document.file_name, len(album)) == ("italic", "data.csv", 2)
    assert (await aiogram_bot.get_chat(chat)).first_name == "Rani"
    assert (await aiogram_bot.me()).username == "sinyal_sandbox_bot"
    assert (await bot.get(f"chats/{chat}/commands"))[0]["command"] == "start"


async def test_refusals_become_aiograms_own_errors(aiogram_bot, bot):
    from aiogram.exceptions import (
        ClientDecodeError,
        TelegramBadRequest,
        TelegramForbiddenError,
        TelegramNetworkError,
        TelegramRetryAfter,
    )

    chat = await bot.person()
    sent = await aiogram_bot.send_message(chat, "x")
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await aiogram_bot.edit_message_text("x", chat_id=chat, message_id=sent.message_id)

    for fault, error in (
        ({"kind": "retry_after", "seconds": 3}, TelegramRetryAfter),
        ({"kind": "html_502"}, ClientDecodeError),
        ({"kind": "wrong_shape"}, ClientDecodeError),
        ({"kind": "reset_after"}, TelegramNetworkError),
        ({"kind": "truncated"}, TelegramNetworkError),
    ):
        await bot.sandbox("faults", fault)
        with pytest.raises(error):
            await aiogram_bot.send_message(chat, "y")

    await bot.sandbox(f"chats/{chat}/block")
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await aiogram_bot.send_message(chat, "z")


async def test_a_webhook_is_set_by_aiogram_and_shown(aiogram_bot, bot):
    url = f"{bot.server.url}/hook"

    assert await aiogram_bot.set_webhook(url, secret_token="s", allowed_updates=["message"]) is True

    info = await aiogram_bot.get_webhook_info()
    assert (info.url, info.allowed_updates, info.pending_update_count) == (url, ["message"], 0)
    assert await aiogram_bot.delete_webhook(drop_pending_updates=True) is True
