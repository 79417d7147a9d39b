"""Ports of the loopback that nobody else is given while a stack runs.

A port that was free a moment ago may be another's when a process wants it, or wants it again after a crash: every
outgoing connection takes one. On Linux a port stays ours while a socket is bound to it that does not listen, and our
own children may listen on it all the same.
"""

import contextlib
import socket
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def reserved(count: int) -> Iterator[list[int]]:
    """Hold `count` different ports while the context is open; outside of Linux they are only free when chosen."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("127.0.0.1", 0))
            # after the bind: before it, the kernel might choose a port that another stack holds in the same way
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ports = [int(held.getsockname()[1]) for held in sockets]
        if sys.platform != "linux":
            _close(sockets)
        yield ports
    finally:
        _close(sockets)


def _close(sockets: list[socket.socket]) -> None:
    for held in sockets:
        held.close()
