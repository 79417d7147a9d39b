"""A scripted session of each dialect, every request and reply checked against the published Draft-4 schemas.

Two holes of the schemas are pinned here by hand: `ohlc` has no schema, and neither has the error envelope.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from sandbox.exchange.deriv_garbage import KINDS
from tests.sandbox.exchange_client import LEGACY, NEW, START_MS, Client, client_of, let_market_reach, small_venue
from tests.shared import shared_path

PRICES = ("open", "high", "low", "close")
CALL_OF_ANSWER = {"history": "ticks_history", "candles": "ticks_history", "tick": "ticks"}


def _validator(path: str, call: str, side: str) -> Draft4Validator:
    if path == NEW:
        file = f"schemas/deriv/{call}_{'request' if side == 'send' else 'response'}.schema.json"
    else:
        file = f"schemas/deriv_legacy/{call}.{side}.json"
    return Draft4Validator(json.loads(shared_path(file).read_text()))


async def _scripted_session(client: Client, path: str) -> None:
    gold = "frxXAUUSD"
    await client.ask(ping=1)
    await client.ask(time=1, passthrough={"note": "mine"})
    await client.ask(active_symbols="brief")
    await client.ask(active_symbols="full")
    for day in ("today", "2026-06-12", "2026-06-13", "2026-12-4"):
        await client.ask(trading_times=day)
    await client.ask(ticks_history=gold, end="latest", count=20, style="ticks")
    await client.ask(ticks_history=gold, end=str(START_MS // 1000 + 900), start=START_MS // 1000, adjust_start_time=1)
    for granularity in (60, 300, 3600, 86400):
        await client.ask(ticks_history=gold, end="latest", count=9, style="candles", granularity=granularity)
    await client.ask(ticks_history="frxEURUSD", end="latest", count=9, style="candles")
    await client.ask(ticks_history=gold, end="latest", style="candles", granularity=60, subscribe=1)
    await client.ask(ticks=gold)
    await client.ask(ticks=[gold], subscribe=1)
    if path == LEGACY:
        await client.ask(website_status=1)


async def _leave(client: Client, stream_id: str) -> None:
    await client.ask(forget=stream_id)
    await client.ask(forget_all=["ticks", "candles"])
    await client.ask(forget_all="ticks")


@pytest.mark.parametrize("path", [NEW, LEGACY])
async def test_every_message_of_a_session_fits_the_published_schemas(tmp_path: Path, path: str) -> None:
    async with small_venue(tmp_path) as (server, clock), client_of(server, path) as client:
        await _scripted_session(client, path)
        await let_market_reach(server, clock, 30)
        streamed = await client.stream(20)
        await _leave(client, next(item["subscription"]["id"] for item in streamed))

        heard = client.heard

    kinds = {answer["msg_type"] for _, answer in heard}
    assert kinds >= {"ping", "time", "tick", "ohlc", "history", "candles", "forget", "forget_all", "trading_times"}
    for request, answer in heard:
        call = CALL_OF_ANSWER.get(answer["msg_type"], answer["msg_type"])
        if request is not None:
            asked = next(name for name in request if name in {*CALL_OF_ANSWER.values(), answer["msg_type"]})
            _validator(path, asked, "send").validate(request)
            assert answer["echo_req"] == request
        if call == "ohlc":
            _check_ohlc(answer)
        else:
            assert "error" not in answer
            assert call in answer or answer["msg_type"] in answer
            _validator(path, call, "receive").validate(answer)


def _check_ohlc(message: dict[str, Any]) -> None:
    ohlc = message["ohlc"]
    assert set(message) == {"echo_req", "req_id", "msg_type", "subscription", "ohlc"}
    assert set(ohlc) == {*PRICES, "epoch", "open_time", "granularity", "id", "pip_size", "symbol"}
    assert all(isinstance(ohlc[name], str) for name in PRICES)
    assert float(ohlc["low"]) <= float(ohlc["close"]) <= float(ohlc["high"])
    assert ohlc["open_time"] % ohlc["granularity"] == 0
    assert ohlc["open_time"] <= ohlc["epoch"] < ohlc["open_time"] + ohlc["granularity"]
    assert ohlc["id"] == message["subscription"]["id"]
    assert (ohlc["symbol"], ohlc["pip_size"]) == ("frxXAUUSD", 2)


@pytest.mark.parametrize("path", [NEW, LEGACY])
async def test_an_error_has_the_envelope_that_clients_rely_on(tmp_path: Path, path: str) -> None:
    async with small_venue(tmp_path) as (server, _), client_of(server, path) as client:
        answer = await client.ask(ticks="frxNOTHING", subscribe=1)

    assert answer == {
        "echo_req": {"ticks": "frxNOTHING", "subscribe": 1, "req_id": 1},
        "req_id": 1,
        "msg_type": "ticks",
        "error": {"code": "InvalidSymbol", "message": "Symbol frxNOTHING is invalid."},
    }


async def test_what_the_checks_refuse_is_what_the_schemas_refuse(tmp_path: Path) -> None:
    """The checks are our own: the published schema must say the same to every request below."""
    right: list[dict[str, Any]] = [
        {"ticks": "frxXAUUSD"},
        {"ticks_history": "frxXAUUSD", "end": "latest", "count": 1},
        {"forget": "x" * 32},
        {"forget_all": ["balance"]},
        {"active_symbols": "brief", "contract_type": ["CALL"]},
    ]
    wrong: list[dict[str, Any]] = [
        {"ticks": "frxXAUUSD", "subscribe": 0},
        {"ticks": "frxXAUUSD", "subscribe": True},
        {"ticks": "f"},
        {"ticks": 5},
        {"ticks": "frxXAUUSD", "product_type": "basic"},
        {"ticks_history": "frxXAUUSD"},
        {"ticks_history": "frxXAUUSD", "end": 1780992000},
        {"ticks_history": "frxXAUUSD", "end": "now"},
        {"ticks_history": "frxXAUUSD", "end": "latest", "granularity": 61},
        {"ticks_history": "frxXAUUSD", "end": "latest", "style": "bars"},
        {"ticks_history": "frxXAUUSD", "end": "latest", "start": -1},
        {"ticks_history": "frxXAUUSD", "end": "latest", "count": "10"},
        {"ticks_history": "frxXAUUSD", "end": "latest", "adjust_start_time": 0},
        {"active_symbols": "all"},
        {"active_symbols": "brief", "product_type": "basic"},
        {"forget": "short"},
        {"forget_all": ["everything"]},
        {"trading_times": "tomorrow"},
        {"ping": 2},
        {"time": 1, "passthrough": "text"},
    ]
    async with small_venue(tmp_path) as (server, _), client_of(server) as client:
        for request in (*right, *wrong):
            answer = await client.ask(**request)
            is_valid = _validator(NEW, next(iter(request)), "send").is_valid(request)

            assert is_valid == (request in right), request
            assert (answer.get("error", {}).get("code") != "InputValidationFailed") == is_valid, request


def test_the_kinds_of_garbage_cover_what_a_feed_must_drop() -> None:
    assert set(KINDS) >= {"not_json", "no_quote", "crossed", "negative", "jump", "unknown_symbol", "backwards"}
