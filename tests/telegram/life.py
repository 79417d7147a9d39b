"""A whole life of this room's rows, for `tests/record_release.py`: every statement of its adapter is said in it."""

from chassis.database import open_pool
from contracts.messages import Button, DeliveryState
from services.telegram.adapters import postgres_deliveries
from services.telegram.adapters.postgres_deliveries import PostgresDeliveries
from services.telegram.domain.attempt import Call, Row
from tests.telegram.builders import send

ADAPTERS = (postgres_deliveries,)


async def live(url: str) -> None:
    """Live on a fresh database."""
    async with open_pool(url, name="life", setting="X", schema="telegram", max_size=2) as pool:
        rows = PostgresDeliveries(pool)
        await settle(rows)
        await rows.keep_file("chart", "file")
        await rows.file_id("chart")
        await rows.forget_file("chart")
        await rows.move(-7, -1007)
        await rows.address(-7)
        await rows.prune(30)


async def settle(rows: PostgresDeliveries) -> None:
    """Take three sends through all they can come to."""
    first, second, third = (send(number) for number in range(1, 4))
    await rows.find(first.id)
    await rows.begin(first, Call(1))
    await rows.is_ours(first.id, Call(1))
    await rows.put_off(first.id, Call(1), 0, 0.5)
    await rows.begin(first, Call(2, 1))
    buttons = ((Button(text="x", data="c"),),)
    arrived = Row(send_id=first.id, state=DeliveryState.DELIVERED, attempts=2, repeats=1, message_id=7, html="<b>x</b>",
                  buttons=buttons)  # fmt: skip
    await rows.settle(first, arrived)
    await rows.settle(first, arrived)
    await rows.begin(second, Call(1))
    await rows.settle(second, Row(send_id=second.id, state=DeliveryState.DEAD, attempts=1, reason="bad"))
    await rows.revive(second.id)
    await rows.settle(third, Row(send_id=third.id, state=DeliveryState.EXPIRED, reason="expired"))
