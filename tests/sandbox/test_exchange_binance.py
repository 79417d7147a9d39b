"""The simulator's Binance: REST and streams in the venue's own words, and one market behind both."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from sandbox.exchange.binance_checks import BinanceError
from sandbox.exchange.binance_rest import Weights
from sandbox.exchange.binance_talk import Life
from sandbox.exchange.server import ExchangeServer
from sandbox.exchange.tape import open_tape
from tests.sandbox.exchange_client import (
    DEADLINE_S,
    HandClock,
    client_of,
    let_market_reach,
    small_venue,
    some_quotes,
    until,
    write_tape,
)

S = "symbol=PAXGUSDT"


class Caller:
    """Asks a running venue over HTTP and over streams."""

    def __init__(self, server: ExchangeServer, http: ClientSession) -> None:
        self.server = server
        self.http = http

    async def get(self, path: str) -> tuple[int, Any]:
        url = self.server.url.replace("ws://", "http://") + "/api/v3/" + path
        async with self.http.get(url) as response:
            return response.status, await response.json()

    @asynccontextmanager
    async def stream(self, path: str = "/ws") -> AsyncIterator[ClientWebSocketResponse]:
        async with self.http.ws_connect(self.server.url + path) as socket:
            yield socket


async def said(socket: ClientWebSocketResponse, amount: int = 1) -> list[Any]:
    async with asyncio.timeout(DEADLINE_S):
        return [json.loads((await socket.receive()).data) for _ in range(amount)]


async def ask(socket: ClientWebSocketResponse, **request: Any) -> Any:
    await socket.send_str(json.dumps(request))
    (answer,) = await said(socket)
    return answer


@asynccontextmanager
async def calling(folder: Path, **options: Any) -> AsyncIterator[tuple[Caller, HandClock]]:
    async with small_venue(folder, **options) as (server, clock), ClientSession() as http:
        yield Caller(server, http), clock


async def test_the_plain_calls_answer(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, _):
        now_ms = caller.server.market_now_ms()

        assert await caller.get("ping") == (200, {})
        assert await caller.get("time") == (200, {"serverTime": now_ms})
        status, info = await caller.get(f"exchangeInfo?{S}")

    assert (status, [row["symbol"] for row in info["symbols"]]) == (200, ["PAXGUSDT"])
    assert info["symbols"][0]["status"] == "TRADING"


async def test_a_neighbour_is_listed_but_halted_and_silent(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, _):
        _, info = await caller.get('exchangeInfo?symbols=["BTCUSDT","ETHUSDT"]')

        assert [row["status"] for row in info["symbols"]] == ["BREAK", "BREAK"]
        assert await caller.get("klines?symbol=BTCUSDT&interval=1m") == (200, [])


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("klines?symbol=NOTHING&interval=1m", -1121),
        (f"klines?{S}&interval=7m", -1120),
        (f"klines?{S}", -1102),
        ("klines?interval=1m", -1102),
        (f"klines?{S}&interval=1m&color=red", -1104),
        (f"klines?{S}&interval=1m&limit=", -1105),
        (f"klines?{S}&interval=1m&limit=many", -1100),
        (f"klines?{S}&interval=1m&limit=0", -1130),
        ("klines?symbol=paxgusdt&interval=1m", -1100),
        (f"klines?{S}&{S}&interval=1m", -1101),
        (f"aggTrades?{S}&fromId=1&startTime=1", -1128),
        (f'exchangeInfo?{S}&symbols=["BTCUSDT"]', -1128),
        ("exchangeInfo?symbols=PAXGUSDT", -1100),
    ],
)
async def test_a_wrong_request_is_refused_with_the_venues_code(tmp_path: Path, path: str, code: int) -> None:
    async with calling(tmp_path) as (caller, _):
        status, body = await caller.get(path)

    assert (status, body["code"]) == (400, code)
    assert body["msg"]


async def test_klines_are_derivs_candles_in_binances_form(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, _), client_of(caller.server) as deriv:
        _, rows = await caller.get(f"klines?{S}&interval=1m&limit=10")
        told = await deriv.ask(ticks_history="frxXAUUSD", end="latest", count=10, style="candles", granularity=60)

    ours = [(row[0] // 1000, *(float(value) for value in row[1:5])) for row in rows]
    theirs = [(c["epoch"], c["open"], c["high"], c["low"], c["close"]) for c in told["candles"]]
    assert ours == theirs
    assert all(row[6] == row[0] + 59_999 and row[8] > 0 for row in rows)


async def test_pages_go_forwards_from_a_start_and_backwards_from_an_end(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, _):
        _, whole = await caller.get(f"klines?{S}&interval=1m&limit=1000")
        first, last = whole[0][0], whole[-1][0]

        _, forwards = await caller.get(f"klines?{S}&interval=1m&limit=5&startTime={first}")
        _, backwards = await caller.get(f"klines?{S}&interval=1m&limit=5&endTime={last - 1}")

    assert forwards == whole[:5]
    assert backwards == whole[-6:-1]


async def test_trades_page_by_id_without_hole_or_double_and_fold_into_seconds(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, _):
        start_ms = caller.server.market_now_ms() - 300_000
        _, whole = await caller.get(f"aggTrades?{S}&startTime={start_ms}&limit=1000")
        _, first = await caller.get(f"aggTrades?{S}&startTime={start_ms}&limit=50")
        _, second = await caller.get(f"aggTrades?{S}&fromId={first[-1]['a'] + 1}&limit=50")
        _, seconds = await caller.get(f"klines?{S}&interval=1s&startTime={start_ms}&limit=1000")

    assert first + second == whole[:100]
    assert [row["T"] for row in whole] == sorted({row["T"] for row in whole})
    assert [(row[0], row[4]) for row in seconds] == [
        (row["T"] // 1000 * 1000, row["p"]) for row in whole if row["T"] // 1000 * 1000 >= start_ms
    ]


async def test_the_best_bid_and_ask_are_those_of_the_stream(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, clock), caller.stream("/ws/paxgusdt@bookTicker") as socket:
        await let_market_reach(caller.server, clock, 1.5)
        (event,) = await said(socket)
        _, row = await caller.get(f"ticker/bookTicker?{S}")

    assert (event["s"], event["b"], event["a"]) == ("PAXGUSDT", row["bidPrice"], row["askPrice"])
    assert "E" not in event


async def test_subscriptions_can_be_made_listed_and_ended(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, clock), caller.stream() as socket:
        assert await ask(socket, method="SUBSCRIBE", params=["paxgusdt@trade"], id=1) == {"result": None, "id": 1}
        listed = await ask(socket, method="LIST_SUBSCRIPTIONS", id="two")
        await let_market_reach(caller.server, clock, 1.5)
        (trade,) = await said(socket)
        await ask(socket, method="UNSUBSCRIBE", params=["paxgusdt@trade"], id=3)
        await let_market_reach(caller.server, clock, 5)
        after = await ask(socket, method="LIST_SUBSCRIPTIONS", id=None)

    assert listed == {"result": ["paxgusdt@trade"], "id": "two"}
    assert (trade["e"], trade["s"]) == ("trade", "PAXGUSDT")
    assert after == {"result": [], "id": None}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ('{"method": ', 3),
        ("[1]", 2),
        ('{"method": "SHOUT", "params": ["paxgusdt@trade"], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [7], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": ["paxgusdt@moon"], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": ["paxgusdt@trade"], "id": 1.5}', 2),
        ('{"method": "SUBSCRIBE", "params": ["paxgusdt@trade"], "id": 1, "loud": true}', 2),
        ('{"method": "SET_PROPERTY", "params": ["colour", true], "id": 1}', 0),
        ('{"method": "SET_PROPERTY", "params": ["combined", 5], "id": 1}', 1),
    ],
)
async def test_a_wrong_message_is_refused_and_the_connection_stays(tmp_path: Path, request_: str, code: int) -> None:
    async with calling(tmp_path) as (caller, _), caller.stream() as socket:
        await socket.send_str(request_)
        (answer,) = await said(socket)

        assert answer["error"]["code"] == code
        assert await ask(socket, method="GET_PROPERTY", params=["combined"], id=9) == {"result": False, "id": 9}


async def test_a_kline_is_closed_once_and_equals_history(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, clock), caller.stream("/stream?streams=paxgusdt@kline_1m") as socket:
        closed: list[Any] = []
        for _ in range(5):
            await let_market_reach(caller.server, clock, 60)
        _, rows = await caller.get(f"klines?{S}&interval=1m&limit=10")
        while len(closed) < 3:
            (wrapped,) = await said(socket)
            assert wrapped["stream"] == "paxgusdt@kline_1m"
            if wrapped["data"]["k"]["x"]:
                closed.append(wrapped["data"]["k"])

    history = {row[0]: row for row in rows}
    for kline in closed:
        row = history[kline["t"]]
        assert [kline[key] for key in "ohlc"] == row[1:5]
        assert kline["n"] == row[8]
    assert len({kline["t"] for kline in closed}) == 3


async def test_a_kline_without_another_trade_is_closed_by_the_clock(tmp_path: Path) -> None:
    async with calling(tmp_path, minutes=24) as (caller, clock), caller.stream("/ws/paxgusdt@kline_1m") as socket:
        end_ms = caller.server.market._tape.end_ms
        await let_market_reach(caller.server, clock, (end_ms - caller.server.market_now_ms()) / 1000 + 120)
        last: Any = {"k": {"x": False, "T": 0}}
        while not (last["k"]["x"] and last["k"]["T"] > end_ms):
            (last,) = await said(socket)

    assert last["k"]["t"] <= end_ms <= last["k"]["T"]


async def test_a_connection_ends_at_its_age_and_says_so_before(tmp_path: Path) -> None:
    clock = HandClock()
    tape = open_tape(write_tape(tmp_path / "tape.csv", some_quotes(44)))
    life = Life(seconds=600, clock="market", notice_s=60)
    async with (
        ExchangeServer(tape, wall=clock, life=life) as server,
        ClientSession() as http,
        Caller(server, http).stream() as socket,
    ):
        await until(lambda: server.state()["connections"] == 1)
        await let_market_reach(server, clock, 545)
        (event,) = await said(socket)
        await let_market_reach(server, clock, 60)
        async with asyncio.timeout(DEADLINE_S):
            end = await socket.receive()

    assert event["e"] == "serverShutdown"
    assert end.type is WSMsgType.CLOSE
    assert end.data == 1000


async def test_who_talks_too_fast_is_cut_off(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, _), caller.stream() as socket:
        for number in range(6):
            await socket.send_str(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        await said(socket, 5)
        async with asyncio.timeout(DEADLINE_S):
            end = await socket.receive()

    assert (end.type, end.data) == (WSMsgType.CLOSE, 1008)


async def test_the_rate_limit_is_429_with_the_time_to_wait(tmp_path: Path) -> None:
    async with calling(tmp_path) as (caller, _):
        caller.server.set_fault("rate_limit", seconds=30)
        async with caller.http.get(caller.server.url.replace("ws", "http") + "/api/v3/ping") as response:
            body = await response.json()

    assert (response.status, body["code"]) == (429, -1003)
    assert 20 <= int(response.headers["Retry-After"]) <= 30


def test_weights_are_counted_by_the_minute() -> None:
    clock = HandClock()
    weights = Weights(clock)
    for _ in range(300):
        weights.spend(20)

    with pytest.raises(BinanceError) as refused:
        weights.spend(1)
    clock.pass_by(60)
    weights.spend(1)

    assert (refused.value.status, refused.value.retry_after_s) == (429, 60)
    assert weights.used == 1


@pytest.mark.parametrize("kind", ["outage", "refuse"])
async def test_faults_of_the_network_reach_rest_and_streams_alike(tmp_path: Path, kind: str) -> None:
    async with calling(tmp_path) as (caller, _):
        caller.server.set_fault(kind, seconds=30)
        async with caller.http.get(caller.server.url.replace("ws", "http") + "/api/v3/ping") as response:
            assert response.status == 503
        with pytest.raises(Exception, match="503"):
            async with caller.stream():
                pass


async def test_deriv_and_binance_hear_the_same_market_on_one_port(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (caller, clock),
        client_of(caller.server) as deriv,
        caller.stream("/ws/paxgusdt@bookTicker") as socket,
    ):
        await deriv.ask(ticks="frxXAUUSD", subscribe=1)
        await let_market_reach(caller.server, clock, 8)
        ticks = [frame["tick"] for frame in await deriv.stream(5)]
        events = await said(socket, 5)

    assert [(tick["bid"], tick["ask"]) for tick in ticks] == [(float(e["b"]), float(e["a"])) for e in events]
