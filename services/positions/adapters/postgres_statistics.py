"""Closed trades counted by PostgreSQL, in one statement: what is told in one answer was true at one moment.

Money and R are summed as numeric, so that a sum does not depend on its order. R lies in the table as a float of four
decimals; as a numeric it is its written value. All windows have one order, so that trades are sorted once.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from contracts.messages import CurveMark, CurvePoint
from services.positions.adapters.postgres_rows import Connection
from services.positions.domain.curve import Curve
from services.positions.domain.plans import PARTS, Targets
from services.positions.domain.statistics import By, Group, Sums
from services.positions.ports import Scope

_SHARES = [float(part.share) for part in PARTS[Targets.THREE]]
_PARTS = " + ".join(f"{share} * abs(t.targets[{at}] - t.entry)" for at, share in enumerate(_SHARES, start=1))
_PLANNED = f"""
    case when cardinality(t.targets) = {len(_SHARES)} then {_PARTS} else abs(t.targets[1] - t.entry) end
        / abs(t.entry - t.initial_stop)
"""
_WANTED = """
    (%(from_ms)s::bigint is null or t.closed_ms >= %(from_ms)s)
    and (%(symbol)s::text is null or t.symbol = %(symbol)s)
    and (%(strategy)s::text is null or g.strategy = %(strategy)s)
"""
_EACH = f"""
    select t.id, t.opened_ms, t.closed_ms, t.pnl, t.r::numeric as r, t.mode, t.side, g.strategy, t.symbol,
        {_PLANNED} as planned, t.slippage_pips
    from trade t join signal g on g.id = t.signal_id where {_WANTED}
"""  # noqa: S608  # constants of this module, here and below
_OF_ONE = f"{_EACH} and t.subscriber_id = %(subscriber)s"
_OF_SIGNALS = f"""
    select g.id, min(t.opened_ms) as opened_ms, max(t.closed_ms) as closed_ms,
        round(avg(t.pnl * 0.01 / t.lots), 2) as pnl, round(avg(t.r::numeric), 4) as r, t.mode, t.side,
        g.strategy, t.symbol, avg({_PLANNED}) as planned, avg(t.slippage_pips) as slippage_pips
    from trade t join signal g on g.id = t.signal_id where {_WANTED} and t.mode = 'auto'
    group by g.id, t.mode, t.side, g.strategy, t.symbol
"""  # noqa: S608
_COUNT = """
    with taken as ({source}), placed as (
        select *, sum(pnl) over closing as balance, sum(r) over closing as balance_r
        from taken window closing as (order by closed_ms, id rows unbounded preceding)
    ), sunk as (
        select greatest(0, max(balance) over so_far) - balance as below,
            greatest(0, max(balance_r) over so_far) - balance_r as below_r
        from placed window so_far as (order by closed_ms, id rows unbounded preceding)
    ), islands as (
        select pnl > 0 as is_win, row_number() over (order by closed_ms, id)
            - row_number() over (partition by pnl > 0 order by closed_ms, id) as island
        from placed where pnl <> 0
    ), runs as (
        select is_win, count(*) as length from islands group by is_win, island
    ), grouped as (
        select grouping(mode, side, strategy, symbol, hour) as shape,
            coalesce(mode, side, strategy, symbol, hour::text) as name, count(*) as trades,
            count(*) filter (where pnl > 0) as wins, count(*) filter (where pnl < 0) as losses, sum(pnl) as pnl,
            sum(r) as r
        from (
            select *, extract(hour from to_timestamp(opened_ms / 1000.0::float8) at time zone %(zone)s)::int as hour
            from taken
        ) as timed
        group by grouping sets ((mode), (side), (strategy), (symbol), (hour))
    )
    select count(*), count(*) filter (where pnl > 0), count(*) filter (where pnl < 0), coalesce(sum(pnl), 0.00),
        coalesce(sum(r), 0), coalesce(sum(pnl) filter (where pnl > 0), 0.00),
        coalesce(-sum(pnl) filter (where pnl < 0), 0.00), max(pnl), min(pnl),
        coalesce(sum(r) filter (where pnl > 0), 0), coalesce(sum(r) filter (where pnl < 0), 0), avg(planned)::float8,
        (select coalesce(max(below), 0.00) from sunk), (select coalesce(max(below_r), 0) from sunk),
        (select coalesce(max(length), 0) from runs where is_win),
        (select coalesce(max(length), 0) from runs where not is_win),
        avg((closed_ms - opened_ms) / 1000.0)::float8,
        percentile_cont(0.5) within group (order by (closed_ms - opened_ms) / 1000.0::float8), avg(slippage_pips),
        (select json_agg(json_build_array(shape, name, trades, wins, losses, pnl::text, r::text) order by shape, name)
            from grouped),
        {curve}
    from taken
