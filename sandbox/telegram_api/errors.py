"""Refusals in Telegram's own words: the description and the status code are what a client decides by."""

from typing import Any


class ApiError(Exception):
    """A call was refused; `code` is both the HTTP status and the `error_code` of the body."""

    def __init__(self, code: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        """Return the answer's JSON, keys in the order in which the real server writes them."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that go with the body: `Retry-After` on a flood wait."""
        retry_after = (self.parameters or {}).get("retry_after")
        return {} if retry_after is None else {"Retry-After": str(retry_after)}


def bad_request(reason: str) -> ApiError:
    """Refuse a call that can never succeed as it stands."""
    return ApiError(400, f"Bad Request: {reason}")


def forbidden(reason: str) -> ApiError:
    """Refuse a call into a chat that is closed to the bot."""
    return ApiError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    """Refuse one of two consumers of the same updates."""
    return ApiError(409, f"Conflict: {reason}")


def flood(retry_after_s: int) -> ApiError:
    """Refuse a call that came too fast; it was not executed."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after_s}", {"retry_after": retry_after_s})


def not_modified() -> ApiError:
    """Refuse an edit that would change nothing."""
    return bad_request(
        "message is not modified: specified new message content and reply markup are exactly the same "
        "as a current content and reply markup of the message"
    )
