"""How far ticks were followed, and pauses, in PostgreSQL."""

from services.positions.adapters.postgres_rows import Connection
from services.positions.domain.calm import Pause
from services.positions.ports import Mark, TenureOverError

_BEGIN = """
    insert into progress (symbol, tenure) values (%s, 1)
    on conflict (symbol) do update set tenure = progress.tenure + 1
    returning tenure, sequence, epoch_ms, rewind_sequence, rewind_epoch_ms
"""
_SAVE = """
    update progress set sequence = %s, epoch_ms = %s, rewind_sequence = %s, rewind_epoch_ms = %s, saved_at = now()
    where symbol = %s and tenure = %s
"""
_PAUSING = "select since_ms, slippage_pips, until_ms from pause where symbol = %s and until_ms is null"
_PAUSE = """
    insert into pause (symbol, since_ms, slippage_pips, until_ms) values (%s, %s, %s, %s)
    on conflict (symbol, since_ms) do update set until_ms = coalesce(pause.until_ms, excluded.until_ms)
"""


class PostgresProgress:
    """The tables `progress` and `pause`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def begin(self, symbol: str) -> tuple[int, Mark | None]:
        """Start a tenure; a mark of zeros is none."""
        row = await (await self._connection.execute(_BEGIN, (symbol,))).fetchone()
        assert row is not None
        return row[0], Mark(*row[1:]) if row[1] else None

    async def is_current(self, symbol: str, tenure: int) -> bool:
        """Tell whether a tenure is still the last one."""
        query = "select tenure = %s from progress where symbol = %s"
        row = await (await self._connection.execute(query, (tenure, symbol))).fetchone()
        return bool(row and row[0])

    async def pausing(self, symbol: str) -> Pause | None:
        """Read the pause that has not ended."""
        row = await (await self._connection.execute(_PAUSING, (symbol,))).fetchone()
        return None if row is None else Pause(*row)

    async def pause(self, symbol: str, pause: Pause) -> None:
        """Store that a pause began or ended."""
        await self._connection.execute(_PAUSE, (symbol, pause.since_ms, pause.slippage_pips, pause.until_ms))

    async def save(self, symbol: str, tenure: int, mark: Mark) -> None:
        """Store the mark, or find that another tenure has begun."""
        values = (mark.sequence, mark.epoch_ms, mark.rewind_sequence, mark.rewind_epoch_ms, symbol, tenure)
        cursor = await self._connection.execute(_SAVE, values)
        if cursor.rowcount != 1:
            raise TenureOverError(f"tenure {tenure} of {symbol} is over")
