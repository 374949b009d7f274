"""Which rows does a query select? The vendor's filters, applied: all that are given must pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.pasqal.sandbox.batches import JOB_WORDS

if TYPE_CHECKING:
    from backends.pasqal.sandbox.batches import BatchRow
    from backends.pasqal.wire.executor import Query
    from backends.sandboxing.tasks import Task


def row_passes(row: BatchRow, query: Query) -> bool:
    """Whether a batch is one that the query asks for, but for its status."""
    return (
        (not query.ids or row.id in query.ids)
        and (not query.projects or row.project in query.projects)
        and (not query.users or row.user in query.users)
        and (not query.device_types or row.device_type in query.device_types)
        and (not query.priorities or "MEDIUM" in query.priorities)
        and (query.tag is None or query.tag in row.tags)
        and (query.open is None or row.open == query.open)
        and (query.start is None or row.created_at >= query.start)
        and (query.end is None or row.created_at <= query.end)
    )


def job_passes(job: Task, query: Query) -> bool:
    """Whether a job is one that the query asks for."""
    return (
        (not query.ids or job.id in query.ids)
        and (not query.statuses or JOB_WORDS[job.state] in query.statuses)
        and (query.min_runs is None or job.shots >= query.min_runs)
        and (query.max_runs is None or job.shots <= query.max_runs)
        and (query.errors is None or bool(job.failure) == query.errors)
        and (query.start is None or job.created_at >= query.start)
        and (query.end is None or job.created_at <= query.end)
    )
