"""Errors by fate: what the consume loop does next is decided by the base class, never by the cause."""


class SinyalError(Exception):
    """The base of all errors that carry a fate."""


class TransientError(SinyalError):
    """Try again later: after `delay_s` seconds, or after the loop's own growing delay when None."""

    def __init__(self, message: str, *, delay_s: float | None = None) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class ConflictError(TransientError):
    """Two transactions were in each other's way and this one was given up: the same again may do at once."""


class DatabaseAwayError(TransientError):
    """The database does not answer now, or broke off: nobody knows whether it took what was being written."""


class RejectedError(SinyalError):
    """Never: the message goes to the dead letters with this reason."""


class AskFailedError(SinyalError):
    """The room answered a question with a reason instead. `code` is for machines, snake_case."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StartError(SinyalError):
    """The service cannot start; the message is one line that names the setting and what would be right."""
