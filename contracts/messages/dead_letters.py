"""What can never be handled."""

from datetime import datetime

from contracts.messages.base import Message


class DeadLetter(Message, frozen=True, kw_only=True):
    """A message that can never be handled, kept whole for a person to look at; `at` is its last attempt.

    `attempts` and `first_at` count from its first life: what was sent again out of the dead letters (`redrives` times)
    and failed again brings its history with it.
    """

    topic: str
    subject: str
    stream: str
    sequence: int
    consumer: str
    reason: str
    attempts: int
    first_at: datetime
    headers: dict[str, str]
    payload: bytes
    redrives: int = 0
