"""The database is frozen, gone, or full: nobody waits for it, nothing is lost, order is kept, readiness says so."""

import asyncio
import os
import pwd
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from chassis import metrics
from chassis.breaker import Breaker
from chassis.bus import Bus
from chassis.clock import SystemClock
from chassis.database import DatabaseFullError, apply_migrations
from chassis.errors import ConflictError, TransientError
from chassis.nats_bus import connect
from contracts import asks, catalogue
from contracts.messages import PositionClosed, SendClass, Side
from services.positions.handlers import tenure
from services.positions.handlers.reception import Reception
from tests.positions.builders import START_MS, a_delivery, a_signal, a_tick
from tests.positions.house import House, until, until_row
from tests.positions.test_process import _ask, _register, _take_send, _until, _until_live, _until_ready, process
from tests.postgres_server import Server

pytestmark = pytest.mark.real

LAG_S = 0.1
_LATE = re.compile(r'^sinyal_loop_lag_seconds_bucket\{le="0\.1"\} (\S+)$', re.MULTILINE)
_BEATS = re.compile(r"^sinyal_loop_lag_seconds_count (\S+)$", re.MULTILINE)


@pytest.fixture
async def own_house(own_postgres_server: Server) -> AsyncIterator[House]:
    """A house whose database server can be stopped."""
    url = own_postgres_server.cluster.url
    await apply_migrations(url)
    async with House.open(url) as house:
        yield house


async def beats(address: str) -> tuple[int, int]:
    """Read how often a room's loop was looked at, and how often it was more than 100 ms late."""
    async with aiohttp.ClientSession() as client, client.get(f"{address}/metrics") as answer:
        text = await answer.text()
    counted, in_time = _BEATS.search(text), _LATE.search(text)
    assert counted is not None
    assert in_time is not None
    return int(float(counted[1])), int(float(counted[1]) - float(in_time[1]))


@asynccontextmanager
async def beside() -> AsyncIterator[list[float]]:
    """Measure by how much a loop that does nothing is late meanwhile: what the machine itself costs."""
    lags: list[float] = []

    async def beat() -> None:
        while True:
            due_s = time.monotonic() + 0.05
            await asyncio.sleep(0.05)
            lags.append(time.monotonic() - due_s)

    task = asyncio.ensure_future(beat())
    try:
        yield lags
    finally:
        task.cancel()


async def open_one(bus: Bus) -> None:
    """Bring subscriber 1 to a position whose message was delivered."""
    await _register(bus, 1, 2)
    await _ask(bus, catalogue.SET_AUTO, asks.SetAuto(subscriber_id=1, auto=True))
    await _until_live(bus, 1)
    await bus.publish(catalogue.TICK, a_tick(0, 3999.9), "XAUUSD")
    await bus.publish(catalogue.SIGNAL, a_signal(), "XAUUSD", "trend_pullback")
    await bus.publish(catalogue.DELIVERY, a_delivery(await _take_send(bus)), "delivered", 1)


async def closings(bus: Bus, count: int) -> list[PositionClosed]:
    """Read the first closings that were told."""
    found: list[PositionClosed] = []
    async with asyncio.timeout(60), bus.replay(catalogue.POSITION_CLOSED) as messages:
        async for _, message in messages:
            found.append(message)
            if len(found) == count:
                return found
    raise AssertionError("the replay ended")


async def refusal_of(bus: Bus) -> str:
    """Ask for a status and tell how the room refused it."""
    with pytest.raises(TransientError) as refused:
        await bus.ask(catalogue.STATUS, asks.GetStatus(subscriber_id=1, symbol="XAUUSD"), deadline_s=30)
    return str(refused.value)


@pytest.mark.alone
async def test_s6_a_frozen_database_holds_nobody_up_and_exits_are_applied_once_afterwards(
    own_postgres_server: Server, nats: str
) -> None:
    url = own_postgres_server.cluster.url
    await apply_migrations(url)
    async with process(url, nats) as (_child, address), connect(nats, name="telegram") as bus:
        await _until_ready(address)
        await open_one(bus)
        await _until(address, lambda checks: checks["positions"]["live"] == 1)
        counted, late = await beats(address)
        async with beside() as lags:
            with own_postgres_server.frozen():
                first = await refusal_of(bus)
                await bus.publish(catalogue.TICK, a_tick(1000, 3997.9), "XAUUSD")
                await bus.publish(catalogue.TICK, a_tick(2000, 4010.0), "XAUUSD")
                away = await _until(address, lambda checks: checks["database"]["breaker_open"])
                await bus.publish(catalogue.SIGNAL, a_signal(9), "XAUUSD", "trend_pullback")
                told = [await refusal_of(bus) for _ in range(20)]
                followed = await _until(address, lambda checks: bool(checks["positions"]["exits_to_store"]["XAUUSD"]))
            (closed,) = await closings(bus, 1)
            next_send = await _take_send(bus)
            await _until_ready(address)
            now_counted, now_late = await beats(address)
        status = await _ask(bus, catalogue.STATUS, asks.GetStatus(subscriber_id=1, symbol="XAUUSD"))
        history = await _ask(bus, catalogue.HISTORY, asks.GetHistory(subscriber_id=1))

    assert "answered" in first or "nobody is let through" in first
    assert [one for one in told if "nobody is let through" not in one] == []
    assert "does not answer" in away["database"]["reason"]
    assert followed["ticks"]["ready"]
    assert (closed.exit, closed.closed_ms, history.total) == (3997.9, START_MS + 1000, 1)
    assert next_send.kind in (SendClass.EXIT, SendClass.SIGNAL)
    assert status.position is None or status.position.opened_ms == START_MS + 540_000
    assert now_counted > counted
    allowed = max((now_counted - counted) / 100, 2 * sum(lag > LAG_S for lag in lags))
    assert now_late - late <= allowed, f"{now_late - late} of {now_counted - counted} beats were late"


