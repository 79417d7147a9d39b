"""The answer to a pressed button."""

import time

from sandbox.telegram_api.calls import Call
from sandbox.telegram_api.errors import bad_request
from sandbox.telegram_api.world import World

LONGEST_ANSWER = 200


async def answer_callback_query(world: World, call: Call) -> bool:
    """End the button's waiting; a text is shown as a toast, or as an alert to confirm. A press is answered once."""
    query_id = call.text("callback_query_id")
    press = world.presses.get(query_id)
    if press is None or press.expires_at < time.time():
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = call.text("text")
    if len(text) > LONGEST_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    del world.presses[query_id]
    world.events.tell(
        "callback_answer",
        chat_id=press.chat_id,
        message_id=press.message_id,
        callback_query_id=query_id,
        text=text,
        show_alert=call.boolean("show_alert"),
        url=call.text("url"),
    )
    return True
