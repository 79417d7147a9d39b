"""The conversation: history and stream agree, and what Deriv refuses is refused."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from sandbox.exchange.day_sheet import Spot, fold
from sandbox.exchange.deriv_limits import Budget
from sandbox.exchange.server import ExchangeServer
from sandbox.exchange.tape import open_tape
from tests.sandbox.exchange_client import (
    LEGACY,
    NEW,
    START_MS,
    HandClock,
    client_of,
    let_market_reach,
    small_venue,
    some_quotes,
)

GOLD = "frxXAUUSD"


def _error(answer: dict[str, Any]) -> str:
    return str(answer.get("error", {}).get("code"))


async def test_history_then_live_meet_without_hole_or_double(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        await let_market_reach(server, clock, 7.4)
        past = (await client.ask(ticks_history=GOLD, end="latest", count=5000, style="ticks", subscribe=1))["history"]
        await let_market_reach(server, clock, 400)
        live = [message["tick"] for message in await client.all_streamed()]
        whole = (await client.ask(ticks_history=GOLD, end="latest", count=5000, style="ticks"))["history"]

    assert past["times"] + [tick["epoch"] for tick in live] == whole["times"]
    assert past["prices"] + [tick["quote"] for tick in live] == whole["prices"]
    assert all(a < b for a, b in pairwise(whole["times"]))


async def test_a_tick_is_the_last_quote_of_its_second(tmp_path: Path) -> None:
    expected = {quote.epoch_ms // 1000: quote for quote in some_quotes(44)}
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        await client.ask(ticks=GOLD, subscribe=1)
        await let_market_reach(server, clock, 120)
        ticks = [message["tick"] for message in await client.all_streamed()]

    assert len(ticks) > 90
    for tick in ticks:
        quote = expected[tick["epoch"]]
        assert (tick["bid"], tick["ask"]) == (quote.bid, quote.ask)
        assert tick["quote"] == pytest.approx((quote.bid + quote.ask) / 2, abs=1e-9)


@pytest.mark.parametrize("granularity", [60, 300])
async def test_candles_equal_folding_the_streamed_ticks(tmp_path: Path, granularity: int) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        first = await client.ask(ticks=GOLD, subscribe=1)
        await let_market_reach(server, clock, 900)
        ticks = [message["tick"] for message in await client.all_streamed()]
        answer = await client.ask(ticks_history=GOLD, end="latest", count=99, style="candles", granularity=granularity)

    spots = [Spot(tick["epoch"] * 1000, tick["bid"], tick["ask"], tick["quote"]) for tick in ticks]
    folded = [candle._asdict() for candle in fold(spots, granularity)]
    told = [candle for candle in answer["candles"] if candle["epoch"] >= folded[1]["epoch"]]
    assert len(told) >= 2
    assert told == folded[1:]
    assert first["tick"]["epoch"] < ticks[0]["epoch"]


async def test_a_forming_candle_ends_as_history_tells_it(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        await client.ask(ticks_history=GOLD, end="latest", style="candles", granularity=60, subscribe=1)
        for _ in range(40):
            await let_market_reach(server, clock, 5)
        forming = [message["ohlc"] for message in await client.all_streamed()]
        candles = (await client.ask(ticks_history=GOLD, end="latest", style="candles", granularity=60))["candles"]

    last = {item["open_time"]: item for item in forming}
    by_epoch = {candle["epoch"]: candle for candle in candles}
    assert len(last) >= 3
    for open_time, item in last.items():
        told = tuple(float(item[name]) for name in ("open", "high", "low", "close"))
        assert told == tuple(by_epoch[open_time][name] for name in ("open", "high", "low", "close"))


async def test_a_minute_without_quotes_has_no_candle(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        answer = await client.ask(ticks_history=GOLD, end="latest", count=500, style="candles", granularity=60)

    minutes = [(candle["epoch"] - START_MS // 1000) // 60 for candle in answer["candles"]]
    assert minutes == [minute for minute in range(minutes[-1] + 1) if minute % 7 != 6]


async def test_history_can_be_paged_backwards_on_end(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        ask = {"ticks_history": GOLD, "style": "candles", "granularity": 60}
        whole = (await client.ask(**ask, end="latest", count=12))["candles"]
        newer = (await client.ask(**ask, end="latest", count=5))["candles"]
        older = (await client.ask(**ask, end=str(newer[0]["epoch"] - 1), count=7))["candles"]

    assert older + newer == whole


async def test_start_and_end_bound_the_ticks_on_both_sides(tmp_path: Path) -> None:
    start = START_MS // 1000 + 60
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        answer = await client.ask(ticks_history=GOLD, start=start, end=str(start + 20))

    assert answer["history"]["times"] == [second for second in range(start, start + 21) if second % 10 != 9]


async def test_more_than_five_thousand_are_cut() -> None:
    async with ExchangeServer(open_tape(None), wall=HandClock()) as server, client_of(server) as client:
        answer = await client.ask(ticks_history=GOLD, end="latest", count=9000, style="ticks")

    assert len(answer["history"]["times"]) == 5000


async def test_history_goes_back_over_days_and_breaks() -> None:
    async with ExchangeServer(open_tape(None), wall=HandClock()) as server, client_of(server) as client:
        ask = {"ticks_history": GOLD, "end": "latest", "style": "candles"}
        answer = await client.ask(**ask, count=2000, granularity=60)

    epochs = [candle["epoch"] for candle in answer["candles"]]
    assert len(epochs) == 2000
    assert sum(b - a > 3600 for a, b in pairwise(epochs)) >= 1
    assert all(b > a for a, b in pairwise(epochs))


async def test_a_start_after_the_end_is_refused(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        answer = await client.ask(ticks_history=GOLD, start=START_MS // 1000 + 60, end=str(START_MS // 1000))

    assert _error(answer) == "InvalidStartEnd"


async def test_a_second_subscription_to_the_same_is_refused_until_forgotten(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        first = await client.ask(ticks=GOLD, subscribe=1)
        second = await client.ask(ticks=GOLD, subscribe=1)
        as_history = await client.ask(ticks_history=GOLD, end="latest", subscribe=1)
        other_kind = await client.ask(ticks_history=GOLD, end="latest", style="candles", subscribe=1)
        forgotten = await client.ask(forget_all=["ticks"])
        third = await client.ask(ticks=GOLD, subscribe=1)

    assert [_error(second), _error(as_history)] == ["AlreadySubscribed"] * 2
    assert "subscription" not in second
    assert "error" not in other_kind
    assert forgotten["forget_all"] == [first["subscription"]["id"]]
    assert third["subscription"]["id"] != first["subscription"]["id"]


async def test_a_forgotten_stream_is_silent(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        stream_id = (await client.ask(ticks=GOLD, subscribe=1))["subscription"]["id"]
        answers = [(await client.ask(forget=stream_id))["forget"], (await client.ask(forget=stream_id))["forget"]]
        await let_market_reach(server, clock, 60)

        assert await client.all_streamed() == []
    assert answers == [1, 0]


async def test_streamed_messages_carry_the_request_they_belong_to(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        first = await client.ask(ticks=GOLD, subscribe=1, passthrough={"desk": 4})
        await let_market_reach(server, clock, 10)
        (message, *_) = await client.stream(5)

    assert message["echo_req"] == first["echo_req"]
    assert (message["req_id"], message["passthrough"]) == (first["req_id"], {"desk": 4})
    assert message["subscription"]["id"] == message["tick"]["id"] == first["subscription"]["id"]


async def test_a_closed_market_streams_nothing_but_tells_its_history(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        await let_market_reach(server, clock, 3600)
        ask = {"ticks_history": GOLD, "end": "latest", "count": 5}
        answers = [
            await client.ask(ticks=GOLD),
            await client.ask(ticks=GOLD, subscribe=1),
            await client.ask(**ask, subscribe=1),
            await client.ask(**ask, style="candles", subscribe=1),
        ]
        history = await client.ask(**ask)
        symbols = await client.ask(active_symbols="brief")

    assert [_error(answer) for answer in answers] == ["MarketIsClosed"] * 4
    assert all("history" not in answer and "candles" not in answer for answer in answers)
    assert len(history["history"]["times"]) == 5
    assert symbols["active_symbols"][0]["exchange_is_open"] == 0


async def test_gold_closes_for_the_night_and_a_stream_survives_it() -> None:
    clock = HandClock()
    async with ExchangeServer(open_tape(None), wall=clock) as server, client_of(server) as client:
        await let_market_reach(server, clock, 12 * 3600)
        await client.ask(ticks=GOLD, subscribe=1)
        await let_market_reach(server, clock, 3540)  # 20:59 UTC: a minute after the close
        evening = await client.all_streamed()
        closed = await client.ask(active_symbols="brief")
        await let_market_reach(server, clock, 3000)
        night = await client.all_streamed()
        await let_market_reach(server, clock, 1000)  # 22:05:40, two minutes after the opening
        morning = await client.all_streamed()

    assert len(evening) > 1000
    assert closed["active_symbols"][0]["exchange_is_open"] == 0
    assert night == []
    assert len(morning) > 60


@pytest.mark.parametrize(
    ("day", "opened", "closed"),
    [
        ("2026-06-09", ["00:00:00", "22:03:00"], ["20:58:00", "23:59:59"]),  # summer in New York
        ("2026-01-13", ["00:00:00", "23:03:00"], ["21:58:00", "23:59:59"]),  # winter
        ("2026-06-12", ["00:00:00"], ["20:58:00"]),  # Friday
        ("2026-06-13", ["--"], ["--"]),  # Saturday
        ("2026-06-14", ["22:03:00"], ["23:59:59"]),  # Sunday
    ],
)
async def test_trading_times_follow_new_york(tmp_path: Path, day: str, opened: list[str], closed: list[str]) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        answer = await client.ask(trading_times=day)

    gold = answer["trading_times"]["markets"][0]["submarkets"][0]["symbols"][0]
    assert gold["underlying_symbol"] == GOLD
    assert (gold["times"]["open"], gold["times"]["close"]) == (opened, closed)


async def test_a_symbol_that_is_listed_but_not_quoted_is_not_an_unknown_one(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        listed = await client.ask(ticks="frxEURUSD", subscribe=1)
        unknown = await client.ask(ticks_history="frxNOTHING", end="latest")

    assert [_error(listed), _error(unknown)] == ["NoRealtimeQuotes", "InvalidSymbol"]


async def test_the_dialects_differ_where_deriv_s_differ(tmp_path: Path) -> None:
    async with (
        small_venue(tmp_path) as (server, _),
        client_of(server, NEW) as new,
        client_of(server, LEGACY) as legacy,
    ):
        assert _error(await new.ask(website_status=1)) == "UnrecognisedRequest"
        assert (await legacy.ask(website_status=1))["website_status"]["site_status"] == "up"
        assert _error(await new.ask(active_symbols="brief", product_type="basic")) == "InputValidationFailed"
        old = (await legacy.ask(active_symbols="brief", product_type="basic"))["active_symbols"][0]
        recent = (await new.ask(active_symbols="brief"))["active_symbols"][0]

    assert (old["symbol"], old["display_name"], old["pip"]) == (GOLD, "Gold/USD", 0.01)
    assert (recent["underlying_symbol"], recent["underlying_symbol_name"]) == (GOLD, "Gold/USD")
    assert recent["pip_size"] == 0.01


@pytest.mark.parametrize(
    ("path", "status"),
    [("/websockets/v3", 401), ("/websockets/v3?app_id=x", 401), ("/trading/v1/options/ws", 404), ("/", 404)],
)
async def test_a_wrong_address_is_refused_at_the_door(tmp_path: Path, path: str, status: int) -> None:
    async with small_venue(tmp_path) as (server, _):
        with pytest.raises(InvalidStatus) as caught:
            async with client_of(server, path):
                pass

    assert caught.value.response.status_code == status


@pytest.mark.parametrize(
    ("text", "code"),
    [("{", "BadRequest"), ("[1]", "BadRequest"), ("{}", "UnrecognisedRequest"), ('{"buy": 1}', "UnrecognisedRequest")],
)
async def test_what_is_no_request_gets_an_error_and_not_a_hang_up(tmp_path: Path, text: str, code: str) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        answer = await client.send_raw(text)

        assert (_error(answer), answer["msg_type"]) == (code, "error")
        assert (await client.ask(ping=1))["ping"] == "pong"


async def test_the_call_after_220_is_refused_while_ping_and_other_connections_go_on(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server) as client, client_of(server) as other:
        answers = [await client.ask(time=1) for _ in range(221)]
        ping = await client.ask(ping=1)
        unharmed = await other.ask(time=1)

    assert all("error" not in answer for answer in answers[:220])
    assert answers[220]["error"] == {"code": "RateLimit", "message": "You have reached the rate limit for time."}
    assert (ping["ping"], "time" in unharmed) == ("pong", True)


def test_a_blocked_budget_recovers_after_54_seconds() -> None:
    clock = HandClock()
    budget = Budget(clock)
    assert all(budget.spend() for _ in range(220))
    assert not budget.spend()

    clock.pass_by(53.9)
    blocked = budget.spend()
    clock.pass_by(0.2)

    assert not blocked
    assert budget.spend()


def test_a_steady_client_below_the_limit_is_never_blocked() -> None:
    clock = HandClock()
    budget = Budget(clock)

    for _ in range(2000):
        clock.pass_by(0.3)
        assert budget.spend()


async def test_a_fast_market_keeps_up(tmp_path: Path) -> None:
    tape = open_tape(None)
    async with ExchangeServer(tape, speed=600.0) as server, client_of(server) as client:
        await client.ask(ticks=GOLD, subscribe=1)
        ticks = [message["tick"]["epoch"] for message in await client.stream(1000)]
        async with asyncio.timeout(60):
            while server.market_now_ms() / 1000 - ticks[-1] >= 600:  # a second of wall time
                ticks += [message["tick"]["epoch"] for message in await client.stream(1)]

    assert all(b > a for a, b in pairwise(ticks))


async def test_many_clients_hear_the_same(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as one, client_of(server, LEGACY) as two:
        await asyncio.gather(one.ask(ticks=GOLD, subscribe=1), two.ask(ticks=GOLD, subscribe=1))
        await let_market_reach(server, clock, 90)
        heard = [[(m["tick"]["epoch"], m["tick"]["bid"]) for m in await client.all_streamed()] for client in (one, two)]

    assert len(heard[0]) > 60
    assert heard[0] == heard[1]