async def test_s6_a_database_that_is_restarted_loses_nothing_and_keeps_the_order(
    own_postgres_server: Server, own_house: House
) -> None:
    house = own_house
    async with house.room(cooldown_s=0) as room:
        await house.opened(*range(1, 21))
        own_postgres_server.stop()
        await until(lambda: room.breaker.is_open, "the breaker to open")
        await house.tick(a_tick(1000, 3998.0), a_tick(2000, 4010.0))
        await house.bus.publish(catalogue.SIGNAL, a_signal(1, side=Side.SELL), "XAUUSD", "trend_pullback")
        with pytest.raises(TransientError, match="nobody is let through"):
            await house.status(1)
        is_ready = room.checks()["database"]().is_ready
        own_postgres_server.start()
        await until(lambda: not room.breaker.is_open, "the breaker to close")
        closed = await house.closed(20)
        await until(lambda: len(house.sent()) == 40, "the next signal")
        await house.quiet()

    assert is_ready is False
    assert {(one.exit, one.closed_ms) for one in closed} == {(3998.0, START_MS + 1000)}
    assert sorted(one.subscriber_id for one in closed) == list(range(1, 21))
    events = await house.rows("select position_id, array_agg(event order by version) from position_event group by 1")
    assert sorted(tuple(one[1]) for one in events) == [("proposed",)] * 20 + [("proposed", "delivered", "crossed")] * 20


NO_EXITS = """
    create function no_exits() returns trigger language plpgsql as $$
    begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
    create trigger no_exits before update on position for each row when (new.state = 'closed')
    execute function no_exits();
"""


async def test_s6_a_signal_never_overtakes_exits_that_cannot_be_stored(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenure, "STORED_S", 0.05)
    async with house.room(cooldown_s=0) as room:
        await house.opened(*range(1, 4))
        await house.rows_only(NO_EXITS)
        held_back = retried()
        await house.tick(a_tick(1000, 3998.0))
        await until(lambda: room.checks()["positions"]().facts["exits_to_store"]["XAUUSD"] == 3, "the exits")
        await house.bus.publish(catalogue.SIGNAL, a_signal(1, side=Side.SELL), "XAUUSD", "trend_pullback")
        await until(lambda: retried() > held_back + 1, "the signal to wait for its second time")
        await house.rows_only("drop trigger no_exits on position")
        await house.closed(3)
        await until(lambda: len(house.sent()) == 6, "the next signal")


def retried() -> float:
    """Count how often a signal was held."""
    return float(metrics.RETRIED.labels(catalogue.POSITIONS_SIGNALS.name, catalogue.SIGNAL.name)._value.get())


FULL = """
    create function full_disk() returns trigger language plpgsql as $$
    begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
    create trigger full_disk before insert or update on position for each row execute function full_disk();
"""


