"""What the room needs from the outside world, and the errors it may raise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.messages import SendMessage
from services.telegram.domain.attempt import Call, Row
from services.telegram.domain.dashboards import Dashboard, Rhythm
from services.telegram.domain.outcome import Fault
from services.telegram.domain.rendering import Rendered


class CallFailedError(Exception):
    """A call of the Bot API brought no result; `fault` says what was seen."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.kind}: {fault.code} {fault.description}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture by its bytes (PNG), or by the id under which Telegram has it already."""

    file_id: str | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Document:
    """A file by its name and bytes."""

    filename: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """What became visible: the message, and the id of its picture where it has one."""

    message_id: int
    file_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a message comes: as an answer, into a topic of a group, without a sound, not to be forwarded or saved, at a
    pace that is paid for. An answer to a message that is gone is sent all the same.
    """

    reply_to: int | None = None
    thread_id: int | None = None
    is_silent: bool = False
    is_protected: bool = False
    is_paid: bool = False


PLAIN = Manner()


class Chat(Protocol):
    """The one caller of the Bot API. Every method raises CallFailedError."""

    async def send_text(self, chat_id: int, shown: Rendered, manner: Manner = PLAIN) -> Shown:
        """Send a message."""
        ...

    async def send_picture(self, chat_id: int, picture: Picture, shown: Rendered, manner: Manner = PLAIN) -> Shown:
        """Send a picture with its caption."""
        ...

    async def send_document(self, chat_id: int, document: Document, shown: Rendered, manner: Manner = PLAIN) -> Shown:
        """Send a file with its caption."""
        ...

    async def edit_text(self, chat_id: int, message_id: int, shown: Rendered) -> Shown:
        """Show other words and buttons in a message."""
        ...

    async def join_picture(self, chat_id: int, message_id: int, picture: Picture, shown: Rendered) -> Shown:
        """Turn a text into a picture with that text as its caption."""
        ...

    async def answer_press(self, press_id: str, text: str = "") -> None:
        """Stop a button's spinner, with a short note where `text` is given."""
        ...

    async def name_commands(
        self, commands: Sequence[tuple[str, str]], language: str | None, *, chat_id: int | None = None
    ) -> None:
        """Set the menu of commands (word, description) for readers of a language, None is everybody else; with
        `chat_id` of that private chat alone.
        """
        ...


class Deliveries(Protocol):
    """What is kept of each send. Every method is one short transaction and raises TransientError."""

    async def find(self, send_id: str) -> Row | None:
        """Read the row of a send."""
        ...

    async def begin(self, send: SendMessage, call: Call) -> bool:
        """Write that attempt `call.attempt` starts now; False where the row has moved on without us."""
        ...

    async def is_ours(self, send_id: str, call: Call) -> bool:
        """Tell whether it was this copy that began the attempt, and nothing was written since."""
        ...

    async def put_off(self, send_id: str, call: Call, repeats: int, delay_s: float) -> None:
        """Write that an attempt brought nothing and the send waits again, for `delay_s` at least."""
        ...

    async def settle(self, send: SendMessage, row: Row) -> Row:
        """Write how a send ended. What ended before stays as it was; returns what stands."""
        ...

    async def revive(self, send_id: str) -> None:
        """Let a send that ended dead begin anew; any other stays as it is."""
        ...

    async def address(self, chat_id: int) -> int:
        """Tell under which id Telegram knows a chat now."""
        ...

    async def move(self, old_id: int, new_id: int) -> None:
        """Remember that a group has become a supergroup with another id."""
        ...

    async def file_id(self, chart_key: str) -> str | None:
        """Read the id under which Telegram has a picture."""
        ...

    async def keep_file(self, chart_key: str, file_id: str) -> None:
        """Remember the id under which Telegram has a picture."""
        ...

    async def forget_file(self, chart_key: str) -> None:
        """Forget an id that Telegram no longer knows."""
        ...

    async def prune(self, keep_days: int) -> int:
        """Delete what ended more than `keep_days` ago; returns how many rows."""
        ...


class Forgotten(Protocol):
    """People who had themselves erased. Every method is one short transaction and raises TransientError."""

    async def pictures(self, person_id: int) -> list[str]:
        """List the pictures that are a person's alone, by their keys."""
        ...

    async def add(self, person_id: int, at: datetime) -> None:
        """Forget a person: nothing said to him before `at` is shown, and no row names him."""
        ...

    async def is_over(self, send: SendMessage) -> bool:
        """Tell whether a send was said to a person before he was forgotten."""
        ...

    async def scrub(self, send: SendMessage) -> None:
        """Take a forgotten person out of the row of a send that has ended."""
        ...

    async def prune(self, days: int) -> None:
        """Forget even that somebody was forgotten more than `days` ago."""
        ...


