"""What happened, in order? The stream of moves that timelines, metrics, bills and subscribers read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, select, text

from broker.domain.lifecycle import JobState
from broker.store.bulk import insert_rows
from broker.store.rows import micros, moment
from broker.store.tables import events, jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.engine import Connection

    from broker.domain.ids import JobId
    from broker.domain.job import Job
    from broker.domain.lifecycle import JobEvent

APPEND_LOCK = 0x71737562
_SENDING, _WAITING = JobState.SUBMITTING.value, JobState.QUEUED.value


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEvent:
    """A move with its place in the stream."""

    seq: int
    job: str
    organisation: str
    backend: str
    before: str | None
    after: str
    at: datetime
    reason: str


class Events:
    """The events table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, moves: Sequence[tuple[Job, JobEvent]]) -> None:
        """Write moves as the last thing before the commit.

        Serial numbers are given at insert but become visible at commit; without the lock a reader could pass over a
        lower number that commits later. The lock makes the order of numbers the order of commits.
        """
        if not moves:
            return
        serialise_appends(self._connection)
        rows = [
            {
                "job_id": event.job_id,
                "organisation_id": job.organisation,
                "backend": job.backend,
                "before": None if event.before is None else event.before.value,
                "after": event.after.value,
                "at": micros(event.at),
                "reason": event.reason,
            }
            for job, event in moves
        ]
        insert_rows(self._connection, events, rows)

    def fold_returns(self, job_id: JobId, kept: int) -> None:
        """Drop the oldest ways from ``queued`` to ``submitting`` and back, but for the newest ``kept`` of them.

        A return is always the move after its departure, so what is left is a chain as before, and readers that
        resume by number miss nothing: they pass over the gap.
        """
        mine = and_(events.c.job_id == job_id, events.c.before == _SENDING, events.c.after == _WAITING)
        older = select(events.c.seq).where(mine).order_by(events.c.seq.desc()).offset(kept)
        for back in self._connection.execute(older).scalars().all():
            left = select(func.max(events.c.seq)).where(events.c.job_id == job_id, events.c.seq < back)
            there = and_(events.c.seq == left.scalar_subquery(), events.c.after == _SENDING)
            gone = self._connection.execute(select(events.c.seq).where(there)).scalar()
            if gone is not None:
                self._connection.execute(delete(events).where(events.c.seq.in_((gone, back))))

    def of(self, job_ids: Iterable[str]) -> list[StoredEvent]:
        """All events of some jobs, oldest first."""
        return self._read(select(events).where(events.c.job_id.in_(tuple(job_ids))))

    def after(
        self,
        seq: int,
        limit: int,
        *,
        organisation: str | None = None,
        project: str | None = None,
        job: str | None = None,
    ) -> list[StoredEvent]:
        """The stream from a position on, for everybody, one organisation, one project or one job."""
        query = select(events).where(events.c.seq > seq).limit(limit)
        if organisation is not None:
            query = query.where(events.c.organisation_id == organisation)
        if project is not None:
            query = query.where(_of(project))
        if job is not None:
            query = query.where(events.c.job_id == job)
        return self._read(query)

    def window(self, seq: int, size: int, *, organisation: str, project: str) -> tuple[list[StoredEvent], int]:
        """One project's moves among the next ``size`` of all, and the position after them: bounded work."""
        end = min(seq + size, max(seq, self.last()))
        inside = (events.c.seq > seq, events.c.seq <= end)
        query = select(events).where(*inside, events.c.organisation_id == organisation, _of(project))
        return self._read(query), end

    def newest(self, seq: int, limit: int) -> list[tuple[StoredEvent, str]]:
        """Everybody's moves after a position, each with its project."""
        query = (
            select(events, _project().label("project")).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        )
        return [(_event(row), row.project) for row in self._connection.execute(query)]

    def last(self) -> int:
        """The newest position."""
        return int(self._connection.execute(select(func.coalesce(func.max(events.c.seq), 0))).scalar_one())

    def _read(self, query: Select[Any]) -> list[StoredEvent]:
        return [_event(row) for row in self._connection.execute(query.order_by(events.c.seq))]


def _project() -> ColumnElement[str]:
    """Looked up for each move, not joined: SQLite would begin with all jobs of the project, and sort their moves."""
    return select(jobs.c.project_id).where(jobs.c.id == events.c.job_id).scalar_subquery()


def _of(project: str) -> ColumnElement[bool]:
    here: ColumnElement[bool] = _project().in_([project])
    return here


def _event(row: Row[Any]) -> StoredEvent:
    return StoredEvent(
        seq=row.seq,
        job=row.job_id,
        organisation=row.organisation_id,
        backend=row.backend,
        before=row.before,
        after=row.after,
        at=moment(row.at),
        reason=row.reason,
    )


def serialise_appends(connection: Connection) -> None:
    """Let one appender at a time commit; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": APPEND_LOCK})
