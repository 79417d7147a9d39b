"""The thread through a message's life: a W3C traceparent, from the tick to the message a person reads."""

import secrets


def new_trace() -> str:
    """Begin a trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_trace(parent: str) -> str:
    """Go on with a trace under a new span id; begin one where there is none."""
    fields = parent.split("-")
    if len(fields) != 4:
        return new_trace()
    return f"{fields[0]}-{fields[1]}-{secrets.token_hex(8)}-{fields[3]}"
