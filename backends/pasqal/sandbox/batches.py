"""What does the sandbox know of a batch? One row beside its tasks, one task for each job, both as vendor documents."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from backends.pasqal.clock import stamp
from backends.sandboxing.clock import now as vendor_now
from backends.sandboxing.tasks import ENDED, State, Task

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from backends.sandboxing.database import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS batches (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, user TEXT NOT NULL, project TEXT NOT NULL,
  device_type TEXT NOT NULL, tags TEXT NOT NULL, open INTEGER NOT NULL, timed_out INTEGER NOT NULL,
  cancelled INTEGER NOT NULL, sequence TEXT, configuration TEXT, webhook TEXT, parent TEXT,
  created_at REAL NOT NULL, updated_at REAL NOT NULL);
"""
JOB_WORDS = {
    State.HELD: "PENDING",
    State.QUEUED: "PENDING",
    State.RUNNING: "RUNNING",
    State.DONE: "DONE",
    State.FAILED: "ERROR",
    State.CANCELLED: "CANCELED",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRow:
    """A batch as created, with what may change later: its tags, and whether it still takes jobs."""

    id: str
    user: str
    project: str
    device_type: str
    tags: tuple[str, ...] = ()
    open: bool = False
    timed_out: bool = False
    cancelled: bool = False
    sequence: str | None = None
    configuration: str | None = None
    webhook: str | None = None
    parent: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


_COLUMNS = tuple(BatchRow.__dataclass_fields__)


class Batches:
    """The rows, in the sandbox's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_TABLE)

    def add(self, row: BatchRow) -> BatchRow:
        """Keep a new batch; inside ``Database.write`` it commits with its tasks."""
        now = vendor_now()
        row = replace(row, created_at=now, updated_at=now)
        marks = ", ".join("?" for _ in _COLUMNS)
        with self._database.write() as connection:
            connection.execute(
                f"INSERT INTO batches ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608  our own columns
                _values(row),
            )
        return row

    def get(self, batch_id: str) -> BatchRow | None:
        """One batch by its id."""
        found = self._database.rows("SELECT * FROM batches WHERE id = ?", (batch_id,))
        return _row(found[0]) if found else None

    def all(self) -> list[BatchRow]:
        """Every batch, newest first."""
        return [_row(found) for found in self._database.rows("SELECT * FROM batches ORDER BY seq DESC")]

    def some(self, ids: Sequence[str]) -> list[BatchRow]:
        """The batches of these ids that are kept, newest first."""
        found = [row for one in set(ids) if (row := self.get(one)) is not None]
        return sorted(found, key=lambda row: row.created_at, reverse=True)

    def change(self, row: BatchRow) -> None:
        """Replace what may change."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE batches SET tags = ?, open = ?, timed_out = ?, cancelled = ?, updated_at = ? WHERE id = ?",
                (json.dumps(row.tags), row.open, row.timed_out, row.cancelled, vendor_now(), row.id),
            )

    def clear(self) -> None:
        """Forget everything."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM batches")


def _values(row: BatchRow) -> tuple[Any, ...]:
    return tuple(json.dumps(row.tags) if name == "tags" else getattr(row, name) for name in _COLUMNS)


def _row(found: sqlite3.Row) -> BatchRow:
    columns = {name: found[name] for name in _COLUMNS}
    columns |= {name: bool(found[name]) for name in ("open", "timed_out", "cancelled")}
    return BatchRow(**{**columns, "tags": tuple(json.loads(found["tags"]))})


def batch_word(row: BatchRow, jobs: Sequence[Task]) -> str:
    """The batch's status word, from what its jobs do."""
    states = {job.state for job in jobs}
    if row.timed_out:
        return "TIMED_OUT"
    if states - set(ENDED):
        return "RUNNING" if states & {State.RUNNING, *ENDED} else "PENDING"
    if row.open:
        return "RUNNING" if jobs else "PENDING"
    if State.DONE in states:
        return "CANCELED" if row.cancelled and State.CANCELLED in states else "DONE"
    return "ERROR" if State.FAILED in states else "CANCELED"


def batch_document(row: BatchRow, jobs: Sequence[Task], *, word: str | None) -> dict[str, Any]:
    """The vendor's JSON of a batch without its jobs; ``word`` replaces every status word."""
    words = [word or JOB_WORDS[job.state] for job in jobs]
    starts = [job.started_at for job in jobs if job.started_at]
    ends = [job.ended_at for job in jobs if job.ended_at]
    over = not row.open and len(ends) == len(jobs)
    return {
        "id": row.id,
        "status": word or batch_word(row, jobs),
        "open": row.open,
        "complete": not row.open,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(max([row.updated_at, *starts, *ends])),
        "start_datetime": stamp(min(starts)) if starts else None,
        "end_datetime": stamp(max(ends)) if ends and over else None,
        "device_type": row.device_type,
        "project_id": row.project,
        "user_id": row.user,
        "queue_priority": "MEDIUM",
        "parent_id": row.parent,
        "tags": list(row.tags),
        "webhook": row.webhook,
        "jobs_count": len(jobs),
        "jobs_count_per_status": {one: words.count(one) for one in sorted(set(words))},
    }


def job_document(row: BatchRow, job: Task, *, word: str | None) -> dict[str, Any]:
    """The vendor's JSON of one job."""
    return {
        "id": job.id,
        "batch_id": row.id,
        "project_id": row.project,
        "status": word or JOB_WORDS[job.state],
        "runs": job.request["runs"],
        "variables": job.request["variables"],
        "sequence": job.request["sequence"],
        "created_at": stamp(job.created_at),
        "updated_at": stamp(job.ended_at or job.started_at or job.created_at),
        "creation_order": job.seq,
        "start_timestamp": stamp(job.started_at) if job.started_at else None,
        "end_timestamp": stamp(job.ended_at) if job.ended_at else None,
        "errors": [job.failure] if job.failure else [],
        "parent_id": job.request.get("parent"),
    }