async def test_s6_a_full_disk_is_said_and_what_is_new_waits_while_what_is_there_is_read(house: House) -> None:
    async with house.room() as room:
        await house.opened(1)
        await house.rows_only(FULL)
        await house.tick(a_tick(1000, 3998.0), a_tick(2000, 4010.0))
        await until(lambda: not room.checks()["database"]().is_ready, "a full disk")
        check = room.checks()["database"]()
        status = await house.status(1)
        await house.rows_only("drop trigger full_disk on position")
        (closed,) = await house.closed(1)

    assert "full" in check.reason
    assert (check.facts, room.breaker.is_open) == ({"breaker_open": False}, False)
    assert status.position is not None
    assert (closed.exit, closed.closed_ms) == (3998.0, START_MS + 1000)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a disk that is soon full; skips where that is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(
        ("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)), capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk must be mounted, which takes root")
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


async def test_s6_a_disk_that_is_really_full_lets_a_signal_wait_until_there_is_room(
    own_postgres_server: Server, nats: str
) -> None:
    cluster = own_postgres_server.cluster
    assert cluster.user is None or os.geteuid() == 0
    with small_disk(cluster.data.parent / "small", "48m") as disk:
        if cluster.user is not None:
            os.chown(disk, pwd.getpwnam(cluster.user).pw_uid, -1)
        with psycopg.connect(cluster.url, autocommit=True) as admin:
            admin.execute(f"create tablespace small location '{disk}'")  # type: ignore[arg-type]
            admin.execute("create database narrow tablespace small")
        url = cluster.url_of("narrow")
        await apply_migrations(url)
        async with House.open(url) as house, house.room() as room:
            await house.feed()
            await house.subscribe(*range(1, 81))
            fill_up(url)
            await house.bus.publish(catalogue.SIGNAL, a_signal(), "XAUUSD", "trend_pullback")
            await until(lambda: not room.checks()["database"]().is_ready, "a full disk")
            reason = room.checks()["database"]().reason
            assert house.sent() == []
            await house.rows_only("drop table public.filler")
            await until(lambda: len(house.sent()) == 80, "the signal")
        with psycopg.connect(cluster.url, autocommit=True) as admin:
            admin.execute("drop database narrow with (force)")
            admin.execute("drop tablespace small")

    assert "full" in reason


def fill_up(url: str) -> None:
    """Write until nothing more fits, first in large pieces and then in pages."""
    write = "insert into filler select repeat('x', 7000) from generate_series(1, %s)"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table filler (n text)")
        connection.execute("alter table filler alter column n set storage plain")
        for rows in (500, 1):
            is_full = False
            while not is_full:
                try:
                    connection.execute(write, [rows])
                except psycopg.errors.DiskFull:
                    is_full = True


# --- the parts --------------------------------------------------------------------------------------------------------


async def test_the_breaker_opens_for_a_silent_server_and_closes_at_its_first_word(own_postgres_server: Server) -> None:
    breaker = Breaker(own_postgres_server.cluster.url, name="test", clock=SystemClock())
    task = asyncio.ensure_future(breaker.run())
    try:
        await asyncio.sleep(0)
        breaker.admit()
        with own_postgres_server.frozen():
            await until(lambda: breaker.is_open, "open")
            with pytest.raises(TransientError, match="does not answer"):
                breaker.admit()
        await until(lambda: not breaker.is_open, "closed")
        breaker.admit()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_conflicts_and_a_full_disk_do_not_open_the_breaker(postgres: str) -> None:
    breaker = Breaker(postgres, name="test", clock=SystemClock())

    breaker.note(ConflictError("deadlock"))
    breaker.note(DatabaseFullError("full"))

    assert (breaker.is_open, breaker.is_full) == (False, True)


class Open:
    """A gate that lets everybody through."""

    def admit(self) -> None:
        """Let through."""


async def test_a_question_that_takes_too_long_is_answered_in_time_and_let_go() -> None:
    ended = asyncio.Event()

    async def handle(_question: int) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return 1

    with pytest.raises(TransientError, match="not answered within"):
        await Reception(Open(), at_once=1, limit_s=0.05).taking(handle)(1)
    await asyncio.wait_for(ended.wait(), 60)


async def test_more_questions_than_may_be_worked_on_wait_for_their_turn() -> None:
    most, now = 0, 0

    async def handle(question: int) -> int:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return question

    answer = Reception(Open(), at_once=3, limit_s=60).taking(handle)

    assert await asyncio.gather(*(answer(n) for n in range(50))) == list(range(50))
    assert most == 3


@pytest.mark.parametrize(("conflicts", "is_answered"), [(3, True), (4, False)])
async def test_what_was_in_anothers_way_is_tried_again_but_not_for_ever(
    house: House, conflicts: int, *, is_answered: bool
) -> None:
    """The server itself reports the deadlock; a sequence counts, since it is not rolled back."""
    async with house.room():
        await house.subscribe(1)
        await house.rows_only(
            "create sequence clash; create function clash() returns trigger language plpgsql as $$ begin"
            f" if nextval('clash') <= {conflicts} then raise exception 'clash' using errcode = 'deadlock_detected';"
            " end if; return new; end $$;"
            " create trigger clash before update on subscriber for each row execute function clash()"
        )
        request = asks.SetLanguage(subscriber_id=1, language="en")
        if is_answered:
            assert (await house.bus.ask(catalogue.SET_LANGUAGE, request)).language == "en"
        else:
            with pytest.raises(TransientError, match="clash"):
                await house.bus.ask(catalogue.SET_LANGUAGE, request)


async def test_a_delivery_in_anothers_way_is_handled_once(house: House) -> None:
    async with house.room():
        await house.feed()
        await house.subscribe(1)
        await house.tick(a_tick(0, 3999.9))
        await house.raise_signal(a_signal())
        await house.rows_only(
            "create sequence clash; create function clash() returns trigger language plpgsql as $$ begin"
            " if nextval('clash') <= 2 then raise exception 'clash' using errcode = 'serialization_failure';"
            " end if; return new; end $$;"
            " create trigger clash before update on position for each row execute function clash()"
        )
        await house.deliver(1)

        async def is_open() -> Any:
            return await house.states() == {1: "open"}

        await until_row(is_open, "opened")
        await house.quiet()
    assert await house.rows("select count(*) from position_event") == [(2,)]
