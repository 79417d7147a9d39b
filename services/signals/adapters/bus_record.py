"""The signal record on the bus."""

from chassis.bus import Bus
from contracts import catalogue
from contracts.messages import SignalRaised


class BusRecord:
    """Appends signals to their stream, whose dedupe makes a repeat harmless."""

    def __init__(self, bus: Bus) -> None:
        """Write through `bus`."""
        self._bus = bus

    async def append(self, signal: SignalRaised) -> bool:
        """Store a signal; False where the broker has it already."""
        return await self._bus.publish(catalogue.SIGNAL, signal, signal.symbol, signal.strategy)
