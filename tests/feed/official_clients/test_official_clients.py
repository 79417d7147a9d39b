"""The simulator is taken for the real thing by clients that know only the real thing."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.exchange.server import ExchangeServer
from tests.feed.official_clients.environment import clients_python
from tests.feed.plain_market import PlainTape

HERE = Path(__file__).parent
DEADLINE_S = 60

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]


async def run(script: str, *arguments: str) -> Any:
    """Run a script in the clients' environment; its last line is its answer."""
    python = await asyncio.to_thread(clients_python)
    process = await asyncio.create_subprocess_exec(
        str(python), str(HERE / script), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            said, complained = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complained.decode()[-2000:]
    return json.loads(said.decode().splitlines()[-1])


@pytest.mark.parametrize("dialect", ["legacy", "new"])
async def test_derivs_own_client_works_with_the_simulator(dialect) -> None:
    async with ExchangeServer(PlainTape(), speed=5) as exchange:
        told = await run("deriv_script.py", exchange.url, dialect)
        now_s = exchange.market_now_ms() // 1000

    opens = [bar["epoch"] for bar in told["candles"]]
    epochs = [tick["epoch"] for tick in told["ticks"]]
    assert told["ping"] == "pong"
    assert now_s - 600 <= told["time"] <= now_s
    assert told["symbols"] == 3
    assert len(opens) == 30
    assert opens == sorted(set(opens))
    assert len(told["history"]["prices"]) == len(told["history"]["times"]) == 30
    assert epochs == sorted(epochs)
    assert all(tick["bid"] < tick["ask"] for tick in told["ticks"])
    assert told["bars"] == ["candles", "ohlc", "ohlc"]
    assert told["refusal"] == "InvalidSymbol"


async def test_ccxt_works_with_the_simulators_binance() -> None:
    async with ExchangeServer(PlainTape(), speed=5) as exchange:
        told = await run("ccxt_script.py", exchange.url.replace("ws://", "http://"), exchange.url)
        now_ms = exchange.market_now_ms()

    opens = [row[0] for row in told["candles"]]
    book = told["bids_asks"]["PAXG/USDT"]
    assert now_ms - 600_000 <= told["time"] <= now_ms
    assert told["market"] == "PAXGUSDT"
    assert len(opens) == 30
    assert all(later - earlier == 60_000 for earlier, later in pairwise(opens))
    assert told["trades"] == 20
    assert 3990 < book["bid"] < book["ask"] < 4020
    assert told["refusal"] == "BadSymbol"
    assert 3990 < told["watched_bid"] < 4020
    assert 3990 < told["watched_trade"] < 4020
    assert told["watched_candle"][0] % 60_000 == 0
