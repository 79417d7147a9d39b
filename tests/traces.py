"""Looks for a person everywhere: in every column of every table of a database."""

from collections.abc import Iterable

from psycopg import sql

from chassis.database import Pool

_COLUMNS = """
    select c.table_schema, c.table_name, c.column_name from information_schema.columns c
    join information_schema.tables t using (table_schema, table_name)
    where t.table_type = 'BASE TABLE' and c.table_schema not in ('pg_catalog', 'information_schema')
    order by 1, 2, c.ordinal_position
"""


async def traces_of(pool: Pool, needles: Iterable[str]) -> list[tuple[str, str]]:
    """List (table, column) where any of the texts stands, as a part of whatever is stored there."""
    wanted = [f"%{needle}%" for needle in needles]
    found = []
    async with pool.connection() as connection:
        for schema, table, column in await (await connection.execute(_COLUMNS)).fetchall():
            name = sql.Identifier(column)
            text = sql.SQL("encode({0}, 'escape')") if column == "body" else sql.SQL("{0}::text")
            query = sql.SQL("select exists (select from {} where {} like any(%s))").format(
                sql.Identifier(schema, table), text.format(name)
            )
            row = await (await connection.execute(query, [wanted])).fetchone()
            if row is not None and row[0]:
                found.append((f"{schema}.{table}", column))
    return found
