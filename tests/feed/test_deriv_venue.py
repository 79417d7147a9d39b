"""The adapter against a venue that says what the test wants."""

import asyncio
from contextlib import asynccontextmanager
from datetime import date

import pytest

from services.feed.adapters import deriv_budget
from services.feed.adapters.deriv_budget import RequestBudget
from services.feed.adapters.deriv_dialects import LEGACY, NEW
from services.feed.adapters.deriv_link import open_link
from services.feed.adapters.deriv_venue import PAGE, DerivSession, DerivVenue
from services.feed.domain.quotes import Bar, Quote
from services.feed.domain.ticks import BadInput
from services.feed.ports import (
    Heard,
    MarketClosedError,
    Unheard,
    VenueLostError,
    VenueRefusedError,
    WrongVenueError,
)
from tests.feed.builders import until
from tests.feed.scripted_venue import ScriptedVenue, error, scripted, tick

SYMBOLS = {"XAUUSD": "frxXAUUSD"}
NOON_S = 1_767_614_400


@asynccontextmanager
async def talking(venue: ScriptedVenue, dialect=NEW, symbols=SYMBOLS, *, deadline_s=20.0, hold_s=0.05):
    """A session whose quotes are read, as they are in life; they are collected in `heard`."""
    heard: list[Heard | Unheard] = []
    async with open_link(venue.url, deadline_s=deadline_s) as link:
        session = DerivSession(link, dialect, symbols, RequestBudget(hold_s=hold_s))

        async def read() -> None:
            async for item in session.quotes():
                heard.append(item)  # noqa: PERF401  # the list is looked at while it grows

        reader = asyncio.ensure_future(read())
        try:
            yield session, heard
        finally:
            reader.cancel()
            await asyncio.wait({reader})
            if not reader.cancelled():
                reader.exception()


async def test_answers_are_matched_to_their_questions_whatever_their_order() -> None:
    waiting = []

    def later(request):
        waiting.append(request)
        if len(waiting) < 2:
            return None
        return [{"req_id": held["req_id"], "time": NOON_S + held["req_id"]} for held in reversed(waiting)]

    async with scripted({"time": later}) as venue, talking(venue) as (session, _):
        first, second = await asyncio.gather(session.market_ms(), session.market_ms())

    assert (first, second) == ((NOON_S + 1) * 1000, (NOON_S + 2) * 1000)


async def test_a_question_without_an_answer_ends_the_connection_at_its_deadline() -> None:
    async with scripted({"ping": lambda _: None}) as venue, talking(venue, deadline_s=0.1) as (session, _):
        with pytest.raises(VenueLostError, match=r"no answer to ping within 0\.1 s"):
            await session.ping()


async def test_all_questions_fail_when_the_connection_ends() -> None:
    async with scripted({"ping": lambda _: None}) as venue, talking(venue) as (session, _):
        asked = asyncio.ensure_future(session.ping())
        await until(lambda: venue.calls("ping"))
        venue.sockets[0].transport.abort()

        with pytest.raises(VenueLostError, match="connection lost"):
            await asked
        with pytest.raises(VenueLostError):
            await session.ping()


async def test_an_answer_that_cannot_be_read_is_a_refusal_and_is_counted() -> None:
    async with scripted({"time": lambda _: {"time": "soon"}}) as venue, talking(venue) as (session, heard):
        with pytest.raises(VenueRefusedError, match="undecodable"):
            await session.market_ms()

        assert heard == [Unheard(BadInput.MALFORMED)]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (tick(NOON_S), Heard("XAUUSD", Quote(NOON_S * 1000, 4000.0, 4000.3))),
        (tick(NOON_S, bid=None), Unheard(BadInput.NO_BID_ASK, "XAUUSD")),
        (tick(NOON_S, symbol="frxNOTHING"), Unheard(BadInput.UNKNOWN_SYMBOL)),
        (tick(NOON_S, bid="a lot"), Unheard(BadInput.MALFORMED)),
        ('{"msg_type": "tick", "tick": {', Unheard(BadInput.NOT_JSON)),
        ("[1, null]", Unheard(BadInput.MALFORMED)),
        ('{"x":' + "[" * 100_000, Unheard(BadInput.NOT_JSON)),
        ('{"tick": {"symbol": 1}, [', Unheard(BadInput.MALFORMED)),
        ('{"tick": {"symbol": "frxXAUUSD"}}', Unheard(BadInput.MALFORMED)),
        ('{"req_id": "x", "tick": 1}', Unheard(BadInput.MALFORMED)),
    ],
)
async def test_whatever_a_stream_sends_becomes_a_quote_or_a_reason(frame, expected) -> None:
    answers = {"ticks": lambda _: [tick(NOON_S - 1), frame]}
    async with scripted(answers) as venue, talking(venue) as (session, heard):
        await session.subscribe("XAUUSD")
        await until(lambda: len(heard) == 2)

    assert heard[1] == expected


