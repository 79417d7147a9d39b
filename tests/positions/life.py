"""A whole life of this room, for `tests/record_release.py`: every statement of its adapters is said in it."""

from contracts import asks, catalogue
from contracts.messages import DeliveryState
from services.positions.adapters import (
    postgres_answers,
    postgres_positions,
    postgres_progress,
    postgres_proposals,
    postgres_subscribers,
)
from tests.positions.builders import a_delivery, a_signal, a_tick, now
from tests.positions.house import House, until

ADAPTERS = (postgres_answers, postgres_positions, postgres_progress, postgres_proposals, postgres_subscribers)


async def live(url: str) -> None:
    """Live on a fresh database."""
    async with House.open(url) as house:
        await lead(house)


async def lead(house: House) -> None:
    """Lead people through all that can happen to them."""
    async with house.room(operator_ids="900", plan="three+trailing+break_even", settle_grace_s=0.5):
        await house.opened(1, 2)
        await house.bus.ask(catalogue.SET_LANGUAGE, asks.SetLanguage(subscriber_id=1, language="en"))
        for name, value in (("balance", "1000"), ("risk_percent", "1"), ("quiet_hours", "off"), ("break_even", "on")):
            await house.bus.ask(catalogue.CHANGE_SETTING, asks.ChangeSetting(subscriber_id=1, name=name, value=value))
        await house.tick(a_tick(1000, 4002.2), a_tick(2000, 4003.2))
        await until(lambda: len(house.bus.said(catalogue.POSITION_REDUCED)) >= 2, "two parts")
        await ask_everything(house)
        await house.tick(a_tick(3000, 3980.0))
        await house.closed(2)
        await house.tick(*[a_tick(4000 + 1000 * n, 3999.9) for n in range(25)])
        await house.quiet()
        await ask_everything(house)
        await house.subscribe(3, 4, 5)
        await house.raise_signal(a_signal(2, valid_for_s=3))
        settled = a_delivery(await house.sent_to(3), DeliveryState.VOID, deactivate=True)
        await house.settle(settled)
        await house.settle(a_delivery(await house.sent_to(4), DeliveryState.UNKNOWN))
        await house.bus.ask(
            catalogue.DEACTIVATE, asks.DeactivateSubscriber(subscriber_id=5, reason="blocked", seen_at=now())
        )
        await on_demand(house)
        await house.quiet()
        await until(lambda: len(house.bus.said(catalogue.POSITION_VOIDED)) >= 2, "a sweep")
        await house.quiet()


async def ask_everything(house: House) -> None:
    """Ask what people ask."""
    (position_id,) = {one.position_id for one in house.sent() if one.subscriber_id == 1}
    await house.status(1)
    await house.history(1, page=3)
    await house.why(1)
    await house.why(1, position_id)
    for one in (None, position_id):
        request = asks.RequestChart(subscriber_id=1, symbol="XAUUSD", position_id=one)
        await house.bus.ask(catalogue.REQUEST_CHART, request)


async def on_demand(house: House) -> None:
    """Ask for a signal and get one, then be refused another."""

    async def judge(_request: asks.EvaluateNow) -> asks.Evaluation:
        return asks.Evaluation(signal=a_signal(6, mode="manual"))

    async with house.bus.answer(catalogue.EVALUATE, judge):
        await house.ask_for_signal(1)
        await house.ask_for_signal(1)
