"""Deliveries and ticks: positions open, close, are voided, each once and whole."""

import asyncio
from decimal import Decimal

import pytest

from contracts import asks, catalogue, ids
from contracts.messages import DeliveryState, ExitReason, OutcomeNotice, SendClass, Side
from tests.positions.builders import START_MS, a_delivery, a_signal, a_tick, now
from tests.positions.house import House, until, until_row


async def test_a_delivered_signal_opens_its_position(house: House) -> None:
    async with house.room():
        await house.opened(1)
        await house.quiet()

    assert await house.states() == {1: "open"}
    assert [one.subscriber_id for one in house.bus.said(catalogue.POSITION_OPENED)] == [1]
    assert await house.rows("select delivery_state from position") == [("delivered",)]


async def test_an_unknown_delivery_counts_and_is_remembered_as_unknown(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal())

        await house.deliver(1, state=DeliveryState.UNKNOWN)

    assert await house.rows("select state, delivery_state from position") == [("open", "unknown")]


@pytest.mark.parametrize("state", [DeliveryState.VOID, DeliveryState.EXPIRED, DeliveryState.DEAD])
async def test_a_signal_that_never_arrived_leaves_no_trade_and_a_free_subscriber(
    house: House, state: DeliveryState
) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal())
        await house.followed(1)

        await house.deliver(1, state=state)
        await house.followed(0)
        await house.raise_signal(a_signal(1))
        await house.sent_to(1, count=2)
        history = await house.history(1)
        (voided,) = house.bus.said(catalogue.POSITION_VOIDED)

    assert await house.rows("select state, void_reason from position order by quote_ms") == [
        ("void", f"test_{state}"),
        ("proposed", None),
    ]
    assert (voided.subscriber_id, voided.reason, history.total) == (1, f"test_{state}", 0)


