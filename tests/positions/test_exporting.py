"""A person is given all that is kept of him, and nothing of anybody else."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest

from chassis.errors import AskFailedError
from contracts import asks, catalogue
from services.positions.domain.export import COLUMNS
from tests.positions.builders import START_MS, a_signal, a_tick
from tests.positions.house import House
from tests.positions.ledger import Done, keep

OWNED = """
    select c.table_name from information_schema.columns c
    join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = 'positions' and c.column_name = 'subscriber_id' and t.table_type = 'BASE TABLE' order by 1
"""


async def exported(house: House, person: int) -> tuple[dict[str, Any], list[dict[str, str]], str]:
    """Ask for a person's files; returns the document, the table, and both as they lie there."""
    found = await house.bus.ask(catalogue.EXPORT, asks.ExportSubscriber(subscriber_id=person))
    everything = await house.bus.get(catalogue.EXPORTS, found.json_key)
    table = await house.bus.get(catalogue.EXPORTS, found.csv_key)
    assert everything is not None
    assert table is not None
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert len(rows) == found.trades
    return json.loads(everything, parse_float=Decimal), rows, everything.decode() + table.decode()


async def test_a_person_gets_all_of_his_with_money_as_it_is_kept(house: House) -> None:
    async with house.room():
        await house.opened(1, 2)
        await house.tick(a_tick(1000, 4003.1))
        await house.closed(2)
        await house.raise_signal(a_signal(0, id="s:other", strategy="breakout"))  # refused: one just was
        await house.quiet()

        document, rows, _ = await exported(house, 1)

    assert document["person"]["name"] == "n1"
    (position,) = document["positions"]
    assert (position["pnl"], position["state"]) == (Decimal("3.00"), "closed")
    assert str(position["pnl"]) == "3.00"
    assert [event["event"] for event in position["events"]] == ["proposed", "delivered", "crossed"]
    assert position["signal"]["reasons"] == ["reason.trf_with.buy", "reason.macd_crossed.buy"]
    assert len(document["refusals"]) == 1
    (row,) = rows
    assert tuple(row) == COLUMNS
    assert (row["side"], row["lots"], row["exit"], row["pnl_usd"]) == ("BUY", "0.01", "4003.1", "3.00")
    assert row["opened_at"] == "2026-01-05T12:00:00.000+00:00"


async def test_every_table_that_knows_a_person_is_in_his_export(house: House) -> None:
    """A table that comes later fails here until it is told too."""
    told = {"position": "positions", "position_archive": "archived_positions", "refusal": "refusals"}
    async with house.room(follows=False):
        await house.subscribe(1)
        document, _, _ = await exported(house, 1)

    assert [told[table] for (table,) in await house.rows(OWNED)] == ["positions", "archived_positions", "refusals"]
    assert {"exported_at", "person", *told.values()} == document.keys()


async def test_archived_trades_are_in_both_files(house: House) -> None:
    keep(house.url, [Done(place=n, pnl=Decimal("1.50"), r=0.75, closed_ms=START_MS + n) for n in (1, 2)])
    await house.rows_only(
        "with gone as (delete from position_event), moved as (delete from position where id = 'p:1:000001' returning *)"
        " insert into position_archive select id, subscriber_id, null, signal_id, symbol, side, mode, plan, entry,"
        " initial_stop, stop, stop_reason, targets, legs, lots, quote_ms, proposed_at, opened_at, closed_at,"
        " delivery_state, exit_reason, exit_level, exit_price, slippage_pips, closed_ms, detected_late, pnl, r, '[]'"
        " from moved"
    )
    async with house.room(follows=False):
        document, rows, _ = await exported(house, 1)

    assert [one["id"] for one in document["archived_positions"]] == ["p:1:000001"]
    assert [row["pnl_usd"] for row in rows] == ["1.50", "1.50"]


async def test_files_lie_under_names_that_tell_nothing_and_are_new_each_time(house: House) -> None:
    async with house.room(follows=False):
        await house.subscribe(1)
        question = asks.ExportSubscriber(subscriber_id=1)
        found = [await house.bus.ask(catalogue.EXPORT, question) for _ in range(2)]

    keys = [key for one in found for key in (one.json_key, one.csv_key)]
    assert len(set(keys)) == 4
    assert all(len(key) == 32 for key in keys)


async def test_a_stranger_is_given_nothing(house: House) -> None:
    async with house.room(follows=False):
        with pytest.raises(AskFailedError) as refused:
            await house.bus.ask(catalogue.EXPORT, asks.ExportSubscriber(subscriber_id=9))

    assert refused.value.code == "not_registered"
