"""What the predecessor was weak in, each by the id it has in the product specification, section 9. A real broker, a
real database, the real sender; Telegram itself is in memory.
"""

import time
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from chassis.bus import Stored
from contracts import asks, catalogue
from contracts.messages import DeliveryState, DrawChart, ExitReason, SendMessage, Side, Tick
from services.telegram.domain.outcome import Fault, FaultKind
from tests.positions.builders import START_MS, a_delivery, a_signal, a_tick, now
from tests.positions.crowd import EARLIER, PLAIN_PEOPLE
from tests.positions.house import until
from tests.positions.town import Town
from tests.telegram.fake_chat import BLOCKED, LOST_ANSWER, Trouble

OPEN = 10_000
AT_ONCE_S = 0.1
"""S2: from a tick to its exit event."""
OPEN_POSITIONS = f"""
    insert into position (id, subscriber_id, signal_id, symbol, side, mode, state, entry, initial_stop, stop, targets,
        lots, quote_ms, in_force_ms, proposed_at, expires_at, opened_at, version, plan, delivery_state)
    select 'p:' || n, n, 's:earlier', 'XAUUSD', 'BUY', 'auto', 'open', 4000, 3999 - n / 100.0, 3999 - n / 100.0,
        '{{5000}}', 0.01, 0, 0, now(), now(), now(), 2, 'single', 'delivered' from generate_series(1, {OPEN}) n
"""
"""Each has a stop of its own, a cent below the one before."""


@pytest.fixture
async def town(postgres: str, nats: str) -> AsyncIterator[Town]:
    async with Town.open(postgres, nats) as town:
        yield town


@pytest.mark.alone
async def test_s2_exits_are_told_at_once_with_ten_thousand_open_while_telegram_stands_still(town: Town) -> None:
    """Every call to Telegram hangs. The best of a few ticks counts: the machine may be busy, the room may not wait."""
    for statement in (PLAIN_PEOPLE.format(first=1, last=OPEN), EARLIER, OPEN_POSITIONS):
        await town.rows(f"{statement} returning 1")
    town.gateway.chat.gate.clear()
    took_s = []
    async with town.room() as room, town.gateway.doomed(), town.bus.replay(catalogue.POSITION_CLOSED) as closed:
        follower = room.following[0].follower
        assert follower is not None
        assert follower.open_count == OPEN
        for number in range(1, 16):
            started = time.perf_counter()
            await town.tick(a_tick(number, round(3999 - number / 100, 2)))
            _, event = await anext(closed)
            took_s.append(time.perf_counter() - started)
            assert event.position_id == f"p:{number}"
        assert all(not bubbles for bubbles in map(town.shown, range(1, 16)))

    assert min(took_s) < AT_ONCE_S


async def test_s5_a_gap_is_told_with_its_slippage_and_pauses_signals_until_the_market_is_calm(town: Town) -> None:
    async with town.room() as room, town.gateway.running():
        await town.opened(a_signal(), 1)
        await town.tick(a_tick(1000, 3990.0))
        (closed,) = await town.heard(catalogue.POSITION_CLOSED, 1)
        await until(lambda: len(town.shown(1)) == 2, "the outcome")
        await town.until_true("select count(*) = 1 from pause where until_ms is null")
        await town.raise_signal(a_signal(3, side=Side.SELL))
        refused = await town.rows("select reasons from refusal")
        await town.tick(*(a_tick(181_000 + number * 1000, 3990.0) for number in range(20)))
        await town.until_true("select count(*) = 0 from pause where until_ms is null")
        await until(lambda: room.market.price("XAUUSD").epoch_ms == START_MS + 200_000, "the price")
        await town.raise_signal(a_signal(4, id="s:calm", bid=3989.9, ask=3990.1, entry=3990.0, stop=3988.0,
                                         targets=(3993.0,)))  # fmt: skip
        await until(lambda: len(town.shown(1)) == 3, "the next signal")

    assert (closed.level, closed.exit, closed.slippage_pips) == (3998.1, 3990.0, 81.0)
    assert "81" in str(town.shown(1)[1].shown)
    assert refused == [(["why.slippage_pause"],)]


