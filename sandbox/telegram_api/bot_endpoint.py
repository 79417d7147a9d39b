"""The Bot API over HTTP: who calls, what goes wrong on purpose, how fast, and what is answered."""

import asyncio
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.telegram_api.call_summary import summarise
from sandbox.telegram_api.calls import Call, read_call
from sandbox.telegram_api.errors import ApiError
from sandbox.telegram_api.fault_answers import ANSWER_NAMES, deliver_badly
from sandbox.telegram_api.faults import Fault, FaultKind
from sandbox.telegram_api.journal import Entry
from sandbox.telegram_api.methods.table import METHODS, Method
from sandbox.telegram_api.methods.updating import Described
from sandbox.telegram_api.world import World

TOKEN = re.compile(r"[0-9]{1,16}:[A-Za-z0-9_-]{3,}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """Return the HTTP response."""
        text = json.dumps(self.body, ensure_ascii=False, separators=(",", ":"))
        return web.Response(status=self.status, text=text, content_type="application/json", headers=self.headers)


class BotEndpoint:
    """Answers `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

    def __init__(self, world: World, closing: asyncio.Event) -> None:
        self._world = world
        self._closing = closing
        world.webhook.execute = self._execute_reply

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Answer one method call."""
        try:
            self._check_token(request.match_info["token"])
            method = _find_method(request.match_info["method"])
        except ApiError as refusal:
            return _refuse(refusal).response()
        received_at = time.time()
        try:
            call = await read_call(request, method.name)
        except ApiError as refusal:
            self._note_unreadable(method, refusal)
            return _refuse(refusal).response()
        answer, fault = await self._answer(method, call, received_at, lambda: _is_gone(request))
        if fault is None or fault.kind not in ANSWER_NAMES:
            return answer.response()
        return await deliver_badly(request, answer.response(), fault, self._closing)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Serve a file of the bot."""
        try:
            self._check_token(request.match_info["token"])
        except ApiError as refusal:
            return _refuse(refusal).response()
        found = self._world.files.content(request.match_info["path"])
        if found is None:
            return _refuse(ApiError(404, "Not Found")).response()
        return web.Response(body=found[1], content_type="application/octet-stream")

    async def _answer(
        self, method: Method, call: Call, received_at: float, is_gone: Callable[[], bool]
    ) -> tuple[Answer, Fault | None]:
        """Execute a call, with the fault that befalls it, and write it into the journal."""
        world = self._world
        entry = world.journal.begin(method.name, world.chats.key_of(call.text("chat_id")), summarise(world, call))
        entry.received_at = received_at
        entry.outcome = "dropped"
        fault = world.faults.match(method.name, entry.chat_id)
        try:
            return await self._execute(method, call, entry, fault), fault
        except ApiError as refusal:
            entry.outcome = "refused"
            entry.error_code, entry.description = refusal.code, refusal.description
            return _refuse(refusal), fault
        finally:
            entry.answer = "unseen" if is_gone() or entry.outcome == "dropped" else "sent"
            if fault is not None:
                entry.fault = fault.kind.value
                entry.answer = ANSWER_NAMES.get(fault.kind, entry.answer)
            world.journal.settle(entry)

    async def _execute(self, method: Method, call: Call, entry: Entry, fault: Fault | None) -> Answer:
        """Execute a call when its turn comes, unless the fault prevents it. Raises ApiError."""
        if fault is not None:
            if (refusal := fault.refusal()) is not None:
                raise refusal
            if not fault.executed:
                return Answer(200, {"ok": True, "result": True})
            if fault.kind is FaultKind.SLOW:
                await asyncio.sleep(fault.seconds)
        if method.is_metered:
            await self._await_turn(call, entry)
        result = await method.run(self._world, call)
        entry.outcome = "accepted"
        entry.message_ids = _message_ids(result)
        return _accept(result)

    async def _await_turn(self, call: Call, entry: Entry) -> None:
        """Hold the call until the limits allow it. Raises ApiError (429)."""
        chat = self._world.chats.get(entry.chat_id) if isinstance(entry.chat_id, int) else None
        if chat is None:
            return
        media = call.structure("media", "media")
        count = len(media) if isinstance(media, list) else 1
        is_paid = call.boolean("allow_paid_broadcast")
        entry.held_s = round(self._world.limits.reserve(chat, time.monotonic(), count, is_paid=is_paid), 3)
        if entry.held_s > 0:
            await asyncio.sleep(entry.held_s)

    async def _execute_reply(self, name: str, parameters: dict[str, Any]) -> None:
        """Execute the method that a webhook's receiver put into its answer."""
        method = METHODS.get(name.lower())
        if method is None or method.name.startswith("get") or "Webhook" in method.name:
            return
        texts = {key: one if isinstance(one, str) else json.dumps(one) for key, one in parameters.items()}
        await self._answer(method, Call(method.name, texts), time.time(), lambda: False)

    def _check_token(self, token: str) -> None:
        """Raise ApiError (401) for a token that is not the bot's."""
        if not TOKEN.fullmatch(token):
            raise ApiError(401, "Unauthorized: invalid token specified")
        if not hmac.compare_digest(token, self._world.token):
            raise ApiError(401, "Unauthorized")

    def _note_unreadable(self, method: Method, refusal: ApiError) -> None:
        """Write down a call whose body could not be read."""
        entry = self._world.journal.begin(method.name, None, {})
        entry.outcome = "refused"
        entry.error_code, entry.description = refusal.code, refusal.description
        self._world.journal.settle(entry)


def _is_gone(request: web.Request) -> bool:
    """Tell whether the client left before it was answered."""
    return request.transport is None or request.transport.is_closing()


def _find_method(name: str) -> Method:
    try:
        return METHODS[name.lower()]
    except KeyError as error:
        raise ApiError(404, "Not Found: method not found") from error


def _accept(result: Any) -> Answer:
    if isinstance(result, Described):
        return Answer(200, {"ok": True, "result": result.result, "description": result.description})
    return Answer(200, {"ok": True, "result": result})


def _refuse(refusal: ApiError) -> Answer:
    return Answer(refusal.code, refusal.body(), refusal.headers())


def _message_ids(result: Any) -> list[int]:
    """Return the ids of the messages that a result holds."""
    messages = result if isinstance(result, list) else [result]
    return [one["message_id"] for one in messages if isinstance(one, dict) and "message_id" in one]