"""
_NO_CURVE = "null"
_CELLS = 150
_MOST_POINTS = 4 * _CELLS
_CURVE = f"""
    (with numbered as (
        select row_number() over closing as number, count(*) over () as total, closed_ms, pnl, balance,
            greatest(0, max(balance) over (closing rows unbounded preceding)) - balance as below
        from placed window closing as (order by closed_ms, id)
    ), celled as (
        select *, case when total <= {_MOST_POINTS} then number else (number - 1) * {_CELLS} / total end as cell
        from numbered
    ), ranked as (
        select *, row_number() over (partition by cell order by balance desc, number) as from_top,
            row_number() over (partition by cell order by balance, number) as from_bottom,
            row_number() over (partition by cell order by below desc, number) as from_deepest,
            row_number() over (partition by cell order by number desc) as from_end,
            row_number() over (order by pnl desc, number) as from_best,
            row_number() over (order by pnl, number) as from_worst
        from celled
    )
    select json_agg(json_build_array(number, closed_ms, balance::text, below::text, pnl::text, from_best = 1,
        from_worst = 1) order by number)
    from ranked where 1 in (number, from_top, from_bottom, from_deepest, from_end, from_best, from_worst))
"""  # noqa: S608
"""Of more trades than a picture has room for, each of its cells keeps its last, its highest, its lowest, and the one
furthest below the highest so far; so the extremes of all are among them. The first trade, the best and the worst are
kept too.
"""
_SHAPES = {0b01111: By.MODE, 0b10111: By.SIDE, 0b11011: By.STRATEGY, 0b11101: By.SYMBOL, 0b11110: By.HOUR}
"""`grouping` has a bit for each column that a row is not grouped by, the first one highest."""
_ROOM_TO_SORT = "set local work_mem = '64MB'"
"""Half a million trades; with less they are sorted on disk."""


class PostgresStatistics:
    """Counting over the view `trade`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def of_subscriber(self, subscriber_id: int, scope: Scope, *, has_curve: bool = False) -> Sums:
        """Count the trades of one person."""
        return await self._count(_OF_ONE, scope, _CURVE if has_curve else _NO_CURVE, subscriber=subscriber_id)

    async def of_signals(self, scope: Scope, *, has_curve: bool = False) -> Sums:
        """Count automatic signals, each once."""
        return await self._count(_OF_SIGNALS, scope, _CURVE if has_curve else _NO_CURVE)

    async def of_all(self, scope: Scope) -> Sums:
        """Count the trades of everybody, erased people's among them."""
        return await self._count(_EACH, scope, _NO_CURVE)

    async def _count(self, source: str, scope: Scope, curve: str, **values: Any) -> Sums:
        values |= {
            "from_ms": scope.from_ms, "symbol": scope.symbol, "strategy": scope.strategy, "zone": scope.time_zone,
        }  # fmt: skip
        await self._connection.execute(_ROOM_TO_SORT)
        cursor = await self._connection.execute(_COUNT.format(source=source, curve=curve).encode(), values)
        row = await cursor.fetchone()
        assert row is not None, "an aggregate has one row"
        return _sums(row)


def _sums(row: tuple[Any, ...]) -> Sums:
    return Sums(
        trades=row[0],
        wins=row[1],
        losses=row[2],
        pnl=row[3],
        r=row[4],
        gross_profit=row[5],
        gross_loss=row[6],
        best=row[7],
        worst=row[8],
        win_r=row[9],
        loss_r=row[10],
        planned_rr=row[11],
        max_drawdown=row[12],
        max_drawdown_r=row[13],
        win_streak=row[14],
        loss_streak=row[15],
        hold_s_mean=row[16],
        hold_s_median=row[17],
        slippage_pips_mean=row[18],
        groups=_groups(row[19] or []),
        curve=_curve(row[20]) if row[20] else None,
    )


def _curve(rows: list[list[Any]]) -> Curve:
    """Read the kept trades: number, when they closed, balance, how far below the highest, result, best, worst."""
    return Curve(
        points=tuple(CurvePoint(row[0], row[1], Decimal(row[2]), Decimal(row[3])) for row in rows),
        best=next(CurveMark(number=row[0], pnl=Decimal(row[4])) for row in rows if row[5]),
        worst=next(CurveMark(number=row[0], pnl=Decimal(row[4])) for row in rows if row[6]),
    )


def _groups(rows: list[list[Any]]) -> Mapping[By, tuple[Group, ...]]:
    found: dict[By, list[Group]] = defaultdict(list)
    for shape, name, trades, wins, losses, pnl, r in rows:
        group = Group(name=name, trades=trades, wins=wins, losses=losses, pnl=Decimal(pnl), r=Decimal(r))
        found[_SHAPES[shape]].append(group)
    found[By.HOUR].sort(key=lambda group: int(group.name))
    return {by: tuple(groups) for by, groups in found.items()}