async def test_s8_a_picture_that_comes_after_the_next_signal_joins_the_one_it_belongs_to(town: Town) -> None:
    """The renderer is held back, the target is hit, a second signal comes, the renderer is let go."""
    async with town.room(), town.gateway.running():
        await town.opened(a_signal(), 1)
        await town.tick(a_tick(1000, 4003.2))
        await until(lambda: len(town.shown(1)) == 2, "the outcome")
        await town.raise_signal(a_signal(5, side=Side.SELL, bid=4003.2, ask=4003.4, entry=4003.3, stop=4005.3,
                                         targets=(4000.3,)))  # fmt: skip
        await town.until_true("select count(*) = 1 from position where state = 'open'")
        first, outcome, second = town.shown(1)
        before = [(one.shown, one.manner.reply_to) for one in (first, outcome, second)]
        wishes = [await town.waiting("CHARTS", sequence, DrawChart) for sequence in (1, 2)]

        await town.gateway.draw(wishes[0].key)
        await until(lambda: first.file_id, "the first picture")
        pictures_of_first = (first.file_id, outcome.file_id, second.file_id)
        await town.gateway.draw(wishes[1].key)
        await until(lambda: second.file_id, "the second picture")
        live = (await town.status(1)).position

    assert pictures_of_first == ("file-1", None, None)
    assert (first.file_id, outcome.file_id, second.file_id) == ("file-1", None, "file-2")
    assert [(one.shown, one.manner.reply_to) for one in (first, outcome, second)] == before
    assert outcome.manner.reply_to == first.message_id
    assert live is not None
    assert (live.side, live.entry) == (Side.SELL, 4003.2)
    assert len(town.shown(1)) == 3


async def test_s15_a_signal_that_cannot_be_delivered_leaves_no_trade(town: Town) -> None:
    town.gateway.chat.troubles.append(Trouble(BLOCKED, chat_id=1))
    async with town.room(), town.gateway.running():
        await town.subscribe(1)
        await town.raise_signal(a_signal())
        await town.until_true("select count(*) = 1 from position where state = 'void'")
        await town.tick(a_tick(1000, 3990.0), a_tick(2000, 3990.0))
        history, status = await town.history(1), await town.status(1)
        told = (await town.counted(catalogue.POSITION_OPENED), await town.counted(catalogue.POSITION_CLOSED))

    assert (history.total, history.pnl, status.position) == (0, Decimal(0), None)
    assert (told, town.shown(1)) == ((0, 0), [])


async def test_s15_a_crash_between_the_commit_and_the_send_delivers_once(town: Town) -> None:
    async with town.room():
        await town.subscribe(1)
    crashed = town.build()
    await crashed.proposing.on_signal(a_signal(), Stored("signal.v1", b"", {}, 1, now()))
    waiting = await town.rows("select count(*) from outbox")
    shown = town.shown(1)

    async with town.room(), town.gateway.running():
        await town.bus.publish(catalogue.SIGNAL, a_signal(), "XAUUSD", "trend_pullback")
        await town.until_true("select count(*) = 1 from position where state = 'open'")
        proposed = await town.counted(catalogue.POSITION_PROPOSED)

    assert (waiting, shown) == ([(3,)], [])
    assert (proposed, len(town.shown(1))) == (1, 1)


async def test_x1_a_level_that_is_crossed_while_nobody_is_there_closes_the_position_once(town: Town) -> None:
    async with town.gateway.running():
        async with town.room():
            await town.opened(a_signal(), 1)
        await town.tick(a_tick(1000, 4003.1), a_tick(2000, 3990.0))
        async with town.room():
            (closed,) = await town.heard(catalogue.POSITION_CLOSED, 1)
            await until(lambda: len(town.shown(1)) == 2, "the outcome")
        async with town.room():
            history = await town.history(1)
            exits = await town.counted(catalogue.POSITION_CLOSED)

    assert (closed.reason, closed.closed_ms, closed.detected_late) == (ExitReason.TARGET, START_MS + 1000, True)
    assert (exits, history.total, len(town.shown(1))) == (1, 1, 2)