async def test_the_right_venue_passes_the_check() -> None:
    legacy = {"active_symbols": lambda _: {"active_symbols": [{"symbol": "frxXAUUSD"}]}}
    async with scripted() as venue, talking(venue) as (session, _):
        await session.check()
    async with scripted(legacy) as venue, talking(venue, LEGACY) as (session, _):
        await session.check()


async def test_the_wrong_dialect_is_named() -> None:
    async with scripted() as venue, talking(venue, LEGACY) as (session, _):
        with pytest.raises(WrongVenueError, match="SINYAL_FEED_DIALECT: the venue does not speak 'legacy'"):
            await session.check()


async def test_an_unknown_symbol_is_named_with_the_nearest_one() -> None:
    async with scripted() as venue, talking(venue, symbols={"XAUUSD": "frxXAUUSB"}) as (session, _):
        with pytest.raises(WrongVenueError, match=r"SINYAL_FEED_SYMBOLS: .*frxXAUUSB, did you mean frxXAUUSD\?"):
            await session.check()


async def test_an_address_without_the_api_is_named_and_a_venue_that_is_away_is_only_lost() -> None:
    venue = DerivVenue(NEW, "ws://127.0.0.1:1/", SYMBOLS)
    with pytest.raises(VenueLostError, match="cannot connect"):
        async with venue.connect():
            pass
    with pytest.raises(WrongVenueError, match="SINYAL_FEED_VENUE_URL"):
        async with DerivVenue(NEW, "http://127.0.0.1:1/", SYMBOLS).connect():
            pass


async def test_a_stream_left_behind_by_a_lost_answer_is_forgotten_and_all_are_begun_anew() -> None:
    refusals = iter([error("AlreadySubscribed")])
    answers = {
        "ticks": lambda request: next(refusals, None) or tick(NOON_S),
        "forget_all": lambda _: {"forget_all": ["x"]},
    }
    async with scripted(answers) as venue, talking(venue) as (session, _):
        await session.subscribe("XAUUSD")

        assert [next(iter(request)) for request in venue.asked] == ["ticks", "forget_all", "ticks"]


@pytest.mark.parametrize(
    ("code", "kind"), [("MarketIsClosed", MarketClosedError), ("NoRealtimeQuotes", VenueRefusedError)]
)
async def test_a_refused_subscription_says_why(code, kind) -> None:
    async with scripted({"ticks": lambda _: error(code, "no.")}) as venue, talking(venue) as (session, _):
        with pytest.raises(kind, match=code):
            await session.subscribe("XAUUSD")


async def test_a_rate_limit_is_waited_out_and_the_question_asked_again() -> None:
    refusals = iter([error("RateLimit"), error("RateLimit")])
    answers = {"time": lambda _: next(refusals, None) or {"time": NOON_S}}
    async with scripted(answers) as venue, talking(venue, hold_s=0.05) as (session, _):
        assert await session.market_ms() == NOON_S * 1000
        assert len(venue.calls("time")) == 3


async def test_a_rate_limit_without_end_loses_the_connection() -> None:
    async with scripted({"time": lambda _: error("RateLimit")}) as venue, talking(venue, hold_s=0.01) as (session, _):
        with pytest.raises(VenueLostError, match="rate limit"):
            await session.market_ms()


def history_of(epochs: list[int], page: int):
    """Answers as Deriv does: the latest `page` items between start and end."""

    def answer(request):
        end = NOON_S if request["end"] == "latest" else int(request["end"])
        found = [e for e in epochs if request.get("start", 0) <= e <= end][-min(page, request["count"]) :]
        if request["style"] == "ticks":
            return {"msg_type": "history", "history": {"prices": [4000 + e % 7 for e in found], "times": found}}
        bars = [{"epoch": e, "open": 1, "high": 3, "low": 1, "close": 2} for e in found]
        return {"msg_type": "candles", "candles": bars}

    return answer


