"""How long did ended jobs stand in each stage? In SQL, by the same rule as domain/latency.py for one job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, and_, case, cast, func, null, select

from broker.domain.lifecycle import STAGE, TERMINAL
from broker.store.tables import events, jobs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select, Subquery

STAGES = ("broker", "vendor", "run", "fetch")
ENDS = tuple(sorted(state.value for state in TERMINAL))
BEFORE = {name: tuple(sorted(s.value for s, stage in STAGE.items() if stage == name)) for name in STAGES}


def ends(*conditions: ColumnElement[bool]) -> Subquery:
    """The last event of each ended job, as far as the conditions on ``events`` reach."""
    query = select(events.c.job_id, events.c.at, events.c.after).where(events.c.after.in_(ENDS), *conditions)
    return query.subquery("ends")


def durations(ended: Subquery) -> Select[Any]:
    """One row per ended job: job, hub, organisation, backend, ended_at, and microseconds per stage and in total.

    A stage that the job did not reach is NULL. Where the vendor reports the run time, it replaces what polling saw.
    """
    stays = _stays(ended)
    spent = {name: func.sum(case((stays.c.before.in_(BEFORE[name]), stays.c.took))) for name in STAGES}
    summed = select(
        stays.c.job_id,
        *(cast(column, BigInteger).label(name) for name, column in spent.items()),
        cast(func.sum(stays.c.took), BigInteger).label("total"),
    ).group_by(stays.c.job_id)
    parts = summed.subquery("parts")
    there = parts.c.vendor + func.coalesce(parts.c.run, 0)
    billed = cast(jobs.c.run_ms, BigInteger) * 1000
    told = and_(jobs.c.run_ms.is_not(None), parts.c.vendor.is_not(None))
    run = case((told, case((billed < there, billed), else_=there)), else_=parts.c.run)
    vendor = case((told, there - case((billed < there, billed), else_=there)), else_=parts.c.vendor)
    return (
        select(
            jobs.c.id.label("job"), jobs.c.hub_id.label("hub"), jobs.c.organisation_id.label("organisation"),
            jobs.c.backend, ended.c.at.label("ended_at"), ended.c.after.label("state"),
            parts.c.broker, vendor.label("vendor"), run.label("run"), parts.c.fetch, parts.c.total,
        )
        .select_from(ended)
        .join(parts, parts.c.job_id == ended.c.job_id)
        .join(jobs, jobs.c.id == ended.c.job_id)
    )  # fmt: skip


def _stays(ended: Subquery) -> Subquery:
    """Each event of the ended jobs with the time since the event before it; the first of a job has none."""
    since = func.lag(events.c.at).over(partition_by=events.c.job_id, order_by=events.c.seq)
    query = select(events.c.job_id, events.c.before, (events.c.at - since).label("took"))
    return query.where(events.c.job_id.in_(select(ended.c.job_id))).subquery("stays")


def bucket(column: ColumnElement[int], bounds: tuple[float, ...]) -> ColumnElement[Any]:
    """The number of the histogram bucket of microseconds by upper bounds in seconds; NULL stays NULL."""
    ladder = [(column <= round(bound * 1e6), number) for number, bound in enumerate(bounds)]
    return case((column.is_(None), null()), *ladder, else_=len(bounds))
