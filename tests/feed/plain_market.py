"""A market whose every price is known: one quote a second while gold trades, so that nothing can be missing unseen."""

from collections.abc import Iterator

from sandbox.exchange.quotes import Quote
from sandbox.exchange.sessions import sessions_between
from services.feed.domain import quotes as domain
from tests.feed.builders import ms

DAY_MS = 86_400_000


def price_at(second: int) -> int:
    """The bid in thousandths at a moment (seconds): a saw with a slow wave, never equal twice in a row."""
    return 4_000_000 + (second * 37) % 901 + (second // 60 * 113) % 4001


class PlainTape:
    """A tape for the simulator that begins `days` before its live moment and ends `days` after it."""

    symbol = "XAUUSD"

    def __init__(self, live: str = "2026-01-06T12:00:00", days: int = 3) -> None:
        self.live_ms = ms(live)
        self.start_ms = self.live_ms - days * DAY_MS
        self.end_ms = self.live_ms + days * DAY_MS

    def quotes(self, start_ms: int | None = None, end_ms: int | None = None) -> Iterator[Quote]:
        """Read [start_ms, end_ms)."""
        start_ms = max(self.start_ms, self.start_ms if start_ms is None else start_ms)
        end_ms = min(self.end_ms, self.end_ms if end_ms is None else end_ms)
        for session in sessions_between(start_ms, end_ms):
            first = -(-max(session.open_ms, start_ms) // 1000)
            for second in range(first, -(-min(session.close_ms, end_ms) // 1000)):
                bid = price_at(second)
                yield Quote(second * 1000, bid / 1000, (bid + 300) / 1000)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlainTape) and self._extent == other._extent

    def __hash__(self) -> int:
        return hash(self._extent)

    @property
    def _extent(self) -> tuple[int, int]:
        return self.start_ms, self.end_ms

    def between(self, first_ms: int, last_ms: int) -> list[domain.Quote]:
        """List the quotes of [first_ms, last_ms], in the feed's own words."""
        return [domain.Quote(*quote) for quote in self.quotes(first_ms, last_ms + 1)]
