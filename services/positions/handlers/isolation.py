"""Many at once, but nobody suffers for another: what the database refuses is searched for and left out."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from chassis.errors import RejectedError
from services.positions.ports import Work

T = TypeVar("T")


async def in_parts(
    work: Work,
    many: Sequence[T],
    do: Callable[[Sequence[T]], Awaitable[None]],
    give_up: Callable[[T, RejectedError], None],
) -> None:
    """Do something for many in one savepoint; when it is refused, halve until the one it is refused for stands alone.

    One bad row among n costs about 2·log₂ n savepoints.
    """
    if not many:
        return
    try:
        async with work.part():
            await do(many)
    except RejectedError as e:
        if len(many) == 1:
            give_up(many[0], e)
            return
        middle = len(many) // 2
        await in_parts(work, many[:middle], do, give_up)
        await in_parts(work, many[middle:], do, give_up)