async def test_past_quotes_are_read_page_by_page_back_to_where_they_were_asked_from() -> None:
    epochs = list(range(NOON_S - 50, NOON_S))
    answers = {"ticks_history": history_of(epochs, page=20)}
    async with scripted(answers) as venue, talking(venue) as (session, _):
        quotes = await session.history_quotes("XAUUSD", from_ms=(NOON_S - 45) * 1000)

    assert [quote.epoch_ms // 1000 for quote in quotes] == epochs[5:]
    assert all(quote.bid == quote.ask and quote.is_backfilled for quote in quotes)
    assert {request["count"] for request in venue.calls("ticks_history")} == {PAGE}


async def test_reading_past_quotes_ends_where_the_venue_has_no_more() -> None:
    answers = {"ticks_history": history_of([NOON_S - 3, NOON_S - 1], page=20)}
    async with scripted(answers) as venue, talking(venue) as (session, _):
        quotes = await session.history_quotes("XAUUSD", from_ms=0)
        nothing = await session.history_quotes("XAUUSD", from_ms=NOON_S * 1000)

    assert ([quote.epoch_ms // 1000 - NOON_S for quote in quotes], nothing) == ([-3, -1], [])


async def test_past_bars_are_read_until_there_are_as_many_as_wanted() -> None:
    epochs = list(range(NOON_S - 6000, NOON_S, 60))
    async with scripted({"ticks_history": history_of(epochs, page=20)}) as venue, talking(venue) as (session, _):
        bars = await session.history_bars("XAUUSD", from_s=0, count=50)

    assert [bar.open_s for bar in bars] == epochs[-51:]
    assert bars[0] == Bar(epochs[-51], 1, 3, 1, 2)


async def test_past_bars_end_where_they_were_asked_from() -> None:
    epochs = list(range(NOON_S - 6000, NOON_S, 60))
    async with scripted({"ticks_history": history_of(epochs, page=20)}) as venue, talking(venue) as (session, _):
        bars = await session.history_bars("XAUUSD", from_s=epochs[40], count=5000)

    assert [bar.open_s for bar in bars] == epochs[40:]


async def test_history_is_never_asked_for_together_with_a_subscription() -> None:
    async with scripted({"ticks_history": history_of([], 1)}) as venue, talking(venue) as (session, _):
        await session.history_bars("XAUUSD", from_s=0, count=5)
        await session.history_quotes("XAUUSD", from_ms=0)

        assert all("subscribe" not in request for request in venue.asked)


async def test_hours_that_cannot_be_read_are_left_out() -> None:
    def hours(_):
        listed = {"underlying_symbol": "frxXAUUSD", "times": {"open": ["noon"], "close": ["midnight"]}}
        return {"trading_times": {"markets": [{"name": "m", "submarkets": [{"name": "s", "symbols": [listed]}]}]}}

    async with scripted({"trading_times": hours}) as venue, talking(venue) as (session, _):
        assert await session.hours(date(2026, 1, 5)) == {}


async def test_no_more_than_four_questions_wait_for_an_answer() -> None:
    async with scripted({"time": lambda _: None}) as venue, talking(venue) as (session, _):
        asked = [asyncio.ensure_future(session.market_ms()) for _ in range(9)]
        await until(lambda: len(venue.asked) == deriv_budget.IN_FLIGHT)
        await session.ping()

        assert len(venue.calls("time")) == deriv_budget.IN_FLIGHT
        for question in asked:
            question.cancel()
        await asyncio.wait(asked)


def test_a_budget_gives_a_burst_then_two_a_second() -> None:
    now = [100.0]
    budget = RequestBudget(monotonic=lambda: now[0])

    for _ in range(deriv_budget.BURST):
        assert budget.wait_s() == 0
        budget._tokens -= 1

    assert budget.wait_s() == pytest.approx(0.5)
    now[0] += 0.5
    assert budget.wait_s() == 0


def test_a_held_budget_gives_nothing_for_55_seconds() -> None:
    now = [100.0]
    budget = RequestBudget(monotonic=lambda: now[0])

    budget.hold()

    assert budget.wait_s() == 55
    now[0] += 55
    assert budget.wait_s() == 0


def test_an_app_id_is_put_into_the_legacy_address_only() -> None:
    assert LEGACY.url(None, "77") == "wss://ws.derivws.com/websockets/v3?app_id=77"
    assert LEGACY.url("ws://h/websockets/v3?l=en", "77") == "ws://h/websockets/v3?l=en&app_id=77"
    assert LEGACY.url("ws://h/websockets/v3?app_id=1", "77") == "ws://h/websockets/v3?app_id=1"
    assert NEW.url(None, "77") == "wss://api.derivws.com/trading/v1/options/ws/public"
