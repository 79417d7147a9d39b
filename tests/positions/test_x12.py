"""X12: user A never sees B's data, through whatever question."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from chassis.errors import AskFailedError
from contracts import asks, catalogue
from contracts.messages import SendClass
from tests.positions.builders import a_delivery, a_signal, a_tick, now
from tests.positions.house import House, until

A, B = 101_000_001, 202_000_002
B_LOTS, B_BALANCE = Decimal("0.77"), "31337"


async def a_house_of_two(house: House) -> tuple[str, str]:
    """B has a closed trade that A has not, and both have one that is open; returns B's positions, the older first."""
    await house.feed()
    await house.subscribe(A, auto=False)
    await house.bus.ask(
        catalogue.REGISTER, asks.RegisterSubscriber(subscriber_id=B, chat_id=B, name="Bambang", language="en")
    )
    await house.bus.ask(catalogue.SET_AUTO, asks.SetAuto(subscriber_id=B, auto=True))
    for name, value in (("lots", str(B_LOTS)), ("balance", B_BALANCE)):
        await house.bus.ask(catalogue.CHANGE_SETTING, asks.ChangeSetting(subscriber_id=B, name=name, value=value))
    await house.tick(a_tick(0, 3999.9))
    await house.raise_signal(a_signal(strategy="only_b_has_this"))
    await house.deliver(B)
    await house.followed(1)
    await house.tick(a_tick(1000, 4003.1))
    await house.closed(1)
    await house.bus.ask(catalogue.SET_AUTO, asks.SetAuto(subscriber_id=A, auto=True))
    await house.raise_signal(a_signal(10))
    for person, count in ((A, 1), (B, 2)):
        await house.settle(a_delivery(await house.sent_to(person, count=count)))
    await house.followed(2)
    await house.raise_signal(a_signal(11))  # both are refused: their positions are open
    first, second = (one.position_id for one in house.sent(SendClass.SIGNAL) if one.subscriber_id == B)
    assert first is not None
    assert second is not None
    return first, second


def secrets_of_b(first: str, second: str) -> list[str]:
    """What is B's alone: his ids, his name, his choices, the money at his lots."""
    return [str(B), "Bambang", str(B_LOTS), B_BALANCE, "231.00", first, second]


async def answers_to_a(house: House, first: str, second: str) -> dict[str, str]:
    """Ask everything that a subscriber may ask, as A, also naming B's positions; returns what was answered as text."""
    ask: Callable[[Any, Any], Awaitable[Any]] = house.bus.ask
    questions: dict[str, tuple[Any, Any]] = {
        "subscriber": (catalogue.SUBSCRIBER, asks.GetSubscriber(subscriber_id=A)),
        "settings": (catalogue.SETTINGS, asks.GetSettings(subscriber_id=A)),
        "status": (catalogue.STATUS, asks.GetStatus(subscriber_id=A, symbol="XAUUSD")),
        "history": (catalogue.HISTORY, asks.GetHistory(subscriber_id=A, page_size=50)),
        "why": (catalogue.WHY, asks.GetWhy(subscriber_id=A)),
        "statistics": (catalogue.STATISTICS, asks.GetStatistics(subscriber_id=A)),
        "chart": (catalogue.REQUEST_CHART, asks.RequestChart(subscriber_id=A, symbol="XAUUSD")),
    }
    told = {name: msgspec.json.encode(await ask(*question)).decode() for name, question in questions.items()}
    export = await house.bus.ask(catalogue.EXPORT, asks.ExportSubscriber(subscriber_id=A))
    for name, key in (("export", export.json_key), ("export table", export.csv_key)):
        body = await house.bus.get(catalogue.EXPORTS, key)
        assert body is not None
        told[name] = body.decode()
    for position_id in (first, second):
        for question, request in (
            (catalogue.WHY, asks.GetWhy(subscriber_id=A, position_id=position_id)),
            (catalogue.REQUEST_CHART, asks.RequestChart(subscriber_id=A, symbol="XAUUSD", position_id=position_id)),
        ):
            with pytest.raises(AskFailedError, match="no such position"):
                await ask(question, request)
    return told


async def test_x12_a_person_never_sees_anothers_data(house: House) -> None:
    async with house.room() as room:
        first, second = await a_house_of_two(house)
        await until(lambda: room.market.price("XAUUSD"), "the price")
        told = await answers_to_a(house, first, second)
        b_told = await house.bus.ask(catalogue.STATISTICS, asks.GetStatistics(subscriber_id=B))

    assert b_told.trades == 1, "B has something to be seen"
    leaks = [(name, secret) for name, text in told.items() for secret in secrets_of_b(first, second) if secret in text]
    assert leaks == []
    assert json.loads(told["statistics"])["trades"] == 0
    assert json.loads(told["history"])["total"] == 0
    assert len(json.loads(told["export"])["positions"]) == 1


async def test_x12_the_strategies_record_shows_results_but_nobodys_money(house: House) -> None:
    async with house.room():
        first, second = await a_house_of_two(house)
        found = await house.bus.ask(catalogue.RECORD, asks.GetRecord(subscriber_id=A))

    text = msgspec.json.encode(found).decode()
    assert (found.trades, found.pnl, found.r) == (1, Decimal("3.00"), 1.5)
    assert [secret for secret in secrets_of_b(first, second) if secret in text] == []


async def test_x12_the_systems_figures_are_for_operators(house: House) -> None:
    async with house.room():
        await a_house_of_two(house)
        with pytest.raises(AskFailedError) as refused:
            await house.bus.ask(catalogue.SYSTEM_STATISTICS, asks.GetSystemStatistics(subscriber_id=A))

    assert refused.value.code == "not_operator"


async def test_x12_erasing_and_summing_up_touch_nobody_else(house: House) -> None:
    async with house.room():
        first, second = await a_house_of_two(house)
        before = await house.history(B), (await house.status(B)).position
        await house.bus.ask(catalogue.ERASE, asks.EraseSubscriber(subscriber_id=A, asked_at=now()))
        after = await house.history(B), (await house.status(B)).position

    assert after == before
    assert after[0].trades[0].position_id == first
    assert after[1] is not None
    assert after[1].position_id == second


def test_x12_every_question_of_a_subscriber_is_asked_above() -> None:
    """A question that comes later fails here until it is tried too."""
    tried = {
        "subscriber", "settings", "status", "history", "why", "statistics", "request_chart", "export", "record",
        "system_statistics", "erase",
    }  # fmt: skip
    answer_with_their_own_person = {"register", "set_language", "set_auto", "change_setting", "deactivate"}
    answers_in_a_message = {"request_signal"}
    known = {ask.verb for ask in catalogue.ASKS if ask.room == "positions"}

    assert known == tried | answer_with_their_own_person | answers_in_a_message
