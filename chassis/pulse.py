"""How late the event loop is: what every message, tick and answer of a room waits beside its own work."""

import asyncio
import time

from chassis import metrics

BEAT_S = 0.05


async def beat() -> None:
    """Measure for ever by how much a short sleep is overslept."""
    while True:
        due_s = time.monotonic() + BEAT_S
        await asyncio.sleep(BEAT_S)
        metrics.LOOP_LAG.observe(max(0.0, time.monotonic() - due_s))
