"""Messages: what one holds, and how it looks in an answer or an update."""

from dataclasses import dataclass
from typing import Any

from sandbox.telegram_api.files import StoredFile
from sandbox.telegram_api.formatted_text import FormattedText

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """What an edit can replace; two equal contents are "not modified"."""

    text: FormattedText
    media: StoredFile | None = None
    link_preview: Json | None = None
    has_spoiler: bool = False
    is_caption_above: bool = False


@dataclass(slots=True)
class Message:
    """One message of one chat. `sender` is None in channels; `chat` is the chat as messages show it."""

    message_id: int
    chat: Json
    sender: Json | None
    date: int
    content: Content
    is_from_bot: bool
    markup: Json | None = None
    reply_to: "Message | None" = None
    quote: Json | None = None
    edit_date: int | None = None
    media_group_id: str | None = None
    is_protected: bool = False
    is_silent: bool = False
    is_seen: bool = False
    thread_id: int | None = None

    @property
    def inline_keyboard(self) -> Json | None:
        """Return the buttons under the message; a reply keyboard belongs to the chat instead."""
        return self.markup if self.markup and "inline_keyboard" in self.markup else None

    def render(self, *, with_reply: bool = True) -> Json:
        """Return the Bot API's Message; a replied-to message is shown without its own reply."""
        shown: Json = {"message_id": self.message_id, "chat": self.chat, "date": self.date}
        if self.sender is not None:
            shown["from"] = self.sender
        elif self.is_from_bot:
            shown["sender_chat"] = self.chat
        if with_reply and self.reply_to is not None:
            shown["reply_to_message"] = self.reply_to.render(with_reply=False)
        shown |= _marks(self) | _body(self.content)
        if self.inline_keyboard is not None:
            shown["reply_markup"] = self.inline_keyboard
        return shown


def _marks(message: Message) -> Json:
    """Return the optional fields around the content."""
    marks = {
        "quote": message.quote,
        "edit_date": message.edit_date,
        "media_group_id": message.media_group_id,
        "has_protected_content": message.is_protected or None,
        "message_thread_id": message.thread_id,
        "is_topic_message": True if message.thread_id else None,
    }
    return {name: value for name, value in marks.items() if value is not None}


def _body(content: Content) -> Json:
    """Return the fields of the content: text, or a file with its caption."""
    prefix = "" if content.media is None else "caption_"
    body: Json = {}
    if content.text:
        body["text" if content.media is None else "caption"] = content.text.text
    if content.text.entities:
        body[f"{prefix}entities"] = list(content.text.entities)
    if content.media is None:
        return body | ({"link_preview_options": content.link_preview} if content.link_preview else {})
    body[content.media.kind] = content.media.render()
    if content.has_spoiler:
        body["has_media_spoiler"] = True
    if content.is_caption_above:
        body["show_caption_above_media"] = True
    return body
