"""Builders of messages and small helpers for the tests of the bus."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

from chassis.bus import Delivery, Outgoing
from contracts import catalogue, codec, messages
from contracts.messages import Interval, Mode, SendClass, Side

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
HANGS_S = 60.0
"""After so long a test hangs: a guard, and no promise of the bus."""


def tick(number: int, symbol: str = "GOLD") -> messages.Tick:
    """A tick named after its number."""
    return messages.Tick(id=f"t:{symbol}:{number}", at=AT, symbol=symbol, epoch_ms=number, bid=1.0, ask=2.0)


def quote(number: int) -> messages.Quote:
    """A quote named after its number."""
    state = messages.FeedState.LIVE
    return messages.Quote(id=f"q{number}", at=AT, symbol="GOLD", epoch_ms=number, bid=1.0, ask=2.0, state=state)


def candle(number: int, symbol: str = "GOLD") -> messages.CandleClosed:
    """A candle named after its number."""
    return messages.CandleClosed(
        id=f"c:{symbol}:{number}",
        at=AT,
        symbol=symbol,
        interval=Interval.M1,
        open_time_s=number * 60,
        open=1.0,
        high=2.0,
        low=0.5,
        close=1.5,
        volume=10,
    )


def signal(number: int) -> messages.SignalRaised:
    """A signal named after its number."""
    return messages.SignalRaised(
        id=f"s:{number}",
        at=AT,
        symbol="GOLD",
        interval=Interval.M1,
        strategy="pullback",
        strategy_version="1",
        mode=Mode.AUTO,
        side=Side.BUY,
        entry=1.0,
        stop=0.5,
        targets=(2.0,),
        rr=2.0,
        strength=0.8,
        score=5,
        reasons=(),
        lots=Decimal("0.01"),
        candle_open_s=number * 60,
        bid=1.0,
        ask=1.1,
        quote_ms=number,
    )


def draw(key: str, number: int = 0) -> messages.DrawChart:
    """A request for the chart `key`."""
    return messages.DrawChart(
        id=f"d:{key}:{number}", at=AT, key=key, symbol="GOLD", interval=Interval.M1, until_s=0, language="id",
        time_zone="Asia/Jakarta",
    )  # fmt: skip


def send(number: int, chat: int = 7) -> messages.SendMessage:
    """A send named after its number."""
    return messages.SendMessage(
        id=f"m:{number}",
        at=AT,
        chat_id=chat,
        subscriber_id=chat,
        kind=SendClass.REPLY,
        content=messages.TextNotice(html=str(number)),
        language="id",
        time_zone="Asia/Jakarta",
    )


def outgoing_send(number: int, chat: int = 7) -> Outgoing:
    """The same, ready for the wire."""
    message = send(number, chat)
    return Outgoing(catalogue.SEND.subject("reply", chat), codec.encode(message), message.id)


def opened(number: int, subscriber: int) -> messages.PositionOpened:
    """A position that opened."""
    return messages.PositionOpened(
        id=f"o:{number}", at=AT, position_id=f"p:{number}", subscriber_id=subscriber, symbol="GOLD"
    )


async def soon(deliveries: AsyncIterator[Delivery], within_s: float = HANGS_S) -> Delivery:
    """The next delivery; fails when there is none."""
    async with asyncio.timeout(within_s):
        return await anext(deliveries)


async def is_silent(deliveries: AsyncIterator[object], for_s: float = 0.25) -> bool:
    """Whether nothing arrives for a while."""
    try:
        async with asyncio.timeout(for_s):
            await anext(deliveries)
    except TimeoutError:
        return True
    return False


async def take(deliveries: AsyncIterator[Delivery], count: int, within_s: float = HANGS_S) -> list[Delivery]:
    """The next `count` deliveries, unsettled."""
    async with asyncio.timeout(within_s):
        return [await anext(deliveries) for _ in range(count)]


async def eventually(condition: Callable[[], Awaitable[bool]], within_s: float = HANGS_S) -> None:
    """Ask a condition that nothing announces until it holds; fails when it does not in time."""
    async with asyncio.timeout(within_s):
        while not await condition():  # the broker announces nothing to wait for
            await asyncio.sleep(0.01)