GONE = Fault(kind=FaultKind.SAID_NO, code=400, description="Bad Request: chat not found")
NEVER = Fault(kind=FaultKind.SAID_NO, code=400, description="Bad Request: message is too long")


@pytest.mark.parametrize("fault", [GONE, NEVER, LOST_ANSWER], ids=["no chat", "refused", "answer lost"])
async def test_x4_whatever_became_of_one_signal_the_subscriber_gets_the_next(town: Town, fault: Fault) -> None:
    town.gateway.chat.troubles.append(Trouble(fault, chat_id=1))
    async with town.room(), town.gateway.running():
        await town.subscribe(1)
        await town.raise_signal(a_signal())
        await town.until_true("select count(*) = 1 from position where state in ('void', 'open')")
        await town.tick(a_tick(1000, 3998.0))  # ends it where it opened
        await town.until_true("select count(*) = 1 from position where state in ('void', 'closed')")
        await town.ask(catalogue.SET_AUTO, asks.SetAuto(subscriber_id=1, auto=True))
        await town.raise_signal(a_signal(5, side=Side.SELL))
        await until(lambda: [one for one in town.shown(1) if "SELL" in one.shown.html], "the next signal")
        await town.until_true("select count(*) = 1 from position where state = 'open'")


@pytest.mark.parametrize("state", [DeliveryState.VOID, DeliveryState.DEAD, DeliveryState.EXPIRED])
async def test_x4_every_end_of_a_delivery_frees_its_subscriber(town: Town, state: DeliveryState) -> None:
    async with town.room():
        await town.subscribe(1)
        await town.raise_signal(a_signal())
        send = await town.waiting("SENDS", 1, SendMessage)
        await town.bus.publish(catalogue.DELIVERY, a_delivery(send, state), state, 1)
        await town.until_true("select count(*) = 1 from position where state = 'void'")
        await town.raise_signal(a_signal(5, side=Side.SELL))
        following = await town.waiting("SENDS", 2, SendMessage)

    assert [getattr(one.content, "side", None) for one in (send, following)] == [Side.BUY, Side.SELL]


async def test_x5_two_dollars_at_one_hundredth_of_a_lot_are_two_dollars_wherever_they_are_told(town: Town) -> None:
    async with town.room(), town.gateway.running():
        await town.opened(a_signal(targets=(4002.0,)), 1)
        await town.tick(a_tick(1000, 4002.1))
        (closed,) = await town.heard(catalogue.POSITION_CLOSED, 1)
        await until(lambda: len(town.shown(1)) == 2, "the outcome")
        history = await town.history(1)
        rows = await town.rows("select entry, exit_price, lots, pnl from position")

    assert rows == [(4000.1, 4002.1, Decimal("0.01"), Decimal("2.00"))]
    assert (closed.pnl, history.pnl, history.trades[0].pnl) == (Decimal("2.00"),) * 3
    assert "2.00" in str(town.shown(1)[1].shown).replace(",", ".")


async def test_x7_a_stop_that_follows_every_tick_is_told_once_in_half_a_minute(town: Town) -> None:
    async with town.room(plan="standard") as room, town.gateway.running():
        await town.opened(a_signal(targets=(4999.0,)), 1)
        await town.tick(*_rising(100))
        await until(lambda: room.market.price("XAUUSD").epoch_ms == START_MS + 100_000, "the last tick")
        await until(lambda: len(town.shown(1)) == 2, "the notice")
        moved = await town.counted(catalogue.POSITION_STOP_MOVED)
        status = await town.status(1)

    assert (moved, len(town.shown(1))) == (1, 2)
    assert status.position is not None
    assert status.position.stop == 4012.4  # it followed all the same


def _rising(count: int) -> list[Tick]:
    """Ticks that each move the stop of a BUY at 4000.1 by more than a pip."""
    return [a_tick(1000 * number, round(4002.9 + number / 10, 2)) for number in range(1, count + 1)]
