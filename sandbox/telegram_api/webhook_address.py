"""Which addresses a webhook may have.

As with Telegram, HTTPS on four ports. Other than Telegram, plain HTTP is taken for this machine (loopback) and for
single-label names, which are how services call each other inside one container network.
"""

import asyncio
import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

from sandbox.telegram_api.errors import bad_request

ALLOWED_PORTS = frozenset({80, 88, 443, 8443})
LONGEST_SECRET = 256
CONNECT_WITHIN_S = 5.0
_SECRET = re.compile(r"[A-Za-z0-9_-]*")


def check_secret(secret: str) -> None:
    """Raise ApiError (400) for a secret token that Telegram would refuse."""
    if len(secret) > LONGEST_SECRET:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")


async def check_address(url: str) -> None:
    """Raise ApiError (400) for an address that may not be used, or where nobody listens."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise bad_request("invalid webhook URL specified") from error
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise bad_request("invalid webhook URL specified")
    if not _is_near(parts):
        if parts.scheme != "https":
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if port not in ALLOWED_PORTS:
            raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    await _try_to_connect(parts.hostname, port)


def _is_near(parts: SplitResult) -> bool:
    """Tell whether the host is this machine or a neighbour by its single-label name."""
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return "." not in host


async def _try_to_connect(host: str, port: int) -> None:
    """Open a connection and close it: all that the real server does before it says that the webhook was set."""
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError as error:
        raise bad_request("bad webhook: Connection timed out") from error
    except socket.gaierror as error:
        raise bad_request("bad webhook: Failed to resolve host: Name or service not known") from error
    except OSError as error:
        raise bad_request("bad webhook: Connection refused") from error
    writer.close()
