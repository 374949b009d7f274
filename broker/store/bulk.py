"""How are many rows written at once? SQLAlchemy's own statement, compiled once, given straight to the driver.

``Connection.execute(insert, rows)`` walks every value of every row in Python; on the submit path that costs more than
the database does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

_compiled: dict[tuple[str, str], str] = {}


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that all have the same columns; values must be what the driver takes (text, integers, None)."""
    if not rows:
        return
    columns = sorted(rows[0])
    key = (connection.dialect.name, f"{table.name}:{','.join(columns)}")
    statement = _compiled.get(key)
    if statement is None:
        statement = _compiled[key] = _compile(connection, table, columns)
    connection.exec_driver_sql(statement, list(rows))


def _compile(connection: Connection, table: Table, columns: Sequence[str]) -> str:
    quote = connection.dialect.identifier_preparer.quote
    mark = "%({})s" if connection.dialect.name == "postgresql" else ":{}"
    names = ", ".join(quote(column) for column in columns)
    marks = ", ".join(mark.format(column) for column in columns)
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})"  # noqa: S608  names of our own tables
