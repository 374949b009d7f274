"""Which database, and how is it opened? SQLite in WAL for one machine, PostgreSQL for production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event

from broker.domain.text import spoiled, storable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

WRITE = "qsubmit_write"
BUSY_MS = 60_000
IDLE_MS = 30_000
MANY = 512
AT_ONCE = 1 << 16  # characters that are cheaper to copy than to look at one value after the other


def open_engine(url: str, *, pool_size: int = 5) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql+psycopg://...``; durable commits on both."""
    engine = _sqlite(url) if url.startswith("sqlite") else _postgresql(url, pool_size)
    event.listen(engine, "before_cursor_execute", _storable_only, retval=True)
    return engine


def _postgresql(url: str, pool_size: int) -> Engine:
    # A writer that stops between statements (a suspended machine) holds the append lock; the server ends it.
    patience = {"options": f"-c idle_in_transaction_session_timeout={IDLE_MS}"}
    return create_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, connect_args=patience)


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that turns into a write fails at once with SQLITE_BUSY, whatever the timeout;
        # taking the write lock at the start is what makes read-then-write safe here.
        write = connection.get_execution_options().get(WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _storable_only(
    _connection: Connection, _cursor: object, statement: str, parameters: object, _context: object, _many: object
) -> tuple[str, object]:
    # The last wall, below every repository: what nobody thought of as text from outside is storable too. What is
    # hashed or chained must be made so before (domain/result.py, store/rows.py), or its digest is another text's.
    return statement, _clean(parameters)


def _clean(parameters: object) -> object:
    """One row of values, or a list of rows."""
    rows = parameters if isinstance(parameters, list) else [parameters]
    if not _spoiled(rows):
        return parameters
    return [_clean_row(row) for row in rows] if isinstance(parameters, list) else _clean_row(parameters)


def _clean_row(row: object) -> object:
    if isinstance(row, dict):
        return {key: _clean_value(each) for key, each in row.items()}
    return tuple(_clean_value(each) for each in row) if isinstance(row, tuple) else row


def _clean_value(value: object) -> object:
    return storable(value) if isinstance(value, str) else value


def _spoiled(rows: Sequence[Any]) -> bool:
    # By class and as one text: this is done for every row of every statement, and a call for each value, or even for
    # each row, costs as much as all the rest of writing it.
    texts = [
        each
        for row in rows
        if row.__class__ is dict or row.__class__ is tuple
        for each in (row.values() if row.__class__ is dict else row)
        if each.__class__ is str
    ]
    return any(_spoiled_part(texts[place : place + MANY]) for place in range(0, len(texts), MANY))


def _spoiled_part(texts: Sequence[str]) -> bool:
    if sum(map(len, texts)) > AT_ONCE:
        return any(spoiled(each) for each in texts)
    return spoiled("".join(texts))
