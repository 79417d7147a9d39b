"""Every method by its lower-case name: as with the real server, case does not matter."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.methods import answering, describing, editing, sending, updating
from sandbox.telegram_api.world import World


@dataclass(frozen=True, slots=True)
class Method:
    """One method. A metered one writes into a chat and counts against the limits."""

    name: str
    run: Callable[[World, Call], Awaitable[Any]]
    is_metered: bool = False


_ALL = (
    Method("getMe", describing.get_me),
    Method("getUpdates", updating.get_updates),
    Method("setWebhook", updating.set_webhook),
    Method("deleteWebhook", updating.delete_webhook),
    Method("getWebhookInfo", updating.get_webhook_info),
    Method("sendMessage", sending.send_message, is_metered=True),
    Method("sendPhoto", sending.send_photo, is_metered=True),
    Method("sendDocument", sending.send_document, is_metered=True),
    Method("sendMediaGroup", sending.send_media_group, is_metered=True),
    Method("sendChatAction", sending.send_chat_action),
    Method("editMessageText", editing.edit_message_text, is_metered=True),
    Method("editMessageCaption", editing.edit_message_caption, is_metered=True),
    Method("editMessageMedia", editing.edit_message_media, is_metered=True),
    Method("editMessageReplyMarkup", editing.edit_message_reply_markup, is_metered=True),
    Method("deleteMessage", editing.delete_message),
    Method("deleteMessages", editing.delete_messages),
    Method("answerCallbackQuery", answering.answer_callback_query),
    Method("setMyCommands", describing.set_my_commands),
    Method("getMyCommands", describing.get_my_commands),
    Method("deleteMyCommands", describing.delete_my_commands),
    Method("getChat", describing.get_chat),
    Method("getFile", describing.get_file),
    Method("logOut", describing.log_out),
    Method("close", describing.log_out),
)

METHODS: dict[str, Method] = {one.name.lower(): one for one in _ALL}
