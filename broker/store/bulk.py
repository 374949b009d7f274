"""How are many rows written at once? SQLAlchemy's own statement, compiled once, given straight to the driver.

``Connection.execute(insert, rows)`` walks every value of every row in Python; on the submit path that costs more than
the database does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Insert, Table, Update
    from sqlalchemy.engine import Connection

_compiled: dict[tuple[str, int], str] = {}
_inserts: dict[tuple[str, str], Insert] = {}


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that all have the same columns; values must be what the driver takes (text, integers, None)."""
    if not rows:
        return
    columns = sorted(rows[0])
    key = (table.name, ",".join(columns))
    if key not in _inserts:
        _inserts[key] = table.insert().values({column: bindparam(column) for column in columns})
    run_many(connection, _inserts[key], rows)


def run_many(connection: Connection, statement: Insert | Update, rows: Sequence[dict[str, Any]]) -> int:
    """Run one statement for each row of named values; returns how many rows it touched in all.

    ``statement`` must live as long as the process: it is compiled once and remembered by identity.
    """
    key = (connection.dialect.name, id(statement))
    text = _compiled.get(key)
    if text is None:
        text = _compiled[key] = _compile(connection, statement)
    return connection.exec_driver_sql(text, list(rows)).rowcount


def _compile(connection: Connection, statement: Insert | Update) -> str:
    if connection.dialect.name == "sqlite":
        return str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))
    return str(statement.compile(dialect=connection.dialect))
