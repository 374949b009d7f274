"""Where does a sandbox remember? One SQLite file whose committed rows survive a kill -9."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Database:
    """One connection behind one lock; ``write`` nests, so that a task and its ledger row commit together."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._lock = threading.RLock()
        self._depth = 0

    def create(self, statements: str) -> None:
        """Run idempotent ``CREATE ... IF NOT EXISTS`` statements."""
        with self._lock:
            self._connection.executescript(statements)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; an inner ``write`` joins the outer one."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
            except BaseException:
                self._leave("ROLLBACK" if outermost else None)
                raise
            self._leave("COMMIT" if outermost else None)

    def _leave(self, last_word: str | None) -> None:
        self._depth -= 1
        if last_word:
            self._connection.execute(last_word)

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """Every row of a query."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()