class Dashboards(Protocol):
    """What is kept of live dashboards. Every method is one short transaction and raises TransientError."""

    async def open(self, dashboard: Dashboard) -> None:
        """Begin a dashboard; an older one of the same person and symbol ends. A repeat changes nothing, also of one
        that is over: its message was sent.
        """
        ...

    async def stop(self, subscriber_id: int) -> bool:
        """End all dashboards of a person with a last edit; False where there are none."""
        ...

    async def forget_all(self, subscriber_id: int) -> None:
        """Forget the dashboards of a person who cannot be reached."""
        ...

    async def forget(self, dashboard_id: str) -> None:
        """Forget one."""
        ...

    async def claim(self, limit: int, rhythm: Rhythm) -> list[Dashboard]:
        """Take what is due, the oldest first; nobody else looks at it before the rhythm says so."""
        ...

    async def show(
        self, row: Dashboard, *, send_id: str, shown: str, position_id: str | None, is_final: bool = False
    ) -> None:
        """Write that an edit is on its way; a final one is the last. One that another copy was faster with is not."""
        ...

    async def reopen(self, row: Dashboard, *, send_id: str, position_id: str | None) -> None:
        """Write that another message takes the place of the one that opened it; what it shows counts as unknown, so
        that an edit follows. A repeat changes nothing.
        """
        ...

    async def count(self) -> int:
        """Count the dashboards there are."""
        ...


class Channels(Protocol):
    """What is kept of the channels we publish to. Every method is one short transaction and raises TransientError."""

    async def known(self) -> frozenset[int]:
        """List the channels that positions was told of."""
        ...

    async def remember(self, chat_id: int) -> None:
        """Add one; harmless where it is known."""
        ...

    async def forget(self, chat_id: int) -> None:
        """Take one away; harmless where it is not there."""
        ...


class Gate(Protocol):
    """What knows whether our database is there."""

    @property
    def is_open(self) -> bool:
        """Whether the breaker is open: nobody is let through, since the database does not answer."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether the database lately had no room for what was to be written."""
        ...

    async def admit_in_time(self, within_s: float) -> None:
        """Let through as soon as the database answers. Raises DatabaseAwayError where it does not in time."""
        ...


class PollConflictError(Exception):
    """Somebody else reads the updates of this bot, or a webhook is set (409)."""


class PollRefusedError(Exception):
    """Telegram does not know this token (401, 404)."""


class UpdateSource(Protocol):
    """Where updates come from when they are polled."""

    async def fetch(self, offset: int | None, *, is_patient: bool = True) -> list[bytes]:
        """Wait for updates from `offset` on; all before it are confirmed by this. Empty after a quiet while, or at
        once where there are none and it is not patient.

        Raises:
            PollConflictError, PollRefusedError: see there.
            TransientError: anything that heals by itself.
        """
        ...

    async def confirm(self, offset: int) -> None:
        """Confirm all updates before `offset` without waiting for new ones. Raises as `fetch` does."""
        ...


class WebhookRefusedError(Exception):
    """Telegram does not take this address for a webhook (400): it is not allowed, or nobody listens there."""


@dataclass(frozen=True, slots=True)
class WebhookState:
    """What Telegram says of the webhook: its address (empty: none), how many updates wait, what went wrong last."""

    url: str
    pending: int
    last_error_at: datetime | None
    last_error: str


class Webhooks(Protocol):
    """Has updates pushed instead of polled. No method drops what waits.

    All raise PollRefusedError (the token is unknown) and TransientError.
    """

    async def set_webhook(self, url: str, secret: str) -> None:
        """Have updates pushed to `url` with `secret` in a header. Raises WebhookRefusedError."""
        ...

    async def delete_webhook(self) -> None:
        """Have no updates pushed any more. Harmless where none are."""
        ...

    async def webhook_state(self) -> WebhookState:
        """Ask what Telegram thinks of the webhook."""
        ...


class Dialogue(Protocol):
    """Understands an update and has it answered."""

    async def feed(self, raw: bytes, trace: str) -> None:
        """Handle one update.

        Raises:
            RejectedError: it cannot be understood and never will.
            TransientError: try again later.
        """
        ...
