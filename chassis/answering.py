"""How a question is answered, the same on every bus: what the handler raised travels to the asker.

| handler | reply | the asker sees |
|---|---|---|
| returns | the struct | the answer |
| AskFailedError(code) | AskError(code) | AskFailedError(code) |
| TransientError | AskError("unavailable") | TransientError |
| any other error | AskError("internal"), traceback logged | AskFailedError("internal") |
| request malformed | AskError("malformed") | AskFailedError("malformed") |
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import structlog

from chassis.errors import AskFailedError, TransientError
from contracts import codec
from contracts.asks import AskError
from contracts.channels import Ask

Q = TypeVar("Q")
A = TypeVar("A")
T = TypeVar("T")

FINISH_S = 2.0
"""How long a leaving copy works on the questions that it has taken."""
UNAVAILABLE = "unavailable"
"""The code of a room that could answer later."""

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply on the wire: a body, and the code of an error or None."""

    body: bytes
    error_code: str | None = None


async def reply_to(question: Ask[Q, A], handler: Callable[[Q], Awaitable[A]], body: bytes) -> Reply:
    """Run a handler on a request and pack what it returned or raised."""
    try:
        return Reply(codec.encode(await handler(codec.decode(body, question.request))))
    except AskFailedError as e:
        return _refusal(e.code, str(e))
    except TransientError as e:
        return _refusal(UNAVAILABLE, str(e))
    except codec.MalformedError as e:
        return _refusal("malformed", str(e))
    except Exception as e:  # the asker must not wait for a deadline because of our bug
        logger.exception("question.failed", key=question.subject)
        return _refusal("internal", type(e).__name__)


def unpack(question: Ask[Q, A], reply: Reply) -> A:
    """Read a reply.

    Raises:
        AskFailedError: the room answered with a reason, or with bytes that are no answer.
        TransientError: the room can answer later.
    """
    if reply.error_code is None:
        try:
            return codec.decode(reply.body, question.reply)
        except codec.MalformedError as e:
            raise AskFailedError("malformed", f"{question.subject}: {e}") from e
    error = codec.decode(reply.body, AskError)
    if error.code == UNAVAILABLE:
        raise TransientError(f"{question.subject}: {error.message}")
    raise AskFailedError(error.code, error.message)


def _refusal(code: str, message: str) -> Reply:
    return Reply(codec.encode(AskError(code=code, message=message)), code)


class Crew:
    """Questions being answered. Leaving the context lets them finish for a while, then cancels them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish, or cancel."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_S)
        for task in self._tasks:
            task.cancel()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Answer beside the others."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
