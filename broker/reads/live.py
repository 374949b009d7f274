"""How many jobs live, and since when? By state and backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from broker.store.rows import moment
from broker.store.tables import jobs

if TYPE_CHECKING:
    from datetime import datetime

    from broker.store.unit_of_work import Work


@dataclass(frozen=True, kw_only=True, slots=True)
class Crowd:
    """The live jobs of one state at one backend: the first acceptance among them, and the longest ago last move."""

    state: str
    backend: str
    jobs: int
    accepted: datetime
    moved: datetime


def live(work: Work) -> tuple[Crowd, ...]:
    """Every crowd that is not empty."""
    count, first, moved = func.count(), func.min(jobs.c.created_at), func.min(jobs.c.updated_at)
    query = select(jobs.c.state, jobs.c.backend, count, first, moved).where(jobs.c.due_at.is_not(None))
    return tuple(
        Crowd(state=state, backend=backend, jobs=number, accepted=moment(created), moved=moment(updated))
        for state, backend, number, created, updated in work.connection.execute(
            query.group_by(jobs.c.state, jobs.c.backend)
        )
    )
