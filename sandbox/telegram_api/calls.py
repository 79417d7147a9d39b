"""A call as it came over HTTP: names and texts, and the files of a multipart body.

The Bot API takes the query string, a form, JSON and multipart alike; nested values are JSON text in all but a JSON
body, where they are turned into text here, so that a method reads one kind of thing. Numbers that are not numbers read
as their default, as the real server does.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.telegram_api.errors import ApiError, bad_request

LARGEST_BODY_BYTES = 50 * 1024 * 1024
_TRUE = frozenset({"true", "1", "yes", "y", "t"})


@dataclass(frozen=True, slots=True)
class Upload:
    """One file part of a multipart body."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One method call."""

    method: str
    parameters: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Read a text; empty when absent."""
        return self.parameters.get(name, "")

    def integer(self, name: str, default: int = 0) -> int:
        """Read a whole number; the default when absent or no number."""
        try:
            return int(self.parameters[name])
        except (KeyError, ValueError):
            return default

    def boolean(self, name: str) -> bool:
        """Read a flag; false when absent."""
        return self.parameters.get(name, "").lower() in _TRUE

    def structure(self, name: str, called: str) -> Any:
        """Read a nested value; None when absent. Raises ApiError (400) on text that is no JSON."""
        raw = self.parameters.get(name, "")
        if not raw:
            return None
        try:
            return json.loads(raw)
        except ValueError as error:
            raise bad_request(f"can't parse {called} JSON object") from error


async def read_call(request: web.Request, method: str) -> Call:
    """Read the method's parameters from the query string and the body. Raises ApiError (400, 413)."""
    parameters = dict(request.query)
    uploads: dict[str, Upload] = {}
    try:
        if request.content_type.startswith("multipart/"):
            await _read_multipart(request, parameters, uploads)
        elif request.content_type == "application/json":
            parameters.update(_json_parameters(await request.read()))
        elif request.can_read_body:
            parameters.update({name: str(value) for name, value in (await request.post()).items()})
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(413, "Request Entity Too Large") from error
    return Call(method, parameters, uploads)


async def _read_multipart(request: web.Request, parameters: dict[str, str], uploads: dict[str, Upload]) -> None:
    """Read every part; the body may be chunked, so its size is counted as it comes."""
    size = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or not part.name:
            raise bad_request("can't parse multipart/form-data request body")
        content = bytes(await part.read(decode=True))
        size += len(content)
        if size > LARGEST_BODY_BYTES:
            raise ApiError(413, "Request Entity Too Large")
        if part.filename is None:
            parameters[part.name] = content.decode("utf-8", "replace")
        else:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            uploads[part.name] = Upload(part.filename, kind, content)


def _json_parameters(body: bytes) -> dict[str, str]:
    """Turn a JSON object into parameters; null means absent."""
    if not body.strip():
        return {}
    try:
        values = json.loads(body)
    except ValueError as error:
        raise bad_request("can't parse JSON object") from error
    if not isinstance(values, dict):
        raise bad_request("can't parse JSON object: an object is expected")
    return {name: _as_text(value) for name, value in values.items() if value is not None}


def _as_text(value: Any) -> str:
    """Write a JSON value the way a form field would carry it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
