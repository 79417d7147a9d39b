"""What keeps subscribers apart is in the database: constraints, policies and time limits, each tried."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import AsyncConnection

from chassis import database
from chassis.database import apply_migrations, open_pool
from chassis.errors import ConflictError, StartError, TransientError
from services.positions.adapters import postgres_answers
from services.positions.adapters.postgres_rows import Connection
from services.positions.adapters.postgres_store import READER, PostgresStore, require_tables
from services.positions.wiring import URL_SETTING
from tests.positions.builders import a_signal, a_tick
from tests.positions.house import House
from tests.postgres_server import Server

SHOWN = ("subscriber", "position", "position_event", "refusal", "position_archive")
"""Tables of which a reader sees his own rows."""
ASKED = SHOWN[:4]
"""Those in which the people of these tests have rows."""
THROUGH = ("trade",)
"""Views, which ask as whoever asks them."""
FOR_ALL = ("signal",)
"""Facts of the market: every reader sees all of them."""


@pytest.fixture
async def traded(house: House) -> House:
    """Three people: a closed trade and a live one each, and a refusal."""
    async with house.room(cooldown_s=0):
        await house.opened(1, 2, 3)
        await house.tick(a_tick(1000, 4003.1))
        await house.closed(3)
        await house.raise_signal(a_signal(5))
        await house.deliver_next(1, 2)
        await house.raise_signal(a_signal(9))  # they hold a position: refused
        await house.quiet()
    return house


# --- constraints ------------------------------------------------------------------------------------------------------

BREAKS = {
    "position_one_live": "insert into position (id, subscriber_id, lots, signal_id, symbol, side, mode, state, entry,"
    " initial_stop, stop, targets, quote_ms, in_force_ms, proposed_at, expires_at) select 'x', subscriber_id, lots,"
    " signal_id, symbol, side, mode, 'proposed', entry, initial_stop, stop, targets, 0, 0, now(), now() from position",
    "position_subscriber_id_fkey": "update position set subscriber_id = 99",
    "position_state_check": "update position set state = 'dreamt'",
    "position_lots_check": "update position set lots = 1.01",
    "position_check": "update position set initial_stop = entry + 1",
    "position_check1": "update position set state = 'parked'",
    "position_check2": "update position set pnl = 1, r = 1",
    "position_check3": "update position set void_reason = 'x'",
    "position_slippage_pips_check": "update position set slippage_pips = -0.1",
    "position_delivery_state_check": "update position set state = 'proposed', delivery_state = 'maybe'",
    "position_versions": "update position set version = 0",
    "position_opened": "update position set opened_at = null",
    "position_ended": "update position set closed_at = now()",
    "position_arrived": "update position set delivery_state = 'void'",
    "position_exit_prices": "update position set exit_price = 0",
    "position_legs": """update position set legs = '[{"share": "0.6"}, {"share": "0.4"}]'""",
    "position_event_versions": "update position_event set version = -version",
    "position_event_pkey": "update position_event set version = 1",
    "progress_forward": "update progress set rewind_sequence = sequence + 1",
    "subscriber_lots_check": "update subscriber set lots = 0",
    "subscriber_check": "update subscriber set quiet_from_min = 5",
    "subscriber_daily_loss_percent_check": "update subscriber set daily_loss_percent = 101",
    "pause_one": "insert into pause (symbol, since_ms, slippage_pips) values ('X', 1, 1), ('X', 2, 1)",
}


@pytest.mark.parametrize("constraint", BREAKS)
async def test_the_database_refuses_what_must_never_be(house: House, constraint: str) -> None:
    async with house.room():
        await house.opened(1)
        await house.quiet()

    with pytest.raises(psycopg.IntegrityError) as refused:
        await house.rows_only(BREAKS[constraint])

    assert refused.value.diag.constraint_name == constraint


async def test_every_check_of_a_position_is_tried_above(house: House) -> None:
    rows = await house.rows(
        "select conname from pg_constraint"
        " where conrelid = 'position'::regclass and contype = 'c' and conname <> all(%s)",
        list(BREAKS),
    )
    of_one_column = {"position_side_check", "position_mode_check", "position_entry_check", "position_stop_check",
                     "position_targets_check"}  # fmt: skip
    assert {row[0] for row in rows} <= of_one_column


# --- policies ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def reading(house: House, subscriber_id: int | str | None) -> AsyncIterator[Connection]:
    """Be the readers' role, with an id or without."""
    async with house.pool.connection() as connection:
        await connection.execute(f"set local role {READER}")
        if subscriber_id is not None:
            await connection.execute("select set_config('sinyal.subscriber_id', %s, true)", [str(subscriber_id)])
        yield connection


