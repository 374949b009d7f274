"""What goes, and what stays in its place? One function per kind; hashes, and what a job's page shows, stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, select, update

from broker.domain.retention import Stored
from broker.store.rows import micros
from broker.store.tables import cut_snapshots, decisions, events, jobs, programs, removals, results, snapshots

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Column
    from sqlalchemy.engine import Connection

    from broker.store.retention import Aged


class Removing:
    """Takes away what the jobs of one batch need no more; their removals have been noted in the same transaction.

    Each returns how many rows went. What other jobs share and may still need is left until the last of them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, kind: Stored, batch: Sequence[Aged], at: datetime) -> int:
        """Take away one kind."""
        match kind:
            case Stored.PROGRAMS:
                return self._programs(sorted({each.program for each in batch}), at)
            case Stored.RESULTS:
                return self._results([each.id for each in batch], at)
            case Stored.EVENTS:
                return self._events([each.id for each in batch])
            case Stored.DECISIONS:
                return self._decisions(sorted({each.decision for each in batch}))

    def _programs(self, hashes: list[str], at: datetime) -> int:
        # Locked first, looked at second: whoever admits a job with such a program waits here or was before us, and
        # then its job is seen below (store/archive.py).
        mine = (programs.c.sha256.in_(hashes), programs.c.removed_at.is_(None))
        self._connection.execute(select(programs.c.sha256).where(*mine).order_by(programs.c.sha256).with_for_update())
        free = self._free(jobs.c.program, hashes, Stored.PROGRAMS)
        gone = update(programs).where(programs.c.sha256.in_(free), programs.c.removed_at.is_(None))
        return int(self._connection.execute(gone.values(source="", removed_at=micros(at))).rowcount)

    def _results(self, ids: list[str], at: datetime) -> int:
        gone = update(results).where(results.c.job_id.in_(ids), results.c.removed_at.is_(None))
        return int(self._connection.execute(gone.values(body="", removed_at=micros(at))).rowcount)

    def _events(self, ids: list[str]) -> int:
        """All but the first and the last of each job: when it was accepted, and how it ended."""
        ends = (
            select(func.min(events.c.seq).label("first"), func.max(events.c.seq).label("last"))
            .where(events.c.job_id.in_(ids))
            .group_by(events.c.job_id)
            .subquery()
        )
        between = and_(events.c.seq.not_in(select(ends.c.first)), events.c.seq.not_in(select(ends.c.last)))
        return int(self._connection.execute(delete(events).where(events.c.job_id.in_(ids), between)).rowcount)

    def _decisions(self, names: list[str]) -> int:
        free = self._free(jobs.c.decision_id, names, Stored.DECISIONS)
        mine = select(decisions.c.snapshot_id).where(decisions.c.id.in_(free)).distinct()
        used = list(self._connection.execute(mine).scalars())
        gone = self._connection.execute(delete(decisions).where(decisions.c.id.in_(free))).rowcount
        still = select(decisions.c.snapshot_id).where(decisions.c.snapshot_id.in_(used))
        left = sorted(set(used) - set(self._connection.execute(still).scalars()))
        for table in (cut_snapshots, snapshots):
            self._connection.execute(delete(table).where(table.c.id.in_(left)))
        return int(gone)

    def _free(self, column: Column[str], names: list[str], kind: Stored) -> list[str]:
        """Those that no job needs: of every job with one, the kind has been removed, and all of them have ended."""
        removed = select(removals.c.job_id).where(removals.c.job_id == jobs.c.id, removals.c.kind == kind.value)
        ended = and_(jobs.c.due_at.is_(None), ~removed.exists())
        needed = set[str]()
        for needs in (ended, jobs.c.due_at.is_not(None)):  # each has its index, together they would have none
            query = select(column).where(column.in_(names), needs).distinct()
            needed |= set(self._connection.execute(query).scalars())
        return sorted(set(names) - needed)
