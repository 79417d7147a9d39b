"""What survives: restarts, races of copies, a broker and a database that go away."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest

from chassis import metrics
from chassis.errors import StartError, TransientError
from contracts import catalogue
from contracts.messages import ExitReason, SendClass, Side
from services.positions.adapters.postgres_store import PostgresStore, require_tables
from services.positions.domain.exits import Price, exit_at
from services.positions.handlers.pending import Batch, PendingExit
from services.positions.ports import Work
from services.positions.wiring import URL_SETTING, main
from tests.positions.builders import GOLD, START_MS, a_delivery, a_signal, a_tick
from tests.positions.house import House, PatientBus, until


async def test_a_level_crossed_while_nobody_looked_closes_once_at_the_right_price(house: House) -> None:
    async with house.room():
        await house.opened(1)
        await house.tick(a_tick(1000, 4000.0))
        await house.quiet()
    await house.tick(a_tick(2000, 3998.0), a_tick(3000, 4003.2), a_tick(4000, 4000.0))

    async with house.room():
        (closed,) = await house.closed(1)
        await house.quiet()
    async with house.room():
        await house.tick(a_tick(5000, 3990.0))
        await house.quiet()

    assert (closed.exit, closed.closed_ms, closed.detected_late) == (3998.0, START_MS + 2000, True)
    assert len(house.bus.said(catalogue.POSITION_CLOSED)) == 1
    assert len(house.sent(SendClass.EXIT)) == 1


async def test_ticks_read_before_the_restart_do_not_close_what_opened_after_them(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.tick(a_tick(-1000, 3990.0), a_tick(0, 3999.9))
        await house.quiet()
        await house.raise_signal(a_signal())
        await house.deliver(1)

    async with house.room():
        await house.followed(1)
        await house.tick(a_tick(1000, 4000.0))
        await house.quiet()

    assert await house.states() == {1: "open"}


async def test_a_stream_of_ticks_that_began_anew_is_followed_on(house: House) -> None:
    """The broker lost its memory: sequences begin at one again, and the feed repeats some of the last ticks."""
    async with house.room():
        await house.opened(1)
        await house.tick(*(a_tick(after_ms, 4000.0) for after_ms in range(1000, 60_000, 1000)))
        await house.quiet()
    old, house.bus = house.bus, PatientBus(house.clock)
    await house.tick(a_tick(58_000, 4000.0), a_tick(59_000, 4000.0), a_tick(60_000, 3998.0))

    async with house.room():
        (closed,) = await house.closed(1)

    assert (closed.closed_ms, old.said(catalogue.POSITION_CLOSED)) == (START_MS + 60_000, [])


async def test_a_crash_between_commit_and_publish_delivers_once(house: House) -> None:
    async with house.room() as room:
        await house.feed()
        await house.subscribe(1)
        stored = await house.any_stored()
        house.bus.cut()
        await room.proposing.on_signal(a_signal(), stored)
        waiting = await house.rows("select count(*) from outbox")
    assert house.sent() == []
    house.bus.mend()

    async with house.room():
        await house.sent_to(1)
        await house.quiet()

    assert waiting == [(3,)]
    assert len(house.sent()) == 1
    assert len(house.bus.said(catalogue.CHART)) == 1


async def test_a_standby_takes_over_when_the_owner_dies(house: House) -> None:
    async with AsyncExitStack() as standby:
        async with house.room():
            await house.opened(1)
            await house.quiet()
            second = await standby.enter_async_context(house.room(follows=False))
            await until(lambda: second.watch.is_database_up, "the standby")
            assert second.following[0].follower is None
            assert second.checks()["ticks"]().facts == {"age_s": {"XAUUSD": "followed by another copy"}}
        await house.tick(a_tick(1000, 3998.0))

        closed = await house.closed(1)

    assert [one.closed_ms for one in closed] == [START_MS + 1000]


async def test_an_owner_that_lost_its_lease_for_a_moment_goes_on_and_misses_nothing(house: House) -> None:
    async with house.room() as room:
        await house.opened(1)
        follower = room.following[0].follower
        await _kill_lease(house)
        await house.tick(a_tick(1000, 4000.0))
        await house.subscribe(2)
        await house.raise_signal(a_signal(1))
        await house.followed(2)
        await house.tick(a_tick(61_000, 3998.0))
        closed = await house.closed(1)

        assert room.following[0].follower is follower
    assert closed[0].subscriber_id == 1
    assert (await house.states())[2] == "parked"


async def test_an_owner_whose_tenure_is_over_stores_nothing_more(house: House) -> None:
    async with house.room() as room:
        await house.opened(1)
        await house.rows_only("update progress set tenure = tenure + 1")
        follower = room.following[0].follower

        await house.tick(a_tick(1000, 3998.0))
        await until(lambda: room.following[0].follower not in (None, follower), "a new tenure")
        closed = await house.closed(1)

    assert len(closed) == 1


async def test_the_tick_path_goes_on_while_the_database_is_away(house: House) -> None:
    async with house.room() as room:
        await house.opened(1)
        following = room.following[0]
        await _forbid_connections(house, is_forbidden=True)
        await house.tick(a_tick(1000, 3998.0), a_tick(2000, 4010.0))
        await until(lambda: following.follower and following.follower.exit_count == 1, "an exit in memory")
        await until(lambda: not room.checks()["database"]().is_ready, "not ready")
        reasons = room.checks()["database"]().reason
        await _forbid_connections(house, is_forbidden=False)

        closed = await house.closed(1)
        await until(lambda: room.checks()["database"]().is_ready, "ready again")

    assert "does not answer" in reasons
    assert (closed[0].exit, closed[0].closed_ms) == (3998.0, START_MS + 1000)


async def test_signals_and_deliveries_wait_in_the_broker_while_the_database_is_away(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await _forbid_connections(house, is_forbidden=True)
        await house.bus.publish(catalogue.SIGNAL, a_signal(), "XAUUSD", "trend_pullback")
        retried = metrics.RETRIED.labels(catalogue.POSITIONS_SIGNALS.name, catalogue.SIGNAL.name)
        before = retried._value.get()
        await until(lambda: retried._value.get() > before, "a retry")
        waiting = house.bus.waiting(catalogue.POSITIONS_SIGNALS)
        await _forbid_connections(house, is_forbidden=False)
        await house.sent_to(1)

    assert waiting == 1
    assert len(house.sent()) == 1


async def test_a_question_while_the_database_is_away_is_answered_with_unavailable(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.room():
        await house.subscribe(1)
    monkeypatch.undo()  # from here on a room answers within its own limit
    async with house.room():
        await _forbid_connections(house, is_forbidden=True)
        with pytest.raises(TransientError) as refused:
            await house.status(1)
        await _forbid_connections(house, is_forbidden=False)

    assert "no answer" not in str(refused.value)  # that is the asker's word


async def test_a_broker_that_was_away_delays_but_loses_nothing(house: House) -> None:
    async with house.room() as room:
        await house.opened(1)
        (position_id,) = [one.position_id for one in house.sent()]
        assert position_id is not None
        end = exit_at(
            GOLD, Side.BUY, reason=ExitReason.STOP, level=3998.1, price=Price(START_MS + 1, 3998.0, 3998.2),
            detected_late=False,
        )  # fmt: skip
        house.bus.cut()
        await room.ending.store("XAUUSD", 1, Batch([PendingExit(position_id, end, "", 0)], [], [], None))
        assert room.checks()["bus"]().reason == "the broker cannot be reached"
        assert house.bus.said(catalogue.POSITION_CLOSED) == []
        house.bus.mend()
        closed = await house.closed(1)
        await house.quiet()

    assert len(closed) == len(house.sent(SendClass.EXIT)) == 1


async def test_a_database_without_tables_stops_the_start(house: House) -> None:
    await house.rows_only("drop table progress")

    with pytest.raises(StartError, match=r"SINYAL_POSITIONS_DATABASE_URL.*migrations"):
        await require_tables(house.pool, URL_SETTING)


async def test_a_database_that_cannot_be_reached_stops_the_start_with_the_name_of_the_setting(house: House) -> None:
    with psycopg.connect(house.url) as connection:
        port = connection.info.port
    settings = house.settings(database_url=house.url.replace(f":{port}", ":1"), database_wait_s=0.3)

    with pytest.raises(StartError, match="SINYAL_POSITIONS_DATABASE_URL"):
        await main(settings, None)  # type: ignore[arg-type]  # it does not come to the stage


async def _kill_lease(house: House) -> None:
    """End the connection that holds the lease, as a network does."""
    await house.rows(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid in"
        " (select pid from pg_stat_activity where application_name = 'sinyal-positions-lease') and granted"
    )


async def _forbid_connections(house: House, *, is_forbidden: bool) -> None:
    """Take the database away, or give it back: nobody may connect, and who is connected is thrown out."""
    name = house.url.rsplit("/", 1)[1].split("?")[0]
    admin = house.url.replace(f"/{name}", "/postgres")
    async with await psycopg.AsyncConnection.connect(admin, autocommit=True) as connection:
        await connection.execute(f"alter database {name} with allow_connections {not is_forbidden}".encode())
        if is_forbidden:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
            )


async def test_a_proposal_that_nobody_settles_is_void_after_a_while_and_its_subscriber_free(house: House) -> None:
    async with house.room(settle_grace_s=0.3):
        await house.feed()
        await house.subscribe(1)
        await house.raise_signal(a_signal())
        await house.followed(1)
        await house.rows_only("update position set expires_at = now() - interval '1 minute'")
        await until(lambda: house.bus.said(catalogue.POSITION_VOIDED), "voided")
        await house.followed(0)
        await house.raise_signal(a_signal(1))
        await house.sent_to(1, count=2)

    (voided,) = house.bus.said(catalogue.POSITION_VOIDED)
    assert voided.reason == "never_settled"


async def test_settlements_that_waited_for_the_database_come_before_the_sweep(house: House) -> None:
    async with house.room(settle_grace_s=0.3) as room:
        await until(lambda: room.watch.database_up_s() > 0.3, "a database that is up")
        since_s = room.watch._up_since_s
        room.watch._answered_s -= 60
        assert room.watch.database_up_s() == 0.0
        await until(lambda: room.watch.database_up_s() > 0, "a database that is up again")
        assert room.watch._up_since_s > since_s


async def test_a_new_stream_is_read_from_its_beginning_however_far_it_has_come(house: House) -> None:
    """Its tick at the stored sequence is another one: what came before it was never seen."""
    async with house.room():
        await house.opened(1)
        await house.tick(*(a_tick(after_ms, 4000.0) for after_ms in range(1000, 11_000, 1000)))
        await house.quiet()
    await house.rows_only("update progress set rewind_sequence = sequence, rewind_epoch_ms = epoch_ms")
    house.bus = PatientBus(house.clock)
    await house.tick(a_tick(11_000, 3998.0), *(a_tick(after_ms, 4000.0) for after_ms in range(12_000, 32_000, 1000)))

    async with house.room():
        (closed,) = await house.closed(1)

    assert closed.closed_ms == START_MS + 11_000


async def test_a_position_stored_by_a_copy_that_died_meets_the_ticks_that_were_read_before_it(house: House) -> None:
    """Ticks up to 3000 were followed and their mark stored; then the position with quote 0 was, and the copy died."""
    async with house.room() as room:
        await house.feed()
        await house.subscribe(1)
        await house.tick(a_tick(0, 3999.9), a_tick(1000, 3998.0), a_tick(2000, 4000.0), a_tick(3000, 4000.0))
        await house.quiet()
    await room.proposing.on_signal(a_signal(), await house.any_stored())

    async with house.room():
        await house.deliver(1)
        (closed,) = await house.closed(1)

    assert (closed.closed_ms, closed.exit) == (START_MS + 1000, 3998.0)


async def test_deliveries_and_signals_wait_for_a_database_that_is_away_for_long(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than all deliveries of the broker take: what waits there must not end in the dead letters."""
    tries, is_away, work = 0, False, PostgresStore.work

    @asynccontextmanager
    async def shaky(store: PostgresStore) -> AsyncIterator[Work]:
        nonlocal tries
        tries += 1
        if is_away:
            raise TransientError("database: away")
        async with work(store) as one:
            yield one

    monkeypatch.setattr(PostgresStore, "work", shaky)
    monkeypatch.setattr("chassis.consume.growing_delay", lambda _: 0.01)
    monkeypatch.setattr("services.positions.handlers.patience.LONGEST_WAIT_S", 0.02)
    async with house.room():
        await house.feed()
        await house.subscribe(1, 2)
        await house.raise_signal(a_signal())
        settled = [a_delivery(await house.sent_to(person)) for person in (1, 2)]
        is_away, tries = True, 0
        for one in settled:
            await house.bus.publish(catalogue.DELIVERY, one, one.state, one.chat_id)
        await house.bus.publish(catalogue.SIGNAL, a_signal(1), "XAUUSD", "trend_pullback")
        await until(lambda: tries > 60 or house.bus.said(catalogue.DEAD), "trying")
        is_away = False
        await house.handled(catalogue.POSITIONS_DELIVERIES)
        await house.handled(catalogue.POSITIONS_SIGNALS)

    assert house.bus.said(catalogue.DEAD) == []
    assert await house.states() == {1: "open", 2: "open"}
    assert await house.rows("select count(*) from signal") == [(2,)]
