"""Databases to back up: filled with a few people, their trades, and messages that wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql

from sandbox.stack.postgres import Cluster

PEOPLE = 40
FILL = """
    set search_path to positions;
    insert into subscriber (id, chat_id, name, language, time_zone, lots, auto)
        select n, n, 'n' || n, 'id', 'Asia/Jakarta', 0.01, true from generate_series(1, 40) n;
    insert into signal (id, symbol, strategy, strategy_version, interval, mode, side, entry, stop, targets, rr,
        strength, score, reasons, candle_open_s, quote_ms, raised_at)
        values ('s:1', 'XAUUSD', 'x', '1', 'M1', 'auto', 'BUY', 4000.0, 3998.0, '{4003.0}', 1.5, 0.4, 6, '{}', 0, 0,
            now());
    insert into position (id, subscriber_id, lots, signal_id, symbol, side, mode, state, entry, initial_stop, stop,
        targets, quote_ms, in_force_ms, proposed_at, expires_at)
        select 'p:' || n, n, 0.01, 's:1', 'XAUUSD', 'BUY', 'auto', 'proposed', 4000.1, 3998.1, 3998.1, '{4003.1}', 0, 0,
            now(), now() from generate_series(1, 40) n;
    insert into position_event (position_id, version, event, at, market_ms)
        select 'p:' || n, 1, 'proposed', now(), 0 from generate_series(1, 40) n;
    insert into outbox (message_id, subject, body)
        select 'm:' || n, 'send.v1.x', '\\x00ff' from generate_series(1, 7) n;
    update outbox set xid = '9000000000000', created_at = now() - interval '90 s' where id = 1;
    insert into inbox (consumer, message_id) select 'c', 'm:' || n from generate_series(1, 11) n;
"""
"""One row of the outbox was written by a transaction whose number lies far in the future of every other server."""


def fill(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(FILL)


@contextmanager
def empty_database(cluster: Cluster) -> Iterator[str]:
    """Lend an empty database; gone afterwards."""
    name = f"empty_{uuid4().hex[:12]}"
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield cluster.url_of(name)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def dump_of(url: str, table: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(f"select * from {table} t order by t::text".encode()).fetchall()


def databases(cluster: Cluster) -> set[str]:
    with psycopg.connect(cluster.url) as connection:
        return {row[0] for row in connection.execute("select datname from pg_database").fetchall()}
