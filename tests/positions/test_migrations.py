"""What was written for an earlier schema runs on a later one: old and new copies serve side by side in a roll-out."""

from pathlib import Path

import pytest

from chassis.database import apply_migrations, find_migrations
from services.positions.domain.plans import PLAIN
from tests.positions.builders import a_tick
from tests.positions.house import House


async def test_no_number_is_given_twice_and_all_are_applied(postgres: str) -> None:
    names = [Path(one.name).name for one in find_migrations("positions") if "adapters" in one.name]

    numbers = [int(name[:4]) for name in names]
    assert len(set(numbers)) == len(numbers) > 0
    assert await apply_migrations(postgres, ("positions",)) == []


FIRST_ROWS = """
    insert into subscriber (id, chat_id, name, language, time_zone, lots, auto)
        values (1, 1, 'n', 'id', 'Asia/Jakarta', 0.01, true);
    insert into signal (id, symbol, strategy, strategy_version, interval, mode, side, entry, stop, targets, rr,
        strength, score, reasons, candle_open_s, quote_ms, raised_at)
        values ('s:1', 'XAUUSD', 'x', '1', 'M1', 'auto', 'BUY', 4000.0, 3998.0, '{4003.0}', 1.5, 0.4, 6, '{}', 0, 0,
            now());
    insert into position (id, subscriber_id, lots, signal_id, symbol, side, mode, state, entry, initial_stop, stop,
        targets, quote_ms, in_force_ms, proposed_at, expires_at)
        values ('p:1', 1, 0.01, 's:1', 'XAUUSD', 'BUY', 'auto', 'proposed', 4000.1, 3998.1, 3998.1, '{4003.1}', 0, 0,
            now(), now());
    insert into position_event (position_id, version, event, at, market_ms) values ('p:1', 1, 'proposed', now(), 0);
    update position set state = 'open', version = version + 1, delivery_state = 'delivered', opened_at = now()
        where id = 'p:1' and version = 1;
    insert into position_event (position_id, version, event, at, market_ms) values ('p:1', 2, 'open', now(), 0);
"""


@pytest.mark.parametrize("plan", ["standard", "three"])
async def test_a_position_that_the_first_version_wrote_is_followed_to_its_end_as_it_was_meant(
    house: House, plan: str
) -> None:
    await house.rows_only(FIRST_ROWS)
    async with house.room(plan=plan):
        await house.feed()
        await house.followed(1)
        status = await house.status(1)
        await house.tick(*[a_tick(1000 * n, bid) for n, bid in enumerate((4001.5, 4000.0, 4003.2), start=1)])
        (closed,) = await house.closed(1)

    assert status.position is not None
    assert (status.position.plan, status.position.stop) == (str(PLAIN), 3998.1)
    assert (closed.exit, closed.level, str(closed.pnl)) == (4003.2, 4003.1, "3.10")
