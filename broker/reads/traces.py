"""Which traces do jobs belong to? Of those that have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from broker.store.tables import attempts, jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select

    from broker.store.unit_of_work import Store


def of_jobs(store: Store, ids: Sequence[str]) -> list[str]:
    """The traces of jobs by id."""
    return _traces(store, select(jobs.c.trace).where(jobs.c.id.in_(ids)))


def of_runs(store: Store, backend: str, remote_ids: Sequence[str]) -> list[str]:
    """The traces of jobs by the vendor's ids."""
    mine = (attempts.c.backend == backend, attempts.c.remote_id.in_(remote_ids))
    return _traces(store, select(jobs.c.trace).join(attempts, attempts.c.job_id == jobs.c.id).where(*mine))


def _traces(store: Store, query: Select[Any]) -> list[str]:
    with store.read() as work:
        return [trace for trace in work.connection.execute(query).scalars() if trace]
