"""`python -m tests.record_release`: keep what this release says to its database.

Run it before a migration is written: `tests/<room>/releases/NNNN.sql`, named by the last migration there is, is what
copies of this release go on saying while the new schema stands. `tests/test_rollout.py` says it to every later one.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import contextmanager
from types import ModuleType

import structlog

from chassis.database import find_migrations
from tests.positions import life as positions_life
from tests.postgres_server import postgres, postgres_cluster
from tests.releases import SPOKEN, folder_of, record, replay, shape, write
from tests.telegram import life as telegram_life

LIVES = {"positions": positions_life, "telegram": telegram_life}
LEFT_OUT = ("max(epoch_ms) from progress", "'sweep'")
"""What the tests look at while they wait is not said by the release. And what a job that is due twenty times a second
gives depends on the clock.
"""


def recorded(url: str, life: ModuleType) -> list[str]:
    """Live a life and write down what was said."""
    with record(url) as heard:
        asyncio.run(life.live(url))
    missing = unsaid(life.ADAPTERS, heard)
    if missing:
        raise SystemExit(f"the life did not come to say: {missing}")
    return thinned(text for text in heard if not any(words in text for words in LEFT_OUT))


def unsaid(adapters: Iterable[ModuleType], heard: list[str]) -> list[str]:
    """Name the statements of adapters that nobody said."""
    said = {" ".join(one.split())[:25] for one in heard}
    return [
        f"{module.__name__}.{name}"
        for module in adapters
        for name, text in vars(module).items()
        if name.startswith("_") and name.isupper() and isinstance(text, str) and text.split()[0] in SPOKEN
        if " ".join(text.split())[:25] not in said
    ]


def thinned(heard: Iterable[str]) -> list[str]:
    """Leave out what is looked at a third time; what changes rows stays, others stand on it."""
    seen: dict[str, int] = {}
    kept = []
    for text in heard:
        seen[shape(text)] = seen.get(shape(text), 0) + 1
        if seen[shape(text)] <= 2 or not text.lower().startswith("select"):
            kept.append(text)
    return kept


def main() -> None:
    """Record on one database, and note on a fresh one what each statement gives."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with contextmanager(postgres_cluster.__wrapped__)() as cluster:
        lend = contextmanager(postgres.__wrapped__)
        for schema, life in LIVES.items():
            name = find_migrations(schema)[-1].name.rsplit("/", 1)[-1][:4]
            with lend(cluster) as url:
                statements = recorded(url, life)
            with lend(cluster) as url:
                said = replay(url, schema, statements)
            write(folder_of(schema) / f"{name}.sql", said, f"what the release with migration {name} says")
            print(f"{schema}/releases/{name}.sql: {len(said)} statements")  # noqa: T201


if __name__ == "__main__":
    main()
