"""Faults on command: each does what it says, and ends when it says."""

import asyncio
import json
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.exchange.control import control
from sandbox.exchange.deriv_garbage import KINDS as GARBAGE
from sandbox.exchange.faults import KINDS, FaultError, Faults
from sandbox.exchange.server import ExchangeServer
from sandbox.exchange.tape import open_tape
from tests.sandbox.exchange_client import (
    DEADLINE_S,
    NEW,
    Client,
    HandClock,
    client_of,
    let_market_reach,
    small_venue,
    until,
)

GOLD = "frxXAUUSD"


async def _epochs(client: Client) -> list[int]:
    return [message["tick"]["epoch"] for message in await client.all_streamed()]


async def test_silence_stops_ticks_but_not_answers_and_history_has_them_afterwards(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        await client.ask(ticks=GOLD, subscribe=1)
        server.set_fault("silence", seconds=60)
        await let_market_reach(server, clock, 30)
        during = await _epochs(client)
        server.clear_faults()
        await let_market_reach(server, clock, 10)
        after = await _epochs(client)
        history = (await client.ask(ticks_history=GOLD, end="latest", count=30))["history"]["times"]

    assert during == []
    assert len(after) >= 8
    assert len([epoch for epoch in history if epoch < after[0]]) > 15


async def test_late_ticks_are_held_back_and_come_in_order(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        await client.ask(ticks=GOLD, subscribe=1)
        server.set_fault("late", seconds=60)
        await let_market_reach(server, clock, 30)
        during = await _epochs(client)
        server.clear_faults()
        await let_market_reach(server, clock, 10)
        after = await _epochs(client)

    assert during == []
    assert len(after) > 30
    assert all(a < b for a, b in pairwise(after))


async def test_so_many_ticks_are_told_twice(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        await client.ask(ticks=GOLD, subscribe=1)
        server.set_fault("duplicate", count=3)
        await let_market_reach(server, clock, 30)
        epochs = await _epochs(client)

    assert sum(a == b for a, b in pairwise(epochs)) == 3
    assert epochs[0] == epochs[1]


async def test_garbage_comes_in_every_kind_and_ticks_go_on(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server) as client:
        await client.ask(ticks=GOLD, subscribe=1)
        server.set_fault("garbage", count=len(GARBAGE))
        await let_market_reach(server, clock, 40)
        messages = await client.all_streamed()

    broken = dict(zip(GARBAGE, messages[1 : 2 * len(GARBAGE) : 2], strict=True))
    good = [message["tick"] for message in messages[0 : 2 * len(GARBAGE) : 2] + messages[2 * len(GARBAGE) :]]
    assert isinstance(broken["not_json"], str)
    assert isinstance(broken["not_an_object"], list)
    assert not {"bid", "ask"} & set(broken["no_quote"]["tick"])
    assert broken["crossed"]["tick"]["bid"] > broken["crossed"]["tick"]["ask"]
    assert broken["negative"]["tick"]["bid"] < 0
    assert broken["jump"]["tick"]["bid"] > 1.05 * good[0]["bid"]
    assert broken["unknown_symbol"]["tick"]["symbol"] == "frxNOTHING"
    assert broken["backwards"]["tick"]["epoch"] < good[0]["epoch"]
    assert isinstance(broken["text_price"]["tick"]["bid"], str)
    assert all(a["epoch"] < b["epoch"] for a, b in pairwise(good))


async def test_rate_limit_refuses_all_but_ping(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        server.set_fault("rate_limit", seconds=60)
        refused = await client.ask(ticks=GOLD)
        ping = await client.ask(ping=1)
        server.clear_faults()
        answered = await client.ask(ticks=GOLD)

    assert refused["error"]["code"] == "RateLimit"
    assert ping["ping"] == "pong"
    assert "tick" in answered


async def test_close_ends_every_connection_and_the_next_one_works(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _):
        async with client_of(server) as client:
            server.set_fault("close")
            with pytest.raises(ConnectionClosed) as caught:
                await client.ask(ping=1)

        async with client_of(server) as client:
            assert (await client.ask(ping=1))["ping"] == "pong"
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001


async def test_refuse_turns_so_many_away_at_the_door(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _):
        server.set_fault("refuse", count=2)
        statuses = [await _knock(server) for _ in range(3)]

    assert statuses == [503, 503, 101]


async def test_accept_then_close_lets_in_and_throws_out(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _):
        server.set_fault("accept_then_close", count=1)
        async with client_of(server) as client:
            with pytest.raises(ConnectionClosed) as caught:
                await client.ask(ping=1)
        async with client_of(server) as client:
            assert (await client.ask(ping=1))["ping"] == "pong"

    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1013


async def test_an_outage_breaks_connections_while_market_time_goes_on(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, clock):
        async with client_of(server) as client:
            await client.ask(ticks=GOLD, subscribe=1)
            before = server.market_now_ms()
            server.set_fault("outage", seconds=60)
            with pytest.raises(ConnectionClosed):
                await client.ask(ping=1)
        refused = await _knock(server)
        await let_market_reach(server, clock, 30)
        server.clear_faults()
        async with client_of(server) as client:
            answer = await client.ask(ticks_history=GOLD, end="latest", start=before // 1000)

    assert refused == 503
    assert len(answer["history"]["times"]) > 20


async def test_a_half_open_link_is_silent_to_everything_until_it_heals(tmp_path: Path) -> None:
    async with (
        small_venue(tmp_path) as (server, clock),
        connect(server.url + NEW, compression=None, proxy=None, ping_interval=None) as socket,
    ):
        client = Client(socket)
        await client.ask(ticks=GOLD, subscribe=1)
        server.set_fault("half_open", seconds=60)
        pong = await socket.ping()
        await let_market_reach(server, clock, 10)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.stream(1)
        assert not pong.done()
        server.clear_faults()
        async with asyncio.timeout(DEADLINE_S):
            await pong
        first = await client.stream(1)

    assert first[0]["msg_type"] == "tick"


async def test_a_client_that_does_not_read_is_cut_off_and_others_hear_everything() -> None:
    clock = HandClock()
    async with ExchangeServer(open_tape(None), wall=clock) as server, AsyncExitStack() as stack:
        server.queue_frames = 300
        deaf_reader, deaf_writer = await _deaf_client(server)
        stack.callback(deaf_writer.close)
        client = await stack.enter_async_context(client_of(server))
        await client.ask(ticks=GOLD, subscribe=1)
        heard: list[int] = []
        async with asyncio.timeout(60):
            while server.state()["connections"] == 2:
                await let_market_reach(server, clock, 200)
                heard += await _epochs(client)
        times = (await client.ask(ticks_history=GOLD, end="latest", count=5000))["history"]["times"]

    assert len(heard) > 200
    assert heard[-len(times) :] == times[-len(heard) :]
    assert not deaf_reader.at_eof()


async def _deaf_client(server: ExchangeServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Shake hands, subscribe, and never read again. A tiny receive window makes the kernel's buffers fill soon."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    head = f"GET {NEW} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
    writer.write(f"{head}Sec-WebSocket-Version: 13\r\n\r\n".encode())
    body = json.dumps({"ticks": GOLD, "subscribe": 1, "passthrough": {"long": "x" * 20_000}}).encode()
    writer.write(b"\x81\xfe" + len(body).to_bytes(2, "big") + b"\0\0\0\0" + body)
    await writer.drain()
    await until(lambda: server.state()["connections"] == 1)
    return reader, writer


async def _knock(server: ExchangeServer) -> int:
    try:
        async with client_of(server):
            return 101
    except InvalidStatus as refusal:
        return refusal.response.status_code


def test_a_timed_fault_ends_by_itself_and_a_counted_one_is_used_up() -> None:
    clock = HandClock()
    faults = Faults(clock)
    faults.put("silence", seconds=5)
    faults.put("garbage", count=2)

    assert faults.is_on("silence")
    clock.pass_by(5)
    assert not faults.is_on("silence")
    assert [faults.take("garbage") for _ in range(3)] == [True, True, False]
    assert faults.active() == []


@pytest.mark.parametrize(
    ("kind", "limits"),
    [("fire", {}), ("silence", {"seconds": 0}), ("silence", {"seconds": float("inf")}), ("garbage", {"count": 0})],
)
def test_a_fault_that_makes_no_sense_is_refused(kind: str, limits: dict[str, Any]) -> None:
    with pytest.raises(FaultError, match=r"would be right|greater than zero"):
        Faults().put(kind, **limits)


async def test_the_control_door_sets_lists_and_clears_faults(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as (server, _), control(server) as url, aiohttp.ClientSession(url) as http:
        async with http.post("/sandbox/faults", json={"kind": "silence", "seconds": 9}) as answer:
            put = await answer.json()
        async with http.get("/sandbox/faults") as answer:
            listed = await answer.json()
        async with http.delete("/sandbox/faults") as answer:
            cleared = await answer.json()

    assert (put["faults"][0]["kind"], put["faults"][0]["count"]) == ("silence", None)
    assert 8 < put["faults"][0]["seconds"] <= 9
    assert set(listed["kinds"]) == set(KINDS)
    assert cleared["faults"] == []


async def test_the_control_door_tells_the_state(tmp_path: Path) -> None:
    async with (
        small_venue(tmp_path, speed=2.0) as (server, clock),
        control(server) as url,
        client_of(server) as client,
        aiohttp.ClientSession(url) as http,
    ):
        await client.ask(ticks=GOLD, subscribe=1)
        await let_market_reach(server, clock, 8)
        ticks = await client.all_streamed()
        async with http.get("/sandbox/state") as answer:
            state = await answer.json()

    assert state["connections"] == 1
    assert state["ticks_sent"] == len(ticks) > 5
    assert (state["speed"], state["open"], state["instrument"]) == (2.0, True, "XAUUSD")
    assert state["market_time_ms"] == server.market.live_ms + 8000
    assert state["market_time"].endswith("+00:00")


@pytest.mark.parametrize("body", ["{", '{"kind": "fire"}', '{"kind": "silence", "seconds": -1}', '{"sort": "silence"}'])
async def test_the_control_door_refuses_what_it_does_not_understand(tmp_path: Path, body: str) -> None:
    async with (
        small_venue(tmp_path) as (server, _),
        control(server) as url,
        aiohttp.ClientSession(url) as http,
        http.post("/sandbox/faults", data=body) as answer,
    ):
        refusal = await answer.json()

    assert answer.status == 400
    assert "silence" in refusal["kinds"]
    assert server.faults.active() == []
