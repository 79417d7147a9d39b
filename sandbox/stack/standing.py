"""How the rooms stand: what waits for them at the broker, what they hold in hand, what the database still owes.

Nothing here trusts to time: a room is through with something when its acknowledgement, its row or its answer says so.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from psycopg import AsyncConnection

from sandbox.stack.layout import Layout

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Owed:
    """What the database holds: open positions, those whose delivery is not known yet, messages not published yet."""

    live: int
    unsettled: int
    unpublished: int


class Standing:
    """Looks at one stack while the context is open."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._open = AsyncExitStack()
        self._client: aiohttp.ClientSession
        self._database: AsyncConnection[tuple[Any, ...]]

    async def __aenter__(self) -> Self:
        """Connect."""
        limit = aiohttp.ClientTimeout(total=30)
        self._client = await self._open.enter_async_context(aiohttp.ClientSession(timeout=limit))
        connecting = AsyncConnection.connect(self._layout.database_url, autocommit=True)
        self._database = await self._open.enter_async_context(await connecting)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None
    ) -> None:
        """Let go."""
        await self._open.aclose()

    # --- the broker ---------------------------------------------------------------------------------------------------

    async def streams(self) -> Mapping[str, Json]:
        """Read all streams with their consumers. Each is of its own moment, none older than this question."""
        url = f"http://127.0.0.1:{self._layout.broker.monitor_port}/jsz?consumers=true"
        async with self._client.get(url) as answer:
            accounts = (await answer.json())["account_details"]
        return {stream["name"]: stream for account in accounts for stream in account.get("stream_detail", ())}

    async def is_done(self, stream: str, consumer: str, sequence: int) -> bool:
        """Whether a durable consumer was given everything up to a sequence and has acknowledged it all."""
        found = (await self.streams())[stream].get("consumer_detail", ())
        return any(
            _has_had(one, sequence) and not one.get("num_ack_pending") for one in found if one["name"] == consumer
        )

    async def is_drained(self, symbol: str) -> bool:
        """Whether nothing is due any more, when the feed was stopped.

        Looked at downstream, so that nothing can come any more from what was looked at before: ticks and candles,
        signals, proposals and the outbox, messages that wait to be sent.
        """
        if not (await self._has_followed_all(symbol) and await self._has_judged_all()):
            return False
        if not await self.is_done("SIGNALS", "positions-signals", await self.last_sequence("SIGNALS")):
            return False
        owed = await self.owed()
        return (owed.unsettled, owed.unpublished) == (0, 0) and not (await self.streams())["SENDS"]["state"]["messages"]

    async def until_drained(self, symbol: str) -> None:
        """Wait until nothing is due any more."""
        while not await self.is_drained(symbol):
            await pause(0.1)

    async def _has_followed_all(self, symbol: str) -> bool:
        """What is open in the database is what positions follows: it has heard of all, and has no exit in hand."""
        last = await self.last_sequence("TICKS")
        return last == 0 or await self.followed(symbol, last) == (await self.owed()).live

    async def _has_judged_all(self) -> bool:
        """Whether signals has had all candles; the last of its stream may be a correction, which it is not given."""
        found = (await self.streams())["CANDLES"].get("consumer_detail", ())
        mine = [one for one in found if one["name"] == "signals-candles"]
        return all(not one.get("num_pending") and not one.get("num_ack_pending") for one in mine)

    async def last_sequence(self, stream: str) -> int:
        """Tell the sequence of a stream's last message."""
        return int((await self.streams())[stream]["state"]["last_seq"])

    # --- the database -------------------------------------------------------------------------------------------------

    async def owed(self) -> Owed:
        """Count positions."""
        row = await (await self._database.execute(_OWED)).fetchone()
        assert row is not None
        return Owed(*row)

    async def followed_sequence(self, symbol: str) -> int:
        """Tell up to which sequence of TICKS the positions room has stored that it followed."""
        row = await (await self._database.execute(_FOLLOWED, (symbol,))).fetchone()
        return int(row[0]) if row else 0

    # --- the rooms ----------------------------------------------------------------------------------------------------

    async def is_ready(self, room: str) -> bool:
        """Whether a room says that it is ready."""
        return bool((await self._report(room)).get("ready"))

    async def is_listening(self, symbol: str) -> bool:
        """Whether the feed has read the history of a symbol and waits for its quotes, or hears them."""
        feed = (await self._report("feed")).get("checks", {}).get("feed", {})
        return feed.get(symbol, {}).get("state") in ("STALE", "LIVE")

    async def followed(self, symbol: str, sequence: int) -> int | None:
        """Ask the positions room how many positions it follows; None while it cannot tell, has not decided all ticks up
        to a sequence (that they were sent to it says nothing), or has exits to store.
        """
        facts = (await self._report("positions")).get("checks", {}).get("positions", {})
        if facts.get("ticks_read", {}).get(symbol, -1) < sequence or facts.get("exits_to_store", {}).get(symbol) != 0:
            return None
        return int(facts["followed"][symbol])

    async def _report(self, room: str) -> Json:
        """Ask a room how it stands, ready or not; empty where nobody answers."""
        url = f"http://127.0.0.1:{self._layout.room_ports[room]}/readyz"
        try:
            async with self._client.get(url) as answer:
                found: Json = await answer.json()
                return found
        except (aiohttp.ClientError, TimeoutError):
            return {}

    # --- the market ---------------------------------------------------------------------------------------------------

    async def market_ms(self) -> int:
        """Tell the venue's time."""
        async with self._client.get(f"{self._layout.control_url}/sandbox/state") as answer:
            return int((await answer.json())["market_time_ms"])

    async def step_to(self, moment_ms: int) -> None:
        """Move the venue's market on; back when all that was due has been told."""
        async with self._client.post(f"{self._layout.control_url}/sandbox/step", json={"to_ms": moment_ms}) as answer:
            if answer.status != 200:
                raise RuntimeError(f"the exchange refused to move: {(await answer.json())['error']}")
            await answer.read()


_OWED = """
    select count(*) filter (where state = 'open'), count(*) filter (where state in ('proposed', 'parked')),
           (select count(*) from positions.outbox)
    from positions.position
"""
_FOLLOWED = "select sequence from positions.progress where symbol = %s"


def _has_had(consumer: Json, sequence: int) -> bool:
    """Tell by what was delivered: what is pending is counted a moment late."""
    return bool(consumer["delivered"]["stream_seq"] >= sequence)


async def pause(seconds: float = 0.002) -> None:
    """Let the rooms work for a moment before they are looked at again: what they do rings no event here."""
    await asyncio.sleep(seconds)
