"""Keyboards: read from a call and checked the way the real server checks them."""

import re
from typing import Any

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.errors import bad_request

Json = dict[str, Any]

LONGEST_CALLBACK_BYTES = 64
MOST_BUTTONS = 100
_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
_OTHER_KINDS = ("keyboard", "remove_keyboard", "force_reply")
_URL = re.compile(r"(?:https?://(?:[^/\s.]+\.)+[^/\s.]{2,}(?:[/?#:]\S*)?|tg://\S+|ton://\S+)", re.IGNORECASE)


def read_markup(call: Call) -> Json | None:
    """Read `reply_markup`; None when absent or an empty inline keyboard. Raises ApiError (400)."""
    markup = call.structure("reply_markup", "reply keyboard markup")
    if markup is None or markup == {}:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _checked_rows(markup["inline_keyboard"])
        return {"inline_keyboard": rows} if rows else None
    if not any(kind in markup for kind in _OTHER_KINDS):
        return None
    return markup


def find_button(markup: Json | None, data: str) -> Json | None:
    """Return the inline button with this callback data."""
    for row in (markup or {}).get("inline_keyboard", []):
        for button in row:
            if button.get("callback_data") == data:
                return dict(button)
    return None


def _checked_rows(rows: Any) -> list[list[Json]]:
    """Return the rows without empty ones. Raises ApiError (400)."""
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    checked = [[_checked_button(button) for button in row] for row in rows if row]
    if sum(len(row) for row in checked) > MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    return checked


def _checked_button(button: Any) -> Json:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    kept = {name: value for name, value in button.items() if value is not None}
    if not str(kept.get("text", "")).strip():
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be of type String')
    actions = [name for name in _ACTIONS if name in kept]
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    _check_action(kept, actions[0])
    return kept


def _check_action(button: Json, action: str) -> None:
    """Raise ApiError (400) for an action that the real server refuses."""
    if action == "callback_data" and not 1 <= len(str(button[action]).encode()) <= LONGEST_CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if action == "url" and not _URL.fullmatch(str(button[action])):
        raise bad_request(f"inline keyboard button URL '{button[action]}' is invalid: Wrong HTTP URL")
