"""Which database, and how is it opened? SQLite in WAL for one machine, PostgreSQL for production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Engine, create_engine, event

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy.engine import Connection

WRITE = "qsubmit_write"
BUSY_MS = 60_000
IDLE_MS = 30_000


def open_engine(url: str, *, pool_size: int = 5) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql+psycopg://...``; durable commits on both."""
    if url.startswith("sqlite"):
        return _sqlite(url)
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
