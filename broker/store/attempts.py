"""What was tried? Attempts are written before the vendor is called and updated by what is learned after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, delete, func, not_, or_, select, update

from broker.domain.attempt import GIVEN_UP, MAY_HAVE_LANDED, AttemptEnd
from broker.store.bulk import insert_rows, run_many
from broker.store.rows import attempt_of, attempt_row, job_of
from broker.store.tables import attempts, jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from broker.domain.attempt import Attempt
    from broker.domain.ids import JobId
    from broker.domain.job import Job

_LEARNED = (
    "remote_id",
    "word",
    "queue_position",
    "ended",
    "detail",
    "absences",
    "absent_at",
    "unwanted_at",
    "usage",
)
# Whoever saves may have read the attempt before a late reply named the vendor's job: that id stays.
_SAVE = (
    update(attempts)
    .where(attempts.c.id == bindparam("attempt"))
    .values({name: bindparam(f"new_{name}") for name in _LEARNED})
    .values(remote_id=func.coalesce(bindparam("new_remote_id"), attempts.c.remote_id))
)
_WITNESS = (
    update(attempts)
    .where(attempts.c.id == bindparam("attempt"), attempts.c.remote_id.is_(None))
    .values(remote_id=bindparam("remote"))
)
ANSWERS = or_(attempts.c.ended.is_(None), attempts.c.ended.not_in([end.value for end in GIVEN_UP]))


class Attempts:
    """The attempts table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: Sequence[Attempt]) -> None:
        """Record intents."""
        if new:
            insert_rows(self._connection, attempts, [attempt_row(attempt) for attempt in new])

    def save(self, changed: Sequence[Attempt]) -> None:
        """Write what was learned; the caller saves the jobs under their fence in the same transaction."""
        rows = [
            {"attempt": a.id} | {f"new_{k}": v for k, v in attempt_row(a).items() if k in _LEARNED} for a in changed
        ]
        if rows:
            run_many(self._connection, _SAVE, rows)

    def witness(self, found: Sequence[Attempt]) -> None:
        """Keep the remote id that a late worker learned after its lease was lost: evidence, not a move."""
        rows = [{"attempt": a.id, "remote": a.remote_id} for a in found if a.remote_id is not None]
        if rows:
            self._connection.execute(_WITNESS, rows)

    def latest(self, job_ids: Iterable[JobId]) -> dict[JobId, Attempt]:
        """The newest attempt of each job that has one."""
        ids = tuple(job_ids)
        if not ids:
            return {}
        newest = (
            select(attempts.c.job_id, func.max(attempts.c.number).label("number"))
            .where(attempts.c.job_id.in_(ids))
            .group_by(attempts.c.job_id)
            .subquery()
        )
        match = and_(attempts.c.job_id == newest.c.job_id, attempts.c.number == newest.c.number)
        rows = self._connection.execute(select(attempts).join(newest, match)).mappings()
        return {row["job_id"]: attempt_of(row) for row in rows}

    def of(self, job_id: str) -> list[Attempt]:
        """Every attempt of a job, in order."""
        query = select(attempts).where(attempts.c.job_id == job_id).order_by(attempts.c.number)
        return [attempt_of(row) for row in self._connection.execute(query).mappings()]

    def lost(self, job_ids: Iterable[JobId]) -> dict[JobId, int]:
        """How many attempts of each job were lost, or proved never to have arrived."""
        over = attempts.c.ended.in_([AttemptEnd.LOST.value, AttemptEnd.ABSENT.value])
        query = select(attempts.c.job_id, func.count()).where(attempts.c.job_id.in_(tuple(job_ids)), over)
        return dict(self._connection.execute(query.group_by(attempts.c.job_id)).all())

    def forget_unsent(self, job_id: JobId, kept: int) -> None:
        """Drop those of which the vendor never had anything, but for the newest ``kept``."""
        mine = and_(attempts.c.job_id == job_id, attempts.c.ended == AttemptEnd.UNSENT.value)
        nothing = and_(mine, attempts.c.remote_id.is_(None))
        newest = select(attempts.c.id).where(nothing).order_by(attempts.c.number.desc()).limit(kept)
        keep = tuple(self._connection.execute(newest).scalars())
        self._connection.execute(delete(attempts).where(nothing, attempts.c.id.not_in(keep)))

    def known(self, backend: str, remote_ids: Sequence[str]) -> set[str]:
        """Those of ``remote_ids`` that some attempt bears and answers for."""
        query = select(attempts.c.remote_id).where(
            attempts.c.backend == backend, attempts.c.remote_id.in_(remote_ids), ANSWERS
        )
        return {remote for remote in self._connection.execute(query).scalars() if remote is not None}

    def disowned(self, backend: str) -> dict[str, str]:
        """Vendor jobs that a late reply named after their attempt had been given up, with their device.

        Nobody drives or bills them.
        """
        query = select(attempts.c.remote_id, attempts.c.device).where(
            attempts.c.backend == backend, attempts.c.remote_id.is_not(None), not_(ANSWERS)
        )
        return {row.remote_id: row.device for row in self._connection.execute(query)}

    def left(self, backend: str, remote_id: str) -> Job | None:
        """The job whose given-up attempt left that vendor's job behind."""
        mine = (attempts.c.backend == backend, attempts.c.remote_id == remote_id)
        query = select(jobs).join(attempts, attempts.c.job_id == jobs.c.id).where(*mine)
        row = self._connection.execute(query).mappings().first()
        return None if row is None else job_of(row)

    def abandoned(self, backend: str, most: int) -> list[Attempt]:
        """The newest attempts that were given up although their request may have landed since."""
        mine = and_(attempts.c.backend == backend, attempts.c.remote_id.is_(None))
        query = select(attempts).where(mine, attempts.c.ended.in_([end.value for end in MAY_HAVE_LANDED]))
        rows = self._connection.execute(query.order_by(attempts.c.intent_at.desc()).limit(most)).mappings()
        return [attempt_of(row) for row in rows]

    def unresolved(self, backend: str) -> list[Attempt]:
        """Attempts that were begun and of which nobody knows whether the vendor has them."""
        query = select(attempts).where(
            attempts.c.backend == backend, attempts.c.remote_id.is_(None), attempts.c.ended.is_(None)
        )
        return [attempt_of(row) for row in self._connection.execute(query).mappings()]
