"""Who wants to be forgotten is forgotten: in every table, at once, and nobody else suffers for it."""

import asyncio
from decimal import Decimal

import pytest

from chassis.errors import AskFailedError
from contracts import asks, catalogue, ids
from contracts.messages import ExitReason
from services.positions.domain.pseudonym import pseudonym_of
from services.positions.ports import Look
from services.positions.settings import PositionsSettings
from tests.positions.builders import START_MS, a_delivery, a_signal, a_tick, now
from tests.positions.grounds import a_ground
from tests.positions.house import House, until, until_row
from tests.positions.ledger import Done, keep
from tests.traces import traces_of

KEY = "k" * 32
PERSON, CHAT, NAME = 777_000_111, 777_000_222, "Wirawan Sutedja"


async def register(house: House, person: int = PERSON, chat: int = CHAT, name: str = NAME) -> asks.Subscriber:
    request = asks.RegisterSubscriber(subscriber_id=person, chat_id=chat, name=name)
    found = await house.bus.ask(catalogue.REGISTER, request)
    await house.bus.ask(catalogue.SET_AUTO, asks.SetAuto(subscriber_id=person, auto=True))
    return found


async def erase(house: House, person: int = PERSON) -> asks.Erased:
    return await house.bus.ask(catalogue.ERASE, asks.EraseSubscriber(subscriber_id=person, asked_at=now()))


async def expect_no_trace(house: House, position_ids: tuple[str, ...] = ()) -> None:
    """Look for the person in every column of every table, once what was said has left the outbox."""
    await house.quiet()
    found = await traces_of(house.pool, (str(PERSON), str(CHAT), NAME, *position_ids))
    assert found == []


async def test_nothing_of_a_person_is_left_in_any_table(house: House) -> None:
    """He has an open position, an old one in the archive, a closed one, a refusal, choices, and handled messages."""
    day_ago = {"opened_ms": START_MS - 86_400_000, "closed_ms": START_MS - 86_000_000}
    keep(house.url, [Done(place=1, person=PERSON, pnl=Decimal("3.00"), r=1.5, signal="s:old", **day_ago)])
    await house.rows_only(
        "insert into position_archive select id || ':old', subscriber_id, null, signal_id, symbol, side, mode, plan,"
        " entry, initial_stop, stop, stop_reason, targets, legs, lots, quote_ms, proposed_at, opened_at, closed_at,"
        " delivery_state, exit_reason, exit_level, exit_price, slippage_pips, closed_ms, detected_late, pnl, r, '[]'"
        " from position"
    )
    async with house.room(erasure_key=KEY):
        await house.feed()
        await register(house)
        await house.bus.ask(
            catalogue.CHANGE_SETTING, asks.ChangeSetting(subscriber_id=PERSON, name="balance", value="5000")
        )
        await house.tick(a_tick(0, 3999.9))
        await house.raise_signal(a_signal())
        await house.deliver(PERSON)
        await house.raise_signal(a_signal(1))  # refused: he has a position
        await house.tick(a_tick(5000, 4001.1))
        await house.quiet()
        live = (await house.sent_to(PERSON)).position_id
        assert live is not None
        before = await traces_of(house.pool, (str(PERSON), str(CHAT), NAME, live))
        assert {table for table, _ in before} >= {
            "positions.subscriber", "positions.position", "positions.refusal", "positions.inbox",
            "positions.position_archive", "positions.position_event",
        }  # fmt: skip

        erased = await erase(house)

        await expect_no_trace(house, (live, f"p:{PERSON}:000001"))
        await house.followed(0)
        (closed,) = await house.closed(1)

    assert erased == asks.Erased(was_known=True, kept_trades=3, ended_live=1)
    assert (closed.reason, closed.exit, closed.pnl) == (ExitReason.RESET, 4001.1, Decimal("1.00"))
    kept = await house.rows("select pnl, person, subscriber_id from position_archive order by pnl")
    pseudonym = pseudonym_of(PERSON, KEY.encode())
    assert kept == [(Decimal(pnl), pseudonym, None) for pnl in ("1.00", "3.00", "3.00")]
    assert await house.rows("select count(*) from position") == [(0,)]


async def test_what_an_erased_person_earned_stays_in_the_systems_statistics(house: House) -> None:
    keep(
        house.url,
        [
            Done(place=1, person=PERSON, pnl=Decimal("3.00"), r=1.5),
            Done(place=2, person=2, pnl=Decimal("-1.00"), r=-0.5),
        ],
    )
    question = asks.GetSystemStatistics(subscriber_id=2)
    async with house.room(follows=False, operator_ids="2"):
        before = await house.bus.ask(catalogue.SYSTEM_STATISTICS, question)
        await erase(house)
        after = await house.bus.ask(catalogue.SYSTEM_STATISTICS, question)

    assert after.statistics == before.statistics
    assert (before.subscribers, after.subscribers) == (2, 1)


async def test_a_signal_that_has_not_arrived_is_void(house: House) -> None:
    async with house.room():
        await house.feed()
        await register(house)
        await house.raise_signal(a_signal())
        message = await house.sent_to(PERSON)

        erased = await erase(house)

        await until(lambda: house.bus.said(catalogue.POSITION_VOIDED), "voided")
        await house.followed(0)
        await house.settle(a_delivery(message))  # it was under way and arrived all the same
        await expect_no_trace(house)

    assert erased == asks.Erased(was_known=True, kept_trades=0, ended_live=1)
    assert house.bus.said(catalogue.POSITION_VOIDED)[0].reason == "erased"
    assert house.bus.said(catalogue.POSITION_OPENED) == []


