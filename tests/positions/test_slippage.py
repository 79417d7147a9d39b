"""After slippage signals pause, and go on by themselves; operators hear of it once each way."""

from contracts import catalogue
from contracts.messages import ExitReason, PauseNotice, SendClass
from services.positions.domain.calm import CALM_TICKS, Pause, begins_pause, calm_ticks
from services.positions.domain.exits import Exit, Price
from services.positions.domain.gates import Refusal
from tests.positions.builders import GOLD, START_MS, a_signal, a_tick
from tests.positions.house import House, until, until_row

OPERATOR = 900


def an_exit(reason: ExitReason, pips: float) -> Exit:
    return Exit(reason=reason, level=1.0, price=1.0, slippage_pips=pips, closed_ms=1)


def test_only_a_stop_that_is_missed_by_more_than_five_pips_begins_a_pause() -> None:
    assert begins_pause(an_exit(ExitReason.STOP, 5.01))
    assert begins_pause(an_exit(ExitReason.TRAILING, 50.0))
    assert not begins_pause(an_exit(ExitReason.STOP, 5.0))
    assert not begins_pause(an_exit(ExitReason.TARGET, 50.0))
    assert not begins_pause(an_exit(ExitReason.TIME, 50.0))


def test_a_wide_spread_begins_the_count_anew() -> None:
    assert calm_ticks(GOLD, Price(1, 4000.0, 4001.0), 7) == 8
    assert calm_ticks(GOLD, Price(1, 4000.0, 4001.1), 7) == 0


def test_a_pause_holds_from_its_tick_up_to_the_one_that_ended_it() -> None:
    assert [Pause(10, 6.0, 20).holds(at_ms) for at_ms in (9, 10, 19, 20)] == [False, True, True, False]
    assert Pause(10, 6.0).holds(10_000)


def told(house: House) -> list[tuple[int, bool, float]]:
    return [
        (one.chat_id, one.content.is_paused, one.content.slippage_pips)
        for one in house.sent(SendClass.REPLY)
        if isinstance(one.content, PauseNotice)
    ]


async def slip(house: House) -> None:
    """Close the position of person 1 eighty-one pips behind its stop."""
    await house.opened(1)
    await house.tick(a_tick(1000, 3990.0))
    await house.closed(1)


async def test_a_gap_beyond_the_stop_keeps_both_prices_and_pauses_the_symbol(house: House) -> None:
    async with house.room(operator_ids=str(OPERATOR)):
        await slip(house)
        await house.subscribe(2)
        await house.raise_signal(a_signal(1))
        await house.quiet()
        why = await house.why(2)

    assert await house.rows("select exit_level, exit_price, slippage_pips from position") == [(3998.1, 3990.0, 81.0)]
    assert why.refusals == (Refusal.SLIPPAGE_PAUSE,)
    assert told(house) == [(OPERATOR, True, 81.0)]


async def test_twenty_normal_ticks_in_a_row_end_the_pause_and_that_is_told_once(house: House) -> None:
    async with house.room(operator_ids=str(OPERATOR)):
        await slip(house)
        await house.tick(*[a_tick(2000 + 1000 * n, 3990.0) for n in range(CALM_TICKS - 1)])
        await house.tick(a_tick(30_000, 3990.0, 3992.0))  # a wide one: the count begins anew
        await house.tick(*[a_tick(31_000 + 1000 * n, 3999.9) for n in range(CALM_TICKS)])
        await until(lambda: len(told(house)) == 2, "the end of the pause")
        await house.tick(*[a_tick(55_000 + 1000 * n, 3999.9) for n in range(CALM_TICKS)])
        await house.raise_signal(a_signal(3))
        await house.quiet()

    assert told(house) == [(OPERATOR, True, 81.0), (OPERATOR, False, 81.0)]
    assert await house.rows("select since_ms, until_ms from pause") == [
        (START_MS + 1000, START_MS + 31_000 + 1000 * (CALM_TICKS - 1))
    ]
    assert len(house.sent()) == 2


async def test_a_pause_outlives_a_restart_and_ends_at_the_same_tick(house: House) -> None:
    async with house.room(operator_ids=str(OPERATOR)):
        await slip(house)
        await house.tick(*[a_tick(2000 + 1000 * n, 3990.0) for n in range(CALM_TICKS - 1)])
        await house.quiet()
    async with house.room(operator_ids=str(OPERATOR)):
        await house.tick(a_tick(30_000, 3990.0))
        await until_row(lambda: house.rows("select 1 from pause where until_ms is not null"), "the end of the pause")
        await house.quiet()

    assert await house.rows("select until_ms from pause") == [(START_MS + 30_000,)]
    assert told(house) == [(OPERATOR, True, 81.0), (OPERATOR, False, 81.0)]
    assert len({one.id for one in house.bus.said(catalogue.SEND)}) == len(house.bus.said(catalogue.SEND))
