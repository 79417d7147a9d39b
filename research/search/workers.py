"""Work on several cores: processes that are equipped once and then told task by task.

Workers leave SIGINT to the one who asked, and end with it.
"""

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, Generic, Protocol, TypeVar

from research.search import interrupts

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
Task_contra = TypeVar("Task_contra", contravariant=True)
Outcome_co = TypeVar("Outcome_co", covariant=True)

_held: list[Callable[[Any], Any]] = []
"""The work that this worker was equipped with: it lives for one crew."""


class Crew(Protocol[Task_contra, Outcome_co]):
    """Does tasks; outcomes come as they finish, in any order."""

    def run(self, tasks: Sequence[Task_contra]) -> Iterator[Outcome_co]: ...


class InPlace(Generic[Task, Outcome]):
    """Does tasks here, one after another."""

    def __init__(self, work: Callable[[Task], Outcome]) -> None:
        self._work = work

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Do them in order."""
        return map(self._work, tasks)


class Processes(Generic[Task, Outcome]):
    """Does tasks in processes of their own."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Do them all at once, as far as there are workers."""
        with interrupts.held():
            futures = [self._pool.submit(_do, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()


@contextlib.contextmanager
def employed(work: Callable[[Task], Outcome], count: int) -> Iterator[Crew[Task, Outcome]]:
    """Employ `count` workers for a picklable work; one works in this process."""
    if count == 1:
        yield InPlace(work)
        return
    # A fresh interpreter each: a fork would copy threads that numpy or a progress bar may hold.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_equip, initargs=(work,))
    try:
        yield Processes(pool)
    finally:
        for process in tuple((pool._processes or {}).values()):  # noqa: SLF001  # there is no public word for it
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _equip(work: Callable[[Any], Any]) -> None:
    _held[:] = [work]


def _do(task: Any) -> Any:
    return _held[0](task)
