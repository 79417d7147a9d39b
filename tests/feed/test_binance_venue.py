"""The Binance adapter against a venue that says what the test wants."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest
from aiohttp import web

from chassis.clock import ManualClock, MarketClock
from services.feed.adapters import binance_budget, binance_venue
from services.feed.adapters.binance_book import Book
from services.feed.adapters.binance_budget import WeightBudget
from services.feed.adapters.binance_frames import StreamFrame
from services.feed.adapters.binance_history import EXACT_MS, PAGE
from services.feed.domain.quotes import Bar, Quote
from services.feed.domain.ticks import BadInput
from services.feed.ports import Heard, MarketClosedError, Unheard, VenueLostError, VenueRefusedError, WrongVenueError
from tests.feed.builders import NOON_MS, until
from tests.feed.scripted_binance import kline, scripted_binance, ticker
from tests.feed.venue_contract import talking

OURS = "BTCUSDT"


def refused(code: int, status: int = 400, **headers: str) -> web.Response:
    return web.json_response({"code": code, "msg": "no"}, status=status, headers=headers)


def prices(talk) -> list[float]:
    return [quote.bid for quote in talk.quotes]


def shorten(talk, deadline_s: float) -> None:
    """Wait for answers of the stream so long only; what is asked over REST has the time it had."""
    talk.session._source = replace(talk.session._source, deadline_s=deadline_s)


# --- live quotes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ticker(2, symbol="ETHUSDT"), Unheard(BadInput.UNKNOWN_SYMBOL)),
        ({"u": 2, "s": "BTCUSDT", "b": "4000.1"}, Unheard(BadInput.NO_BID_ASK, OURS)),
        (ticker(2, ask="a lot"), Unheard(BadInput.MALFORMED)),
        (ticker(1), Unheard(BadInput.DUPLICATE, OURS)),
        (ticker(0), Unheard(BadInput.BACKWARDS, OURS)),
        ('{"u": 2, "s": "BTC', Unheard(BadInput.NOT_JSON)),
        ("[1, null]", Unheard(BadInput.MALFORMED)),
        ("{}", Unheard(BadInput.MALFORMED)),
        ('{"x":' + "[" * 100_000, Unheard(BadInput.NOT_JSON)),
    ],
)
async def test_whatever_a_stream_sends_becomes_a_quote_or_a_reason(event, expected) -> None:
    async with scripted_binance() as binance, talking(binance.venue()) as talk:
        await talk.session.subscribe(OURS)
        await binance.say(ticker(1), event)
        await until(lambda: len(talk.heard) == 2)

    assert (talk.heard[0].quote.bid, talk.heard[0].quote.ask) == (4000.10, 4000.40)
    assert talk.heard[1] == expected


async def test_several_symbols_share_one_connection() -> None:
    symbols = {"BTCUSDT": "BTCUSDT", "GOLD": "PAXGUSDT"}
    async with scripted_binance() as binance, talking(binance.venue(symbols=symbols)) as talk:
        await asyncio.gather(*(talk.session.subscribe(symbol) for symbol in symbols))
        await binance.say(ticker(1), ticker(1, symbol="PAXGUSDT"))
        await until(lambda: len(talk.heard) == 2)

    assert len(binance.sockets) == 1
    assert [item.symbol for item in talk.heard] == ["BTCUSDT", "GOLD"]


def test_a_quote_has_the_venues_time_of_its_arrival_which_never_goes_back() -> None:
    wall = ManualClock()
    market = MarketClock(wall)
    book = Book({"BTCUSDT": OURS}, market)
    market.set(NOON_MS)
    first = book.read(StreamFrame(b=1.0, a=2.0), "BTCUSDT", 1)
    market.set(NOON_MS - 500)
    second = book.read(StreamFrame(b=1.1, a=2.0), "BTCUSDT", 2)
    wall.advance(2)
    third = book.read(StreamFrame(b=1.2, a=2.0), "BTCUSDT", 3)

    assert [told.quote.epoch_ms - NOON_MS for told in (first, second, third)] == [0, 0, 1500]


def test_prices_told_again_are_news_only_once_a_second() -> None:
    wall = ManualClock()
    book = Book({"BTCUSDT": OURS}, MarketClock(wall))
    told = []
    for number in range(1, 26):
        told.append(book.read(StreamFrame(b=1.0, a=2.0), "BTCUSDT", number))
        wall.advance(0.1)

    assert [number for number, item in enumerate(told) if item is not None] == [0, 10, 20]


# --- the life of a connection -----------------------------------------------------------------------------------------


async def test_a_connection_is_renewed_before_its_end_without_losing_or_doubling_a_quote() -> None:
    async with scripted_binance() as binance, talking(binance.venue()) as talk:
        await talk.session.subscribe(OURS)
        await binance.say(ticker(1, "1.0"), {"e": "serverShutdown", "E": 1})
        await until(lambda: len(binance.sockets) == 2 and len(binance.subscribed) == 2)
        await binance.say(ticker(2, "2.0"), ticker(3, "3.0"), socket=0)
        await binance.say(ticker(2, "2.0"), ticker(3, "3.0"), ticker(4, "4.0"), socket=1)
        await until(lambda: 4.0 in prices(talk))
        await until(lambda: binance.sockets[0].closed)
        await binance.say(ticker(5, "5.0"), ticker(4, "4.0"))
        await until(lambda: len(talk.heard) == 6)

    assert prices(talk) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert talk.heard[-1] == Unheard(BadInput.BACKWARDS, OURS)
    assert talk.lost is None
    assert binance.subscribed == [["btcusdt@bookTicker"]] * 2


async def test_a_connection_is_renewed_by_age() -> None:
    async with scripted_binance() as binance, talking(binance.venue(renew_after_s=0.2)) as talk:
        await talk.session.subscribe(OURS)
        await until(lambda: len(binance.subscribed) >= 2)
        await until(lambda: binance.sockets[0].closed)

    assert talk.lost is None


async def test_a_renewal_that_fails_leaves_the_old_connection_as_it_is(monkeypatch) -> None:
    monkeypatch.setattr(binance_venue, "RENEW_AGAIN_S", 0.2)
    async with scripted_binance() as binance, talking(binance.venue()) as talk:
        await talk.session.subscribe(OURS)
        shorten(talk, 0.3)
        binance.is_silent = True
        await binance.say({"e": "serverShutdown", "E": 1})
        await until(lambda: len(binance.sockets) >= 2 and binance.sockets[1].closed)
        await binance.say(ticker(1), socket=0)
        await until(lambda: talk.quotes)
        binance.is_silent = False
        await until(lambda: binance.sockets[0].closed)

    assert talk.lost is None


async def test_a_subscription_without_an_answer_ends_at_its_deadline() -> None:
    async with scripted_binance() as binance, talking(binance.venue()) as talk:
        shorten(talk, 0.2)
        binance.is_silent = True
        with pytest.raises(VenueLostError, match="no answer to SUBSCRIBE"):
            await talk.session.subscribe(OURS)


@pytest.mark.parametrize("form", [{"error": {"code": 2, "msg": "no"}}, {"code": 2, "msg": "no"}])
async def test_a_refused_subscription_is_a_refusal_in_either_form(form) -> None:
    async with scripted_binance() as binance, talking(binance.venue()) as talk:
        binance.is_silent = True
        asked = asyncio.ensure_future(talk.session.subscribe(OURS))
        await until(lambda: binance.subscribed)
        await binance.say({**form, "id": 1})
        with pytest.raises(VenueRefusedError, match="2: no"):
            await asked


async def test_a_halted_symbol_is_a_closed_market() -> None:
    halted = {"exchangeInfo": lambda q: {"symbols": [{"symbol": q["symbol"], "status": "BREAK"}]}}
    async with scripted_binance(halted) as binance, talking(binance.venue()) as talk:
        await talk.session.check()
        with pytest.raises(MarketClosedError):
            await talk.session.subscribe(OURS)


# --- refusals and limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (lambda _: refused(-1121), VenueRefusedError, "-1121: no"),
        (lambda _: web.json_response({"soon": 1}), VenueRefusedError, "undecodable"),
        (lambda _: web.Response(status=503), VenueLostError, "HTTP 503"),
        (lambda _: web.Response(status=451), WrongVenueError, "SINYAL_FEED_BINANCE_URL.*451"),
        (lambda _: web.Response(status=404, text="<html>"), WrongVenueError, "SINYAL_FEED_BINANCE_URL.*404"),
        (lambda _: web.Response(status=302), WrongVenueError, "SINYAL_FEED_BINANCE_URL.*302"),
    ],
)
async def test_each_answer_that_is_none_has_its_word(answer, error, words) -> None:
    async with scripted_binance() as binance, talking(binance.venue()) as talk:
        binance.rest["time"] = answer
        with pytest.raises(error, match=words):
            await talk.session.market_ms()


async def test_too_much_is_waited_out_and_asked_again() -> None:
    answers = [refused(-1003, 429, **{"Retry-After": "1"}), {}]
    async with scripted_binance() as binance, talking(binance.venue()) as talk:
        binance.rest["ping"] = lambda _: answers.pop(0)
        started = asyncio.get_running_loop().time()
        await talk.session.ping()
        waited_s = asyncio.get_running_loop().time() - started

    assert waited_s >= 1
    assert answers == []


async def test_what_a_question_waits_for_its_turn_is_not_taken_for_its_way() -> None:
    answers = [refused(-1003, 429, **{"Retry-After": "1"}), {"serverTime": NOON_MS}]
    async with scripted_binance() as binance, talking(binance.venue()) as talk:
        binance.rest["time"] = lambda _: answers.pop(0)
        started = asyncio.get_running_loop().time()
        told_ms = await talk.session.market_ms()
        way_s = asyncio.get_running_loop().time() - started - 1

    assert answers == []
    assert NOON_MS <= told_ms <= NOON_MS + way_s / 2 * 1000


async def test_a_long_ban_ends_the_connection_and_is_not_knocked_at_again() -> None:
    async with scripted_binance() as binance:
        venue = binance.venue()
        async with talking(venue) as talk:
            binance.rest["ping"] = lambda _: refused(-1003, 418, **{"Retry-After": "3600"})
            with pytest.raises(VenueLostError, match="banned by the venue for 3600 s"):
                await talk.session.ping()
        before = len(binance.asked)
        with pytest.raises(VenueLostError, match="banned"):
            async with venue.connect():
                pass

    assert len(binance.asked) == before


def test_the_budget_gives_a_burst_then_a_rate() -> None:
    now = [0.0]
    budget = WeightBudget(lambda: now[0])
    assert budget.wait_s(int(binance_budget.BURST)) == 0
    budget._tokens = 0

    assert budget.wait_s(20) == 20 / binance_budget.PER_SECOND
    now[0] += 0.5
    assert budget.wait_s(20) == 0


def test_the_venues_own_count_near_its_limit_is_a_hold() -> None:
    now = [0.0]
    budget = WeightBudget(lambda: now[0])
    budget.learn_used(binance_budget.NEAR_LIMIT - 1)
    assert budget.wait_s(1) == 0

    budget.learn_used(binance_budget.NEAR_LIMIT)
    assert budget.wait_s(1) == binance_budget.NEAR_HOLD_S


# --- history ----------------------------------------------------------------------------------------------------------


async def test_bars_are_paged_backwards_and_minutes_without_a_trade_left_out() -> None:
    rows = [kline(NOON_MS + i * 60_000, 10, 12, 9, 11, trades=0 if i == 1490 else 3) for i in range(1500)]

    def klines(query):
        end_ms = int(query.get("endTime", NOON_MS + 10**9))
        return [row for row in rows if row[0] <= end_ms][-int(query["limit"]) :]

    async with scripted_binance({"klines": klines}) as binance, talking(binance.venue()) as talk:
        bars = await talk.session.history_bars(OURS, from_s=0, count=1200)

    opens = [bar.open_s for bar in bars]
    assert bars[-1] == Bar(NOON_MS // 1000 + 1499 * 60, 10, 12, 9, 11)
    assert NOON_MS // 1000 + 1490 * 60 not in opens
    assert len(opens) >= 1200
    assert opens == sorted(set(opens))


async def test_the_last_minutes_are_read_trade_by_trade_and_what_is_older_by_seconds() -> None:
    old_ms, new_ms = NOON_MS - EXACT_MS - 10_000, NOON_MS - 2_000
    seconds = [
        kline(old_ms, 10, 12, 9, 11, width_ms=1000),
        kline(old_ms + 1000, 11, 11, 11, 11, trades=0, width_ms=1000),
        kline(old_ms + 2000, 11, 11, 8, 9, width_ms=1000),
    ]
    trades = [{"a": 1, "p": "9.5", "T": new_ms}, {"a": 2, "p": "9.7", "T": new_ms + 3}]
    rest = {"time": lambda _: {"serverTime": NOON_MS}, "klines": lambda _: seconds, "aggTrades": lambda _: trades}
    async with scripted_binance(rest) as binance, talking(binance.venue()) as talk:
        quotes = await talk.session.history_quotes(OURS, from_ms=old_ms)
        asked = [query for call, query in binance.asked if call in ("klines", "aggTrades")]

    expected = [
        (old_ms, 10.0), (old_ms + 333, 9.0), (old_ms + 666, 12.0), (old_ms + 999, 11.0),
        (old_ms + 2000, 11.0), (old_ms + 2666, 8.0), (old_ms + 2999, 9.0),
        (new_ms, 9.5), (new_ms + 3, 9.7),
    ]  # fmt: skip
    assert quotes == [Quote(moment, price, price, is_backfilled=True) for moment, price in expected]
    assert asked[0]["interval"] == "1s"
    assert int(asked[1]["startTime"]) == int(asked[0]["endTime"]) + 1


async def test_trades_are_paged_by_id_until_a_page_is_short() -> None:
    trades = [{"a": i, "p": "4000.5", "T": NOON_MS - 60_000 + i} for i in range(2 * PAGE + 7)]

    def agg_trades(query):
        return trades[int(query.get("fromId", 0)) :][: int(query["limit"])]

    rest = {"time": lambda _: {"serverTime": NOON_MS}, "aggTrades": agg_trades}
    async with scripted_binance(rest) as binance, talking(binance.venue()) as talk:
        quotes = await talk.session.history_quotes(OURS, from_ms=NOON_MS - 60_000)

    assert [quote.epoch_ms for quote in quotes] == [trade["T"] for trade in trades]


async def test_it_never_closes() -> None:
    async with scripted_binance() as binance, talking(binance.venue()) as talk:
        assert await talk.session.hours(date(2026, 1, 3)) == {}


def test_a_heard_quote_is_live() -> None:
    told = Book({"BTCUSDT": OURS}, MarketClock(ManualClock())).read(StreamFrame(b=1.0, a=2.0), "BTCUSDT", 1)

    assert isinstance(told, Heard)
    assert not told.quote.is_backfilled
