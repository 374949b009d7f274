"""Which tasks does a sandbox hold? Rows that survive a kill -9, in the order of their creation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from backends.sandboxing.clock import now as vendor_now
from backends.sandboxing.ledger import Entry, Ledger

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from backends.sandboxing.database import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS tasks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, family TEXT NOT NULL, token TEXT NOT NULL,
  device TEXT NOT NULL, shots INTEGER NOT NULL, request TEXT NOT NULL, notes TEXT NOT NULL, state TEXT NOT NULL,
  created_at REAL NOT NULL, started_at REAL, ended_at REAL, run_ms INTEGER NOT NULL, failure TEXT NOT NULL,
  result TEXT);
CREATE INDEX IF NOT EXISTS tasks_state ON tasks (state, seq);
CREATE INDEX IF NOT EXISTS tasks_token ON tasks (token);
CREATE INDEX IF NOT EXISTS tasks_family ON tasks (family);
"""


class State(StrEnum):
    """Where a task stands; ``held`` waits for its vendor's go (an open batch), the rest is as it reads."""

    HELD = "held"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (State.HELD, State.QUEUED, State.RUNNING)
ENDED = (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One unit of vendor work.

    ``family`` joins tasks of one batch or group; ``token`` is what the client marked it with; ``request`` is the
    vendor's create body; ``notes`` are the vendor's own fields that may change later; ``result`` is text in the
    vendor's result form; times are Unix seconds.
    """

    id: str
    device: str
    token: str = ""
    family: str = ""
    shots: int = 0
    request: Mapping[str, Any]
    notes: Mapping[str, Any]
    state: State = State.QUEUED
    seq: int = 0
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    run_ms: int = 0
    failure: str = ""
    result: str | None = None


Settle = Callable[[Task], Entry | None]
"""The vendor's billing rule: an ended task → its charge row, or nothing when it costs nothing."""


class Tasks:
    """The store. An accepted task and its ``create`` row commit together, as do its end and its ``charge`` row."""

    def __init__(self, database: Database, ledger: Ledger, settle: Settle) -> None:
        self._database = database
        self._ledger = ledger
        self._settle = settle
        database.create(_TABLE)

    def accept(self, tasks: Iterable[Task], entries: Iterable[Entry]) -> list[Task]:
        """Keep tasks of one accepted request (one, or a whole batch) with their ledger rows."""
        with self._database.write() as connection:
            kept = [self._insert(connection, task) for task in tasks]
            for entry in entries:
                self._ledger.book(entry)
        return kept

    def _insert(self, connection: sqlite3.Connection, task: Task) -> Task:
        at = task.created_at or vendor_now()
        cursor = connection.execute(
            "INSERT INTO tasks (id, family, token, device, shots, request, notes, state, created_at, run_ms, failure)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')",
            (task.id, task.family, task.token, task.device, task.shots, json.dumps(task.request),
             json.dumps(task.notes), task.state.value, at),
        )  # fmt: skip
        return replace(task, seq=cursor.lastrowid or 0, created_at=at)

    def get(self, task_id: str) -> Task | None:
        """One task by its id."""
        found = self._database.rows("SELECT * FROM tasks WHERE id = ?", (task_id,))
        return _task(found[0]) if found else None

    def select(self, where: str = "1", values: tuple[Any, ...] = (), *, limit: int = -1, offset: int = 0) -> list[Task]:
        """Tasks in order of creation; ``where`` is SQL over the columns, never text from outside."""
        statement = f"SELECT * FROM tasks WHERE {where} ORDER BY seq LIMIT ? OFFSET ?"  # noqa: S608  our own SQL
        return [_task(row) for row in self._database.rows(statement, (*values, limit, offset))]

    def by_token(self, token: str) -> list[Task]:
        """Every task whose token is exactly ``token``."""
        return self.select("token = ?", (token,))

    def family(self, family: str) -> list[Task]:
        """Every task of one batch or group."""
        return self.select("family = ?", (family,))

    def in_state(self, *states: State, device: str | None = None) -> list[Task]:
        """Tasks in one of ``states``, of one device or of all."""
        marks = ", ".join("?" for _ in states)
        values: tuple[Any, ...] = tuple(state.value for state in states)
        if device is None:
            return self.select(f"state IN ({marks})", values)
        return self.select(f"state IN ({marks}) AND device = ?", (*values, device))

    def ahead_of(self, task: Task) -> int:
        """How many queued tasks of the same device stand before it."""
        found = self._database.rows(
            "SELECT count(*) AS n FROM tasks WHERE device = ? AND state = 'queued' AND seq < ?",
            (task.device, task.seq),
        )
        return int(found[0]["n"])

    def move(
        self, task_id: str, to: State, *, of: tuple[State, ...], failure: str = "", result: str | None = None,
        run_ms: int = 0,
    ) -> Task | None:  # fmt: skip
        """Compare and set; None when the task is not in a state of ``of``. An end books the vendor's charge."""
        stamp = "started_at" if to is State.RUNNING else "ended_at" if to in ENDED else None
        times = f", {stamp} = ?" if stamp else ""
        marks = ", ".join("?" for _ in of)
        values = (
            to.value,
            failure,
            result,
            run_ms,
            *((vendor_now(),) if stamp else ()),
            task_id,
            *of,
        )
        with self._database.write() as connection:
            changed = connection.execute(
                f"UPDATE tasks SET state = ?, failure = ?, result = ?, run_ms = ?{times}"  # noqa: S608  our own SQL
                f" WHERE id = ? AND state IN ({marks})",
                values,
            ).rowcount
            task = self.get(task_id)
            if not changed or task is None:
                return None
            entry = self._settle(task) if to in ENDED else None
            if entry is not None:
                self._ledger.book(entry)
        return task

    def note(self, task_id: str, notes: Mapping[str, Any]) -> None:
        """Replace the vendor's changeable fields of one task."""
        with self._database.write() as connection:
            connection.execute("UPDATE tasks SET notes = ? WHERE id = ?", (json.dumps(notes), task_id))

    def requeue_running(self) -> None:
        """After a kill: what was running starts again, in its old place."""
        with self._database.write() as connection:
            connection.execute("UPDATE tasks SET state = 'queued', started_at = NULL WHERE state = 'running'")

    def clear(self) -> None:
        """Forget everything, as ``POST /_sandbox/reset`` asks."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM tasks")


def _task(row: sqlite3.Row) -> Task:
    columns = {name: row[name] for name in Task.__dataclass_fields__}
    columns |= {
        "request": json.loads(row["request"]),
        "notes": json.loads(row["notes"]),
        "state": State(row["state"]),
    }
    return Task(**columns)
