"""What should be marked on a dashboard's time axis? Failures, orphans and pauses of one hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from broker.reads.reach import Reach
from broker.store import tables
from broker.store.rows import micros, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from broker.reads.series import Span
    from broker.store.unit_of_work import Store, Work

MOST = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Something at a time; ``tags`` name its kind and the vendor or device."""

    at: datetime
    title: str
    text: str
    tags: tuple[str, ...]


def remarks(store: Store, hub: str, kinds: tuple[str, ...], span: Span) -> list[Remark]:
    """Of these kinds in a span, oldest first; of each kind the newest ``MOST``. Rows of another hub do not exist."""
    with store.read() as work:
        found = [remark for kind in kinds for remark in KINDS[kind](work, hub, span)]
    return sorted(found, key=lambda remark: remark.at)


def failures(work: Work, hub: str, span: Span) -> list[Remark]:
    """Jobs that failed."""
    events, jobs = tables.events, tables.jobs
    query = (
        select(events.c.at, events.c.reason, events.c.job_id, jobs.c.device)
        .join(jobs, jobs.c.id == events.c.job_id)
        .where(jobs.c.hub_id == hub, events.c.after == "failed")
        .where(events.c.at >= micros(span.begin), events.c.at <= micros(span.end))
        .order_by(events.c.seq.desc())
        .limit(MOST)
    )
    return [
        Remark(at=moment(row.at), title=f"job {row.job_id} failed", text=row.reason, tags=("failure", row.device))
        for row in work.connection.execute(query)
    ]


def orphans(work: Work, hub: str, span: Span) -> list[Remark]:
    """Vendor jobs that no attempt knew."""
    table, reach = tables.orphans, Reach.of(work, hub, span.end)
    query = select(table).where(table.c.seen_at >= micros(span.begin), table.c.seen_at <= micros(span.end))
    return [
        Remark(
            at=moment(row.seen_at), title=f"orphan at {row.backend}", text=f"{row.remote_id} was found and cancelled",
            tags=("orphan", row.backend),
        )
        for row in work.connection.execute(query.order_by(table.c.seen_at.desc()).limit(MOST))
        if reach.covers(row.backend)
    ]  # fmt: skip


def pauses(work: Work, hub: str, span: Span) -> list[Remark]:
    """Backends and devices to which nothing is sent."""
    table, reach = tables.pauses, Reach.of(work, hub, span.end)
    query = select(table).where(table.c.at >= micros(span.begin), table.c.at <= micros(span.end))
    return [
        Remark(at=moment(row.at), title=f"{row.scope} paused", text=row.reason, tags=("pause", row.scope))
        for row in work.connection.execute(query.order_by(table.c.at.desc()).limit(MOST))
        if reach.covers(row.scope)
    ]


KINDS: Mapping[str, Callable[[Work, str, Span], list[Remark]]] = {
    read.__name__: read for read in (failures, orphans, pauses)
}
