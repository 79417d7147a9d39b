"""What people ask of PostgreSQL. No query looks at a position without its owner's id; and if one did,
`PostgresStore.view` would show it no row of anybody else.
"""

from contracts import ids
from contracts.asks import ClosedTrade
from contracts.messages import ExitReason, Interval, Mode, Side
from services.positions.adapters.postgres_rows import HOLDING, HOLDING_WIDTH, Connection, Row, holding
from services.positions.domain.holding import Holding
from services.positions.ports import Counts, Drawn, Page, Refused, Story

_LIVE_STATES = "p.state in ('proposed', 'parked', 'open')"
_LIVE = f"""
    select {HOLDING} from position p join subscriber s on s.id = p.subscriber_id
    where p.subscriber_id = %s and p.symbol = %s and {_LIVE_STATES}
"""  # noqa: S608  # constant lists of columns, here and below
_TRADES = """
    select id, symbol, side, mode, entry, exit_price, exit_reason, pnl, r, opened_ms, closed_ms from trade
    where subscriber_id = %s order by closed_ms desc, id limit %s offset %s
"""
_TOTALS = """
    select count(*), count(*) filter (where pnl > 0), count(*) filter (where pnl < 0), coalesce(sum(pnl), 0)
    from trade where subscriber_id = %s
"""
_STORY = f"""
    select g.reasons, p.proposed_at, {_LIVE_STATES} from position p join signal g on g.id = p.signal_id
    where p.subscriber_id = %s
"""  # noqa: S608
_STORY_OF_ONE = f"{_STORY} and p.id = %s"
_LAST_STORY = f"{_STORY} and p.state <> 'void' order by p.proposed_at desc limit 1"
_REFUSAL = """
    select symbol, mode, reasons, refused_at, signal_id, market_ms from refusal
    where subscriber_id = %s order by refused_at desc limit 1
"""
_DRAWN = f"""
    select {HOLDING}, g.interval, g.rr, g.strength, g.score, case when p.state = 'closed' then p.closed_ms end
    from position p join subscriber s on s.id = p.subscriber_id join signal g on g.id = p.signal_id
    where p.subscriber_id = %s
"""  # noqa: S608
_DRAWN_ONE = f"{_DRAWN} and p.id = %s"
_DRAWN_LIVE = f"{_DRAWN} and p.symbol = %s and {_LIVE_STATES}"
_COUNTS = """
    select (select count(*) from subscriber where active),
        (select count(*) from position where state in ('proposed', 'parked', 'open'))
"""


class PostgresAnswers:
    """Reading, owner by owner."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def live(self, subscriber_id: int, symbol: str) -> Holding | None:
        """Read the live position of a subscriber."""
        row = await self._row(_LIVE, subscriber_id, symbol)
        return None if row is None else holding(row)

    async def history(self, subscriber_id: int, *, offset: int, limit: int) -> Page:
        """Read closed trades, newest first."""
        cursor = await self._connection.execute(_TRADES, (subscriber_id, limit, offset))
        trades = tuple(_trade(row) for row in await cursor.fetchall())
        totals = await self._row(_TOTALS, subscriber_id)
        assert totals is not None
        return Page(trades, *totals)

    async def story(self, subscriber_id: int, position_id: str | None) -> Story | None:
        """Read why a position, or the last one that was not void, was given."""
        if position_id is None:
            row = await self._row(_LAST_STORY, subscriber_id)
        else:
            row = await self._row(_STORY_OF_ONE, subscriber_id, position_id)
        return None if row is None else Story(tuple(row[0]), row[1], row[2])

    async def refusal(self, subscriber_id: int) -> Refused | None:
        """Read the last refusal."""
        row = await self._row(_REFUSAL, subscriber_id)
        if row is None:
            return None
        return Refused(
            subscriber_id=subscriber_id,
            symbol=row[0],
            mode=Mode(row[1]),
            reasons=tuple(row[2]),
            refused_at=row[3],
            signal_id=row[4],
            market_ms=row[5],
        )

    async def drawn(self, subscriber_id: int, position_id: str) -> Drawn | None:
        """Read what the chart of one position shows."""
        return _drawn(await self._row(_DRAWN_ONE, subscriber_id, position_id))

    async def live_drawn(self, subscriber_id: int, symbol: str) -> Drawn | None:
        """Read what the chart of the live position shows."""
        return _drawn(await self._row(_DRAWN_LIVE, subscriber_id, symbol))

    async def counts(self) -> Counts:
        """Count people and live positions."""
        row = await self._row(_COUNTS)
        assert row is not None
        return Counts(row[0], row[1])

    async def _row(self, query: str, *values: object) -> Row | None:
        return await (await self._connection.execute(query.encode(), values)).fetchone()


def _trade(row: Row) -> ClosedTrade:
    return ClosedTrade(
        position_id=row[0],
        short_id=ids.short_id(row[0]),
        symbol=row[1],
        side=Side(row[2]),
        mode=Mode(row[3]),
        entry=row[4],
        exit=row[5],
        reason=ExitReason(row[6]),
        pnl=row[7],
        r=row[8],
        opened_ms=row[9],
        closed_ms=row[10],
    )


def _drawn(row: Row | None) -> Drawn | None:
    if row is None:
        return None
    interval, *signal = row[HOLDING_WIDTH:]
    return Drawn(holding(row), Interval(interval), *signal)
