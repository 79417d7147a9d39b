"""Drives the simulator with Deriv's own client: `deriv_script.py <ws url> <legacy|new>`; prints one JSON object.

Runs in the clients' environment, so it imports nothing of ours.
"""

import asyncio
import json
import sys
from typing import Any

import websockets
from deriv_api import DerivAPI
from deriv_api.errors import ResponseError

SYMBOL = "frxXAUUSD"
LEGACY_APP = 1089


async def connected(url: str, dialect: str) -> DerivAPI:
    """Connect as its documents say for each dialect."""
    if dialect == "legacy":
        return DerivAPI(endpoint=url, app_id=LEGACY_APP)
    return DerivAPI(connection=await websockets.connect(url + "/trading/v1/options/ws/public"))


async def first(source: Any, amount: int) -> list[Any]:
    """Take so many messages of a stream, then leave it."""
    heard: asyncio.Queue[Any] = asyncio.Queue()
    stream = source.subscribe(heard.put_nowait)
    messages = [await asyncio.wait_for(heard.get(), 60) for _ in range(amount)]
    stream.dispose()
    return messages


async def refusal(api: DerivAPI) -> str:
    """Ask for a symbol that does not exist."""
    try:
        await api.ticks_history({"ticks_history": "frxNOTHING", "end": "latest", "count": 1})
    except ResponseError as error:
        return str(error.code)
    return "none"


async def main(url: str, dialect: str) -> None:
    """Make every call that the feed makes."""
    api = await connected(url, dialect)
    history = {"ticks_history": SYMBOL, "end": "latest", "count": 30}
    ticks = await first(await api.subscribe({"ticks": SYMBOL}), 5)
    bars = await first(await api.subscribe({**history, "style": "candles", "granularity": 60}), 3)
    told = {
        "ping": (await api.ping({"ping": 1}))["ping"],
        "time": (await api.time({"time": 1}))["time"],
        "symbols": len((await api.active_symbols({"active_symbols": "brief"}))["active_symbols"]),
        "candles": (await api.ticks_history({**history, "style": "candles", "granularity": 60}))["candles"],
        "history": (await api.ticks_history(history))["history"],
        "ticks": [message["tick"] for message in ticks],
        "bars": [message["msg_type"] for message in bars],
        "refusal": await refusal(api),
    }
    await api.clear()
    if dialect == "new":  # a connection that was made for it, the client leaves open
        await api.wsconnection.close()
    print(json.dumps(told))  # noqa: T201  # this is how it answers


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
