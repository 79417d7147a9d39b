"""`/sandbox/*`: the people's side of the server, for the page, for tests and for demos."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.telegram_api import people
from sandbox.telegram_api.chats import CHAT_KINDS, Access, Chat, ChatKind
from sandbox.telegram_api.updates import Update
from sandbox.telegram_api.views import view_chat, view_message
from sandbox.telegram_api.world import World

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEARTBEAT_S = 15.0


class Control:
    """The handlers of `/sandbox/*`. A wrong request is answered 400 with {"error": sentence}, an unknown chat 404."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return every route."""
        return [
            web.get("/sandbox/health", self.health),
            web.get("/sandbox/events", self.events),
            web.get("/sandbox/journal", self.journal),
            web.get("/sandbox/faults", self.faults),
            web.post("/sandbox/faults", _checked(self.add_fault)),
            web.delete("/sandbox/faults", self.clear_faults),
            web.post("/sandbox/updates", _checked(self.push_update)),
            web.get("/sandbox/files/{path:.+}", self.file),
            web.get("/sandbox/chats", self.chats),
            web.post("/sandbox/chats", _checked(self.create_chat)),
            web.get("/sandbox/chats/{id}/messages", _checked(self.messages)),
            web.get("/sandbox/chats/{id}/commands", _checked(self.commands)),
            web.post("/sandbox/chats/{id}/text", _checked(self.text)),
            web.post("/sandbox/chats/{id}/press", _checked(self.press)),
            web.post("/sandbox/chats/{id}/read", _checked(self.read)),
            web.post("/sandbox/chats/{id}/upgrade", _checked(self.upgrade)),
            web.post("/sandbox/chats/{id}/topics", _checked(self.open_topic)),
            web.post("/sandbox/files/forget", self.forget_files),
            web.post("/sandbox/chats/{id}/{act:block|unblock|deactivate}", _checked(self.change_access)),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        """Tell that the server lives, and how much it holds."""
        world = self._world
        target = world.webhook.target
        return web.json_response(
            {
                "ok": True,
                "bot": world.bot,
                "chats": sum(1 for _ in world.chats),
                "pending_updates": len(world.updates.pending),
                "webhook": None if target is None else target.url,
                "journal_last": world.journal.last,
                "limits": world.settings.limits.enabled,
            }
        )

    async def journal(self, request: web.Request) -> web.Response:
        """Return the calls after a number."""
        try:
            after = int(request.query.get("after", "0"))
        except ValueError:
            return web.json_response({"error": "after must be a number"}, status=400)
        return web.json_response(self._world.journal.render(after))

    async def faults(self, _request: web.Request) -> web.Response:
        """List the faults."""
        return web.json_response(self._world.faults.render())

    async def add_fault(self, request: web.Request) -> web.Response:
        """Add a fault."""
        return web.json_response(self._world.faults.add(await _body(request)).render(), status=201)

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Forget all faults."""
        return web.json_response({"cleared": self._world.faults.clear()})

    async def push_update(self, request: web.Request) -> web.Response:
        """Queue an update as it stands, also a malformed or a repeated one, to see what the bot makes of it."""
        raw = await _body(request)
        kinds = [name for name in raw if name != "update_id"]
        if len(kinds) != 1 or not isinstance(raw.get("update_id", 1), int):
            raise ValueError("an update has an optional update_id and one field more")
        queue, life_s = "pushed", self._world.settings.webhook.message_life_s
        if "update_id" not in raw:
            update = self._world.updates.push(kinds[0], raw[kinds[0]], queue=queue, life_s=life_s)
            return web.json_response({"update_id": None if update is None else update.update_id}, status=201)
        update = Update(raw["update_id"], kinds[0], raw[kinds[0]], queue, time.time() + life_s)
        return web.json_response({"update_id": self._world.updates.put(update).update_id}, status=201)

    async def file(self, request: web.Request) -> web.Response:
        """Serve a file to the page."""
        found = self._world.files.content(request.match_info["path"])
        if found is None:
            raise web.HTTPNotFound
        stored, content = found
        headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
        if stored.kind == "document":
            headers["Content-Disposition"] = "attachment"
            return web.Response(body=content, content_type="application/octet-stream", headers=headers)
        return web.Response(body=content, content_type=stored.content_type, headers=headers)

    async def chats(self, _request: web.Request) -> web.Response:
        """List the chats."""
        shown = [view_chat(chat) for chat in self._world.chats]
        return web.json_response({"bot": self._world.bot, "chats": shown})

    async def create_chat(self, request: web.Request) -> web.Response:
        """Create a person or a group."""
        chat = self._world.chats.create(self._read_chat(await _body(request)))
        self._world.tell_chat(chat)
        return web.json_response(view_chat(chat), status=201)

    async def messages(self, request: web.Request) -> web.Response:
        """Return the last `limit` of a chat's messages below the id `before`, oldest first."""
        chat = self._chat(request)
        limit = max(1, int(request.query.get("limit", "200")))
        before = int(request.query.get("before", "0"))
        kept = [one for one in chat.messages.values() if not before or one.message_id < before]
        shown = [view_message(one) for one in kept[-limit:]]
        return web.json_response({"chat": view_chat(chat), "messages": shown})

    async def commands(self, request: web.Request) -> web.Response:
        """Return the command menu that the people of a chat see."""
        return web.json_response(self._world.commands.shown_in(self._chat(request)))

    async def text(self, request: web.Request) -> web.Response:
        """Let the person write."""
        chat, body = self._chat(request), await _body(request)
        reply_to = chat.message(int(body.get("reply_to") or 0))
        message = people.write_text(self._world, chat, str(body.get("text", "")), reply_to)
        return web.json_response(view_message(message), status=201)

    async def press(self, request: web.Request) -> web.Response:
        """Let the person press a button."""
        chat, body = self._chat(request), await _body(request)
        query_id = people.press_button(self._world, chat, int(body.get("message_id") or 0), str(body.get("data", "")))
        return web.json_response({"callback_query_id": query_id}, status=201)

    async def read(self, request: web.Request) -> web.Response:
        """Note that the chat was looked at."""
        chat = self._chat(request)
        if chat.unread:
            chat.unread = 0
            self._world.tell_chat(chat)
        return web.json_response(view_chat(chat))

    async def change_access(self, request: web.Request) -> web.Response:
        """Let the person block or unblock the bot, or leave Telegram."""
        chat = self._chat(request)
        access = {"block": Access.BLOCKED, "unblock": Access.OPEN, "deactivate": Access.DEACTIVATED}
        people.change_access(self._world, chat, access[request.match_info["act"]])
        return web.json_response(view_chat(chat))

    async def upgrade(self, request: web.Request) -> web.Response:
        """Turn a group into a supergroup."""
        return web.json_response(view_chat(people.upgrade(self._world, self._chat(request))), status=201)

    async def open_topic(self, request: web.Request) -> web.Response:
        """Open a topic in a supergroup."""
        thread_id = people.open_topic(self._chat(request), str((await _body(request)).get("name", "")))
        return web.json_response({"message_thread_id": thread_id}, status=201)

    async def forget_files(self, _request: web.Request) -> web.Response:
        """Let every file_id expire."""
        return web.json_response({"forgotten": self._world.files.forget_ids()})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream what happens, as server-sent events."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with self._world.events.listen() as listener:
            await response.write(b"retry: 1000\n\n")
            while (line := await listener.next(HEARTBEAT_S)) is not None:
                data = b":\n\n" if line == ":" else f"data: {line}\n\n".encode()
                try:
                    await response.write(data)
                except ConnectionResetError:
                    break
        return response

    def _chat(self, request: web.Request) -> Chat:
        """Return the chat of the path. Raises HTTPNotFound."""
        chat = self._world.chats.get(int(request.match_info["id"]))
        if chat is None:
            raise web.HTTPNotFound(text='{"error": "no such chat"}', content_type="application/json")
        return chat

    def _read_chat(self, body: Json) -> Chat:
        """Read a new chat from its JSON. Raises ValueError."""
        kind: ChatKind = body.get("type", "private")
        if kind not in CHAT_KINDS:
            raise ValueError(f"type must be one of {', '.join(CHAT_KINDS)}")
        name = str(body.get("first_name") or body.get("title") or "").strip()
        if not name:
            raise ValueError("first_name (or title) is required")
        chat_id = body.get("id")
        if chat_id is not None and not isinstance(chat_id, int):
            raise ValueError("id must be a number")
        return Chat(
            id=self._world.chats.next_id(kind) if chat_id is None else chat_id,
            kind=kind,
            name=name,
            language_code=str(body.get("language_code") or "en"),
            username=str(body["username"]).removeprefix("@") if body.get("username") else None,
        )


async def _body(request: web.Request) -> Json:
    """Return the JSON object of a request. Raises ValueError, TypeError."""
    body = await request.json()
    if not isinstance(body, dict):
        raise TypeError("a JSON object is expected")
    return body


def _checked(handler: Handler) -> Handler:
    """Answer a wrong request with a sentence instead of a traceback."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return answer