async def test_somebody_who_blocked_the_bot_gets_nothing_until_he_comes_back(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        await house.raise_signal(a_signal())
        await house.deliver(1, state=DeliveryState.VOID, deactivate=True)
        await house.deliver(2, state=DeliveryState.EXPIRED)

        await house.raise_signal(a_signal(1))
        await house.sent_to(2, count=2)
        await house.subscribe(1)
        await house.raise_signal(a_signal(1, side=Side.SELL, id="s:later"))
        await house.sent_to(1, count=2)

    assert await house.rows("select active from subscriber where id = 1") == [(True,)]


async def test_a_block_seen_by_any_message_deactivates(house: House) -> None:
    async with house.room():
        await house.opened(1)
        outcome = a_delivery(house.sent()[0], DeliveryState.VOID, kind=SendClass.EXIT, id="x", deactivate=True)

        await house.settle(outcome)

    assert await house.rows("select active, inactive_reason from subscriber") == [(False, "test_void")]
    assert await house.states() == {1: "open"}


async def test_a_delivery_that_comes_twice_or_contradicts_itself_changes_nothing(house: House) -> None:
    async with house.room() as room:
        await house.opened(1)
        settled = a_delivery(house.sent()[0])
        stored = await house.bus.read_stored("DELIVERIES", 1)
        assert stored is not None

        await room.ending.on_delivery(settled, stored)
        await house.deliver(1, state=DeliveryState.EXPIRED)
        await house.quiet()

    assert await house.states() == {1: "open"}
    assert len(house.bus.said(catalogue.POSITION_OPENED)) == 1
    assert house.bus.said(catalogue.POSITION_VOIDED) == []


async def test_a_delivery_cannot_settle_the_position_of_somebody_else(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        await house.raise_signal(a_signal())
        stranger = await house.sent_to(2)
        foreign = (await house.sent_to(1)).position_id

        await house.settle(a_delivery(stranger, DeliveryState.VOID, position_id=foreign))

    assert await house.states() == {1: "proposed", 2: "proposed"}


@pytest.mark.parametrize(
    ("bid", "end", "result"),
    [
        (4003.1, (ExitReason.TARGET, 4003.1, 0.0), ("3.00", 1.5)),
        (3998.1, (ExitReason.STOP, 3998.1, 0.0), ("-2.00", -1.0)),
        (3997.5, (ExitReason.STOP, 3998.1, 6.0), ("-2.60", -1.3)),
    ],
)
async def test_a_crossed_level_closes_the_position_and_tells_of_it(
    house: House, bid: float, end: tuple[ExitReason, float, float], result: tuple[str, float]
) -> None:
    pnl, r = Decimal(result[0]), result[1]
    async with house.room():
        await house.opened(1)
        await house.tick(a_tick(1000, 4002.9), a_tick(2000, bid), a_tick(3000, 3900.0))
        (closed,) = await house.closed(1)
        outcome = await house.sent_to(1, SendClass.EXIT)
        await house.quiet()

    assert (closed.reason, closed.level, closed.slippage_pips, closed.exit) == (*end, bid)
    assert (closed.pnl, closed.r, closed.closed_ms, closed.detected_late) == (pnl, r, START_MS + 2000, False)
    assert outcome.reply_to == ids.send_id(closed.position_id, "signal")
    assert outcome.id == ids.send_id(closed.position_id, "outcome")
    assert isinstance(outcome.content, OutcomeNotice)
    assert (outcome.content.pnl, outcome.content.day_pnl, outcome.content.day_trades) == (pnl, pnl, 1)


async def test_a_sell_closes_at_the_ask(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal(side=Side.SELL))
        await house.deliver(1)
        await house.followed(1)

        await house.tick(a_tick(1000, 4001.8, 4002.0))
        (closed,) = await house.closed(1)

    assert (closed.entry, closed.level, closed.exit, closed.pnl) == (3999.9, 4001.9, 4002.0, Decimal("-2.10"))


async def test_the_day_is_added_up_in_the_subscribers_own_day(house: House) -> None:
    """17:00 UTC is midnight in Jakarta: the third trade is the first of a new day."""
    hours_5_ms = 5 * 3_600_000
    async with house.room():
        await house.opened(1)
        await house.tick(a_tick(1000, 3998.0))
        for number, after_ms in enumerate((600_000, hours_5_ms), start=2):
            await house.closed(number - 1)
            await house.raise_signal(a_signal(0, id=f"s:{number}", quote_ms=START_MS + after_ms))
            await house.settle(a_delivery(await house.sent_to(1, count=number)))
            await house.followed(1)
            await house.tick(a_tick(after_ms + 1000, 4003.1))
        await until(lambda: len(house.sent(SendClass.EXIT)) == 3, "three outcomes")

    told = [one.content for one in house.sent(SendClass.EXIT)]
    assert [(one.day_pnl, one.day_trades) for one in told if isinstance(one, OutcomeNotice)] == [
        (Decimal("-2.10"), 1), (Decimal("0.90"), 2), (Decimal("3.00"), 1),
    ]  # fmt: skip


async def test_a_level_crossed_before_the_delivery_waits_for_it(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        await house.raise_signal(a_signal())
        await house.sent_to(2)
        await house.followed(2)
        await house.tick(a_tick(1000, 3998.0), a_tick(2000, 4010.0))
        await house.quiet()
        parked = await house.states()

        await house.deliver(1)
        await house.deliver(2, state=DeliveryState.EXPIRED)
        (closed,) = await house.closed(1)
        await house.quiet()

    assert parked == {1: "parked", 2: "parked"}
    assert await house.states() == {1: "closed", 2: "void"}
    assert (closed.subscriber_id, closed.exit, closed.closed_ms) == (1, 3998.0, START_MS + 1000)
    assert len(house.sent(SendClass.EXIT)) == 1
    assert await house.rows("select delivery_state from position where subscriber_id = 1") == [("delivered",)]


async def test_ticks_that_came_before_the_position_was_stored_are_not_missed(house: House) -> None:
    """The candle closed at 0, its signal was worked on while ticks went on: one of them crossed the stop."""
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.tick(a_tick(0, 3990.0), a_tick(1000, 3998.0), a_tick(2000, 4000.0))
        await house.quiet()

        await house.raise_signal(a_signal())
        await house.deliver(1)
        (closed,) = await house.closed(1)

    assert (closed.exit, closed.closed_ms) == (3998.0, START_MS + 1000)


async def test_a_backfilled_tick_closes_and_says_so(house: House) -> None:
    async with house.room():
        await house.opened(1)

        await house.tick(a_tick(1000, 3998.0, backfilled=True))
        (closed,) = await house.closed(1)

    assert closed.detected_late is True


async def test_a_gap_through_many_positions_closes_each_once(house: House) -> None:
    people = tuple(range(1, 1201))
    async with house.room():
        await house.feed()
        await house.rows_only(
            "insert into subscriber (id, chat_id, name, language, time_zone, auto)"
            " select n, n, 'n', 'id', 'Asia/Jakarta', true from generate_series(1, 1200) n"
        )
        await house.raise_signal(a_signal())
        await house.followed(len(people))
        await house.rows_only(
            "update position set state = 'open', version = version + 1, delivery_state = 'delivered', opened_at = now()"
        )

        await house.tick(a_tick(1000, 3990.0), a_tick(2000, 3990.0))
        closed = await house.closed(len(people))
        await house.quiet()

    assert {one.subscriber_id for one in closed} == set(people)
    assert len({one.subscriber_id for one in house.sent(SendClass.EXIT)}) == len(house.sent(SendClass.EXIT)) == 1200


async def test_an_exit_the_database_refuses_for_one_does_not_stop_the_others(house: House) -> None:
    people = tuple(range(1, 51))
    async with house.room():
        await house.opened(*people)
        await house.rows_only(
            """
            create function fail() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
            create trigger fail before update on position for each row when (new.subscriber_id = 13)
                execute function fail();
            """
        )
        await house.tick(a_tick(1000, 3990.0))
        await house.closed(49)
        await house.quiet()

    assert {person for person, state in (await house.states()).items() if state == "open"} == {13}


async def test_closing_and_delivering_at_the_same_time_never_disagree(house: House) -> None:
    """Deliveries of a hundred people arrive while the tick that closes them is stored."""
    people = tuple(range(1, 101))
    async with house.room():
        await house.feed()
        await house.subscribe(*people)
        await house.raise_signal(a_signal())
        await until(lambda: len(house.sent()) == 100, "100 messages")
        await house.followed(100)

        await asyncio.gather(
            house.tick(a_tick(1000, 3990.0)),
            *(house.bus.publish(catalogue.DELIVERY, a_delivery(one), "delivered", one.chat_id) for one in house.sent()),
        )
        closed = await house.closed(100)
        await house.quiet()

    assert {one.subscriber_id for one in closed} == set(people)
    assert len(house.bus.said(catalogue.POSITION_OPENED)) == 100
    assert set((await house.states()).values()) == {"closed"}


async def test_a_block_that_is_told_late_does_not_shut_out_who_came_back(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal())
        blocked = a_delivery(await house.sent_to(1), DeliveryState.VOID, deactivate=True)
        await house.subscribe(1)

        await house.settle(blocked)

    assert await house.rows("select active from subscriber") == [(True,)]
    assert await house.states() == {1: "void"}


async def test_who_switches_signals_on_again_gets_them(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal())
        await house.deliver(1, state=DeliveryState.VOID, deactivate=True)

        person = await house.bus.ask(catalogue.SET_AUTO, asks.SetAuto(subscriber_id=1, auto=True))
        await house.raise_signal(a_signal(5))
        await house.sent_to(1, count=2)

    assert person.active
    assert await house.rows("select inactive_reason from subscriber") == [(None,)]


async def test_who_blocks_the_bot_gets_nothing_at_once(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)

        person = await house.bus.ask(
            catalogue.DEACTIVATE, asks.DeactivateSubscriber(subscriber_id=1, reason="blocked", seen_at=now())
        )
        await house.raise_signal(a_signal())
        await house.sent_to(2)

    assert not person.active
    assert await house.states() == {2: "proposed"}


async def test_deliveries_that_change_nothing_leave_no_trace(house: House) -> None:
    async with house.room():
        await house.opened(1)
        before = await house.rows("select count(*) from inbox")
        picture = a_delivery(house.sent()[0], kind=SendClass.PICTURE, id="m:picture:1:delivered", position_id=None)

        await house.settle(picture)

    assert await house.rows("select count(*) from inbox") == before


async def test_messages_handled_long_ago_are_forgotten_and_young_ones_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.positions.handlers.housekeeping.CHUNK", 2)
    await house.rows_only(
        "insert into inbox select 'c', n::text, now() - make_interval(days => 32) from generate_series(1, 5) as n;"
        "insert into inbox select 'c', n::text, now() - make_interval(days => 30) from generate_series(6, 8) as n"
    )
    async with house.room():

        async def is_forgotten() -> bool:
            return await house.rows("select count(*) from inbox where consumer = 'c'") == [(3,)]

        await until_row(is_forgotten, "forgetting")