async def test_an_open_position_without_any_known_price_goes_without_a_trade(house: House) -> None:
    keep(house.url, [Done(place=1, person=PERSON, pnl=Decimal("3.00"), r=1.5, signal="s:old")])
    await house.rows_only(
        "update position set state = 'open', exit_reason = null, exit_level = null, exit_price = null,"
        " closed_ms = null, pnl = null, r = null, closed_at = null"
    )
    async with house.room():
        erased = await erase(house)
        await house.followed(0)
        await expect_no_trace(house)

    assert erased == asks.Erased(was_known=True, kept_trades=0, ended_live=1)
    assert await house.rows("select count(*) from trade") == [(0,)]


async def test_erased_twice_is_erased_once(house: House) -> None:
    async with house.room(follows=False):
        await register(house)
        answers = await asyncio.gather(*(erase(house) for _ in range(5)))
        again = await erase(house)

    assert sorted(one.was_known for one in answers) == [False] * 4 + [True]
    assert again == asks.Erased(was_known=False)


async def test_a_late_repeat_of_the_confirmation_erases_nobody_who_has_come_back(house: House) -> None:
    async with house.room(follows=False):
        await register(house)
        confirmation = asks.EraseSubscriber(subscriber_id=PERSON, asked_at=now())
        await house.bus.ask(catalogue.ERASE, confirmation)
        await register(house)

        with pytest.raises(AskFailedError) as refused:
            await house.bus.ask(catalogue.ERASE, confirmation)

    assert refused.value.code == "registered_since"
    assert await house.rows("select id from subscriber") == [(PERSON,)]


async def test_who_comes_back_is_a_new_person(house: House) -> None:
    async with house.room():
        await house.feed()
        await register(house)
        await house.bus.ask(catalogue.SET_LANGUAGE, asks.SetLanguage(subscriber_id=PERSON, language="en"))
        await house.raise_signal(a_signal())
        await house.deliver(PERSON)
        await erase(house)

        back = await register(house)
        history, why = await house.history(PERSON), await house.why(PERSON)
        await house.raise_signal(a_signal(5))
        await house.sent_to(PERSON, count=2)

    assert (back.is_new, back.auto, back.language) == (True, False, "id")
    assert (history.total, why) == (0, asks.Why(reasons=(), refusals=(), signal_at=None))


async def test_nobody_else_loses_a_signal_because_somebody_is_erased_while_it_is_handed_out(house: House) -> None:
    """The page of candidates was read before the erasure; its refusals and positions are stored after it."""
    ground = a_ground(house.pool)
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2, 3)
        async with ground.store.work() as work:
            page = await work.proposals.candidates(Look("XAUUSD", START_MS, 0), after_id=-1, limit=10)
            assert len(page) == 3
            await erase(house, 2)
            from contracts.messages import Mode
            from services.positions.ports import Refused

            await work.proposals.refuse(
                [
                    Refused(
                        subscriber_id=one.person.subscriber_id, symbol="XAUUSD", mode=Mode.AUTO,
                        reasons=("why.cooldown",), refused_at=ground.clock.now(),
                    )
                    for one in page
                ]
            )  # fmt: skip

    assert await house.rows("select subscriber_id from refusal order by 1") == [(1,), (3,)]


async def test_people_are_erased_while_signals_are_handed_out_to_them(house: House) -> None:
    people = range(1, 61)
    async with house.room():
        await house.feed()
        await house.subscribe(*people)
        leaving = [one for one in people if one % 3 == 0]

        await asyncio.gather(
            house.raise_signal(a_signal()),
            *(erase(house, one) for one in leaving),
        )

        async def is_right() -> bool:
            rows = await house.rows("select subscriber_id from position order by 1")
            return [row[0] for row in rows] == [one for one in people if one % 3]

        await until_row(is_right, "a position for each who stayed")
        assert await house.rows("select count(*) from subscriber") == [(40,)]
    assert house.bus.said(catalogue.DEAD) == []


async def test_without_a_key_a_pseudonym_binds_trades_of_one_erasure_and_nothing_else(house: House) -> None:
    async with house.room(follows=False):
        for _ in range(2):
            keep(house.url, [Done(place=n, person=PERSON, pnl=Decimal("1.00"), r=0.5) for n in (1, 2)])
            await erase(house)

    assert await house.rows("select count(*) from position_archive group by person") == [(2,), (2,)]


def test_a_pseudonym_depends_on_the_person_and_the_key_and_shows_neither() -> None:
    found = {pseudonym_of(person, key) for person in (1, 2) for key in (b"a" * 32, b"b" * 32)}

    assert len(found) == 4
    assert pseudonym_of(1, b"a" * 32) == pseudonym_of(1, b"a" * 32)
    assert pseudonym_of(PERSON, KEY.encode()) not in (ids.digest((PERSON,)), str(PERSON))


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="can be guessed"):
        PositionsSettings(database_url="postgresql://h/n", erasure_key="short")  # type: ignore[arg-type]