@pytest.mark.parametrize("table", [*ASKED, *THROUGH])
async def test_a_query_without_a_condition_shows_the_callers_rows_alone(traded: House, table: str) -> None:
    own = {
        "subscriber": "id = 2",
        "position_event": "position_id in (select id from position where subscriber_id = 2)",
    }.get(table, "subscriber_id = 2")
    async with reading(traded, 2) as connection:
        shown = await (await connection.execute(f"select t::text from {table} t order by 1".encode())).fetchall()
    his = await traded.rows(f"select t::text from {table} t where {own} order by 1")

    assert shown == his
    assert 0 < len(his) < (await traded.rows(f"select count(*) from {table}"))[0][0]


@pytest.mark.parametrize("nobody", [None, "", 99])
@pytest.mark.parametrize("table", [*SHOWN, *THROUGH])
async def test_without_an_id_of_somebody_nothing_is_shown(traded: House, table: str, nobody: int | str | None) -> None:
    async with reading(traded, nobody) as connection:
        assert await (await connection.execute(f"select * from {table}".encode())).fetchall() == []


async def test_a_wrong_query_of_ours_shows_nobody_elses_trades(traded: House, monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = postgres_answers._TRADES.replace("subscriber_id = %s", "%s is not null")
    monkeypatch.setattr(postgres_answers, "_TRADES", forgetful)
    monkeypatch.setattr(postgres_answers, "_TOTALS", postgres_answers._TOTALS.replace("= %s", "+ %s > 0"))
    store = PostgresStore(traded.pool)

    async with store.view(2) as view:
        page = await view.answers.history(1, offset=0, limit=50)
    async with store.work() as work:
        unguarded = await work.answers.history(1, offset=0, limit=50)

    (his,) = await traded.rows("select id from position where subscriber_id = 2 and state = 'closed'")
    assert [one.position_id for one in page.trades] == [his[0]]
    assert (page.total, len(unguarded.trades)) == (1, 3)


@pytest.mark.parametrize(
    "attempt",
    ["update subscriber set lots = 1 where id = 2", "delete from refusal", "insert into signal select * from signal"],
)
async def test_a_reader_changes_nothing_not_even_his_own(traded: House, attempt: str) -> None:
    async with reading(traded, 2) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(attempt.encode())
        await connection.rollback()
    with pytest.raises(TransientError, match="read-only"):
        async with PostgresStore(traded.pool).view(2) as view:
            await view.answers._connection.execute("create temporary table mine (n int)")


async def test_a_table_is_shown_by_a_policy_or_not_at_all(house: House) -> None:
    """A new table that readers may read without a policy fails here."""
    rows = await house.rows(
        "select relname, relrowsecurity and exists (select from pg_policy where polrelid = c.oid) from pg_class c"
        " where relnamespace = 'positions'::regnamespace and relkind in ('r', 'p', 'v', 'm')"
        " and has_table_privilege(%s, c.oid, 'select')",
        READER,
    )
    assert dict(rows) == dict.fromkeys(SHOWN, True) | dict.fromkeys((*THROUGH, *FOR_ALL), False)


async def test_the_role_ends_with_its_transaction_whatever_happened_in_it(house: House) -> None:
    async with open_pool(house.url, name="one", setting="X", schema="positions", max_size=1) as pool:
        store = PostgresStore(pool)
        async with store.view(2) as view:
            assert await view.subscribers.find(1) is None
        with pytest.raises(ZeroDivisionError):
            async with store.view(2):
                raise ZeroDivisionError
        async with pool.connection() as connection:
            row = await (
                await connection.execute("select current_user, current_setting('sinyal.subscriber_id', true)")
            ).fetchone()
    assert row is not None
    assert (row[0] != READER, row[1]) == (True, "")


async def test_a_user_that_is_no_superuser_owns_all_and_answers(own_postgres_server: Server) -> None:
    """As on a managed server: the user may create roles, and owns his database."""
    cluster = own_postgres_server.cluster
    async with await AsyncConnection.connect(cluster.url, autocommit=True) as admin:
        await admin.execute("create role tenant login createrole")
        await admin.execute("create database rented owner tenant")
    url = cluster.url_of("rented").replace("sinyal@", "tenant@")

    await apply_migrations(url)
    async with House.open(url) as house:
        await require_tables(house.pool, URL_SETTING)
        async with house.room():
            await house.opened(1, 2)
            status = await house.status(1)
        async with reading(house, 1) as connection:
            seen = await (await connection.execute("select subscriber_id from position")).fetchall()
    assert status.position is not None
    assert seen == [(1,)]


async def test_a_user_that_may_not_make_the_role_is_told_what_to_ask_for(own_postgres_server: Server) -> None:
    cluster = own_postgres_server.cluster
    async with await AsyncConnection.connect(cluster.url, autocommit=True) as admin:
        await admin.execute("create role humble login")
        await admin.execute("create database modest owner humble")
        url = cluster.url_of("modest").replace("sinyal@", "humble@")
        with pytest.raises(StartError, match="create role sinyal_reader nologin"):
            await apply_migrations(url)
        await admin.execute("create role sinyal_reader nologin")
        with pytest.raises(StartError, match="grant sinyal_reader to"):
            await apply_migrations(url)
        await admin.execute("grant sinyal_reader to humble")
        await apply_migrations(url)
        await admin.execute("revoke sinyal_reader from humble")
    async with House.open(url) as house:
        with pytest.raises(StartError, match=rf"{URL_SETTING}.*grant sinyal_reader"):
            await require_tables(house.pool, URL_SETTING)


async def test_databases_of_one_server_may_be_migrated_at_the_same_time(own_postgres_server: Server) -> None:
    """The role is the server's: whoever comes second finds it there, or half made."""
    cluster = own_postgres_server.cluster
    names = [f"d{number}" for number in range(6)]
    async with await AsyncConnection.connect(cluster.url, autocommit=True) as admin:
        for name in names:
            await admin.execute(f"create database {name}")
    applied = await asyncio.gather(*(apply_migrations(cluster.url_of(name)) for name in names))

    assert len({tuple(one) for one in applied}) == 1
    assert "positions: adapters/0006_isolation.sql" in applied[0]


# --- time limits and conflicts ----------------------------------------------------------------------------------------


async def test_a_lock_that_is_held_for_too_long_is_not_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_MS", 200)
    await house.rows_only(
        "insert into subscriber (id, chat_id, name, language, time_zone) values (1, 1, 'n', 'id', 'UTC')"
    )
    async with (
        open_pool(house.url, name="x", setting="X", schema="positions") as pool,
        house.pool.connection() as holder,
    ):
        await holder.execute("select from subscriber for update")
        with pytest.raises(TransientError, match="lock timeout"):
            async with PostgresStore(pool).work() as work:
                await work.subscribers.set_language(1, "en")
        await holder.rollback()


async def test_a_statement_that_runs_for_too_long_is_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "STATEMENT_TIMEOUT_MS", 200)
    async with open_pool(house.url, name="x", setting="X", schema="positions") as pool:
        with pytest.raises(TransientError, match="statement timeout"):
            async with database.transaction(pool) as connection:
                await connection.execute("select pg_sleep(60)")


async def test_a_transaction_that_is_left_open_loses_its_locks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "IDLE_IN_TRANSACTION_MS", 200)
    await house.rows_only(
        "insert into subscriber (id, chat_id, name, language, time_zone) values (1, 1, 'n', 'id', 'UTC')"
    )
    async with open_pool(house.url, name="x", setting="X", schema="positions") as pool, pool.connection() as frozen:
        await frozen.execute("select from subscriber for update")
        async with PostgresStore(house.pool).work() as work:
            assert await work.subscribers.set_language(1, "en") is not None
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            await frozen.execute("select 1")


async def test_two_transactions_in_each_others_way_are_told_apart_from_a_database_that_is_away(house: House) -> None:
    async with house.room():
        await house.opened(1, 2)
        await house.quiet()
    ids = [row[0] for row in await house.rows("select id from position order by id")]
    store, both_hold = PostgresStore(house.pool), asyncio.Barrier(2)

    async def lock(first: str, second: str) -> None:
        async with store.work() as work:
            await work.positions.lock([first])
            await both_hold.wait()
            await work.positions.lock([second])

    ends = await asyncio.gather(lock(*ids), lock(*reversed(ids)), return_exceptions=True)

    assert sorted(type(end) for end in ends if end is not None) == [ConflictError]
