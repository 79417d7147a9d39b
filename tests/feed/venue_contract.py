"""What every venue promises the feed, as one suite: a venue passes it, or it is no venue.

A `Stand` is a venue with a market behind it that the suite can move and break; see `test_venue_contract` for ours.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import pytest

from services.feed.domain.quotes import MINUTE_MS, Bar, Quote, minute_of
from services.feed.ports import Heard, Unheard, Venue, VenueLostError, VenueRefusedError, VenueSession, WrongVenueError
from tests.feed.builders import until

OURS = "XAUUSD"
QUICK_PING_S = 0.5
"""A half-open link is found by pings that nobody answers. How soon, at the pings of life, `test_scenarios` tells."""

SLACK_MS = 120_000
"""Two wall seconds of a market at speed 60: what may pass between two looks at it on a busy machine."""


class Stand(Protocol):
    """A venue under test."""

    def venue(self, symbol: str | None = None) -> Venue:
        """Make the venue; `symbol` replaces its name for gold by another one."""
        ...

    def misplaced(self) -> Venue:
        """Make the venue with an address at which it is not."""
        ...

    def market_ms(self) -> int:
        """Tell the time of the market itself."""
        ...

    def ping_every(self, seconds: float) -> None:
        """Make connections from now on ping so often."""
        ...

    def fault(self, kind: str, **limits: float) -> None:
        """Switch a fault of the simulator on."""
        ...


class StandMaker(Protocol):
    """Opens a stand."""

    def __call__(self) -> AbstractAsyncContextManager[Stand]:
        """Open it."""
        ...


@dataclass
class Talk:
    """A session that is read, as it is in life, and what it told."""

    session: VenueSession
    heard: list[Heard | Unheard] = field(default_factory=list)
    lost: Exception | None = None

    @property
    def quotes(self) -> list[Quote]:
        """The quotes among what was told."""
        return [item.quote for item in self.heard if isinstance(item, Heard)]


@asynccontextmanager
async def talking(venue: Venue) -> AsyncIterator[Talk]:
    """Connect and read."""
    async with venue.connect() as session:
        talk = Talk(session)

        async def read() -> None:
            async with aclosing(session.quotes()) as quotes:
                try:
                    async for item in quotes:
                        talk.heard.append(item)  # it is looked at while it grows
                except VenueLostError as error:
                    talk.lost = error

        reader = asyncio.ensure_future(read())
        try:
            yield talk
        finally:
            reader.cancel()
            await asyncio.wait({reader})


class VenueContract:
    """The promises. A subclass gives the fixture `stand`."""

    async def test_it_tells_the_time_of_its_market(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            before_ms = stand.market_ms()
            told_ms = await talk.session.market_ms()

            assert before_ms - SLACK_MS <= told_ms <= stand.market_ms() + SLACK_MS

    async def test_it_gives_a_sign_of_life(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            assert 0 <= await talk.session.ping() < 5

    async def test_the_right_symbol_passes_and_a_wrong_one_is_named(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            await talk.session.check()
        async with talking(stand.venue("NOSUCH")) as talk:
            with pytest.raises(WrongVenueError, match=r"SINYAL_FEED_SYMBOLS: .*NOSUCH"):
                await talk.session.check()

    async def test_an_unknown_symbol_is_refused_without_harm(self, stand: Stand) -> None:
        async with talking(stand.venue("NOSUCH")) as talk:
            for asked in (
                talk.session.history_bars(OURS, from_s=0, count=10),
                talk.session.history_quotes(OURS, from_ms=stand.market_ms() - MINUTE_MS),
                talk.session.subscribe(OURS),
            ):
                with pytest.raises(VenueRefusedError):
                    await asked

            assert await talk.session.ping() >= 0
            assert talk.lost is None

    async def test_hours_are_spans_of_the_day_or_nothing(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            day = datetime.fromtimestamp(stand.market_ms() / 1000, UTC).date()
            told = await talk.session.hours(day)

        assert set(told) <= {OURS}
        for spans in told.values():
            assert list(spans) == sorted(spans)
            assert all(span.start_ms < span.end_ms for span in spans)
            assert all(datetime.fromtimestamp(span.start_ms / 1000, UTC).date() == day for span in spans)

    async def test_bars_are_the_latest_ones_in_order_and_sound(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            bars = await talk.session.history_bars(OURS, from_s=0, count=30)

        opens = [bar.open_s for bar in bars]
        assert 30 <= len(bars) <= 31
        assert opens == sorted(set(opens))
        assert all(bar.is_sound for bar in bars)
        assert stand.market_ms() - opens[-1] * 1000 < 2 * MINUTE_MS + SLACK_MS

    async def test_more_bars_than_one_page_are_had_without_a_hole(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            bars = await talk.session.history_bars(OURS, from_s=0, count=1200)

        opens = [bar.open_s for bar in bars]
        assert len(bars) >= 1200
        assert opens == sorted(set(opens))

    async def test_no_bar_opens_before_what_was_asked_for(self, stand: Stand) -> None:
        from_s = minute_of(stand.market_ms() - 10 * MINUTE_MS) // 1000
        async with talking(stand.venue()) as talk:
            bars = await talk.session.history_bars(OURS, from_s=from_s, count=5000)

        assert bars[0].open_s == from_s
        assert 10 <= len(bars) <= 10 + 1 + SLACK_MS // MINUTE_MS

    async def test_past_quotes_are_marked_in_order_and_from_the_moment_on(self, stand: Stand) -> None:
        from_ms = stand.market_ms() - 5 * MINUTE_MS - 500
        async with talking(stand.venue()) as talk:
            quotes = await talk.session.history_quotes(OURS, from_ms=from_ms)

        moments = [quote.epoch_ms for quote in quotes]
        assert moments == sorted(set(moments))
        assert from_ms <= moments[0] < from_ms + MINUTE_MS
        assert moments[-1] <= stand.market_ms() + 1000
        assert all(quote.is_backfilled and 0 < quote.bid <= quote.ask for quote in quotes)

    async def test_past_quotes_fold_into_the_bars(self, stand: Stand) -> None:
        first_ms = minute_of(stand.market_ms() - 20 * MINUTE_MS)
        async with talking(stand.venue()) as talk:
            quotes = await talk.session.history_quotes(OURS, from_ms=first_ms)
            bars = await talk.session.history_bars(OURS, from_s=first_ms // 1000, count=100)

        last_ms = minute_of(quotes[-1].epoch_ms)
        closed = [bar for bar in bars if bar.open_s * 1000 < last_ms]
        assert len(closed) >= 19
        assert folded([quote for quote in quotes if quote.epoch_ms < last_ms]) == closed

    async def test_nothing_streams_before_it_is_asked_for_and_then_in_order(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            await talk.session.ping()
            assert talk.heard == []

            await talk.session.subscribe(OURS)
            await until(lambda: len(talk.quotes) >= 20)
            now_ms = stand.market_ms()

        moments = [quote.epoch_ms for quote in talk.quotes]
        assert all(isinstance(item, Heard) and item.symbol == OURS for item in talk.heard)
        assert all(0 < quote.bid <= quote.ask and not quote.is_backfilled for quote in talk.quotes)
        assert moments == sorted(moments)
        assert now_ms - SLACK_MS * 5 <= moments[-1] <= now_ms + SLACK_MS

    async def test_asking_twice_for_a_stream_tells_nothing_twice(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            await talk.session.subscribe(OURS)
            await talk.session.subscribe(OURS)
            begun = len(talk.quotes)
            await until(lambda: len(talk.quotes) >= begun + 20)

        later = talk.quotes[max(0, begun - 1) :]  # a venue may begin each stream with the present quote
        told = [(quote.epoch_ms, quote.bid, quote.ask) for quote in later]
        assert len(told) == len(set(told))

    async def test_history_after_the_stream_began_leaves_no_hole(self, stand: Stand) -> None:
        from_ms = stand.market_ms() - MINUTE_MS
        async with talking(stand.venue()) as talk:
            await talk.session.subscribe(OURS)
            await until(lambda: len(talk.quotes) >= 3)
            past = await talk.session.history_quotes(OURS, from_ms=from_ms)

        assert past[-1].epoch_ms >= talk.quotes[0].epoch_ms - SLACK_MS
        assert {round(quote.mid, 3) for quote in past} & {round(quote.mid, 3) for quote in talk.quotes}

    async def test_questions_at_once_get_their_own_answers(self, stand: Stand) -> None:
        from_s = minute_of(stand.market_ms()) // 1000 - 600
        async with talking(stand.venue()) as talk:
            bars, quotes, now_ms, _ = await asyncio.gather(
                talk.session.history_bars(OURS, from_s=from_s, count=5),
                talk.session.history_quotes(OURS, from_ms=from_s * 1000),
                talk.session.market_ms(),
                talk.session.ping(),
            )

        assert isinstance(bars[0], Bar)
        assert isinstance(quotes[0], Quote)
        assert now_ms > from_s * 1000

    async def test_a_closed_connection_ends_the_quotes_and_every_question(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            await talk.session.subscribe(OURS)
            stand.fault("close")
            await until(lambda: talk.lost is not None)

            for asked in (talk.session.ping(), talk.session.market_ms(), talk.session.subscribe(OURS)):
                with pytest.raises(VenueLostError):
                    await asked

    async def test_a_connection_that_is_refused_is_lost_and_not_wrong(self, stand: Stand) -> None:
        stand.fault("refuse", seconds=30)

        with pytest.raises(VenueLostError):
            async with stand.venue().connect():
                pass

    async def test_after_a_loss_it_can_be_connected_again(self, stand: Stand) -> None:
        venue = stand.venue()
        async with talking(venue) as talk:
            stand.fault("close")
            await until(lambda: talk.lost is not None)
        async with talking(venue) as talk:
            await talk.session.subscribe(OURS)
            await until(lambda: talk.quotes)

            assert talk.lost is None


class NetworkVenueContract(VenueContract):
    """And the promises of a venue that has a network below it."""

    async def test_an_address_where_it_is_not_is_named(self, stand: Stand) -> None:
        with pytest.raises(WrongVenueError, match=r"SINYAL_FEED_[A-Z_]*URL"):
            async with talking(stand.misplaced()) as talk:
                await talk.session.market_ms()

    async def test_a_half_open_link_is_found(self, stand: Stand) -> None:
        stand.ping_every(QUICK_PING_S)
        async with talking(stand.venue()) as talk:
            await talk.session.subscribe(OURS)
            stand.fault("half_open", seconds=60)

            await until(lambda: talk.lost is not None)

    async def test_broken_frames_are_told_as_such_and_the_stream_goes_on(self, stand: Stand) -> None:
        async with talking(stand.venue()) as talk:
            await talk.session.subscribe(OURS)
            await until(lambda: talk.quotes)
            stand.fault("garbage", count=9)
            await until(lambda: sum(isinstance(item, Unheard) for item in talk.heard) >= 4)
            seen = len(talk.quotes)
            await until(lambda: len(talk.quotes) > seen + 9)

        reasons = {item.reason for item in talk.heard if isinstance(item, Unheard)}
        assert {"not_json", "no_bid_ask", "unknown_symbol", "malformed"} <= reasons
        assert talk.lost is None


def folded(quotes: list[Quote]) -> list[Bar]:
    """Fold quotes into bars of a minute, naively."""
    mids: dict[int, list[float]] = {}
    for quote in quotes:
        mids.setdefault(minute_of(quote.epoch_ms) // 1000, []).append(quote.mid)
    return [Bar(open_s, told[0], max(told), min(told), told[-1]) for open_s, told in mids.items()]
