"""Which jobs are there, and how does each stand? As one project may see them; of an operator's hub, every one."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select

from broker.domain.errors import IdempotencyMismatch, NotFound, RequestInvalid
from broker.domain.latency import Latency, latency
from broker.domain.lifecycle import JobState
from broker.store.faults import OF_ONE_ROW
from broker.store.requirement_text import load_requirement
from broker.store.rows import compact, micros
from broker.store.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select

    from broker.domain.attempt import Attempt
    from broker.domain.hub import Member
    from broker.domain.job import Job
    from broker.domain.requirement import Requirement
    from broker.store.events import StoredEvent
    from broker.store.unit_of_work import Store, Work

log = logging.getLogger("qsubmit.reads")


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A job with everything that a reader is shown; of its points, which may be a megabyte, the number."""

    job: Job
    points: int
    requirement: Requirement
    attempt: Attempt | None
    events: tuple[StoredEvent, ...]
    latency: Latency


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which jobs to list; ``cursor`` is the id of the last job of the page before."""

    state: str | None = None
    device: str | None = None
    name: str | None = None
    tag: str | None = None
    since: datetime | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some jobs, and the cursor of the next page; None after the last."""

    jobs: tuple[Seen, ...]
    following: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """What a reader must know of a job of its own before it is shown anything of it."""

    id: str
    state: JobState
    decision: str


def own(work: Work, member: Member, job_id: str) -> Own:
    """A job of the member's project; rows of another project or organisation do not exist here.

    Raises:
        NotFound: no such job in the member's project.
    """
    return _found(work, job_id, jobs.c.organisation_id == member.organisation, jobs.c.project_id == member.project)


def one(store: Store, member: Member, job_id: str, *, at: datetime) -> Seen:
    """One job of the member's project.

    Raises:
        NotFound: as for ``own``.
    """
    with store.read() as work:
        return _one(work, own(work, member, job_id).id, at)


def attended(store: Store, operator: Member, job_id: str, *, at: datetime) -> Seen:
    """One job of the operator's hub, whoever's it is.

    Raises:
        NotFound: no such job in the operator's hub.
    """
    with store.read() as work:
        return _one(work, _found(work, job_id, jobs.c.hub_id == operator.hub).id, at)


def repeated(store: Store, member: Member, key: str, fingerprint: str, *, at: datetime) -> Seen | None:
    """The job that this Idempotency-Key already has.

    Raises:
        IdempotencyMismatch: it was used with another body.
    """
    with store.read() as work:
        found = work.jobs.by_keys([(member.project, key)])
        if not found:
            return None
        (job,) = found.values()
        if job.fingerprint != fingerprint:
            raise IdempotencyMismatch("this Idempotency-Key was used with another body")
        return _one(work, job.id, at)


def page(store: Store, member: Member, wanted: Filter, *, at: datetime) -> Page:
    """A page of the project's jobs, newest first."""
    query = select(jobs.c.id).where(jobs.c.organisation_id == member.organisation)
    query = query.where(jobs.c.project_id == member.project, *_conditions(wanted)).order_by(jobs.c.id.desc())
    with store.read() as work:
        return _page(work, query, wanted.limit, at)


def in_attention(store: Store, operator: Member, cursor: str | None, limit: int, *, at: datetime) -> Page:
    """A page of the hub's jobs that wait for an operator, oldest first."""
    # Written out, as in the index of these jobs: a bound value would not be known to be the same.
    waiting = (jobs.c.state == literal_column("'attention'"), jobs.c.due_at.is_not(None))
    query = select(jobs.c.id).where(jobs.c.hub_id == operator.hub, *waiting)
    if cursor is not None:
        query = query.where(jobs.c.id > cursor)
    with store.read() as work:
        return _page(work, query.order_by(jobs.c.id), limit, at)


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        found.append(jobs.c.state == _state(wanted.state))
    if wanted.device is not None:
        found.append(jobs.c.device == wanted.device)
    if wanted.name is not None:
        found.append(jobs.c.name == wanted.name)
    if wanted.tag is not None:
        # Not LIKE, which looks past the case of letters on SQLite.
        found.append(func.replace(jobs.c.tags, compact(wanted.tag), "") != jobs.c.tags)
    if wanted.since is not None:
        found.append(jobs.c.created_at >= micros(wanted.since))
    if wanted.cursor is not None:
        found.append(jobs.c.id < wanted.cursor)
    return found


def _state(text: str) -> str:
    try:
        return JobState(text).value
    except ValueError:
        states = ", ".join(JobState)
        raise RequestInvalid(f"{text} is no state; the states are {states}", pointer="/state") from None


def _found(work: Work, job_id: str, *mine: ColumnElement[bool]) -> Own:
    query = select(jobs.c.id, jobs.c.state, jobs.c.decision_id).where(jobs.c.id == job_id, *mine)
    row = work.connection.execute(query).first()
    if row is None:
        raise NotFound(f"there is no job {job_id}")
    return Own(id=row.id, state=JobState(row.state), decision=row.decision_id)


def _one(work: Work, job_id: str, at: datetime) -> Seen:
    (found,) = _seen(work, [job_id], at)
    return found


def _page(work: Work, query: Select[Any], limit: int, at: datetime) -> Page:
    ids = work.connection.execute(query.limit(limit + 1)).scalars().all()
    shown = ids[:limit]
    return Page(jobs=tuple(_seen(work, shown, at)), following=shown[-1] if len(ids) > limit else None)


def _split(moves: Sequence[StoredEvent], run_ms: int | None, at: datetime) -> Latency:
    """A job whose moves retention has removed but for the first and the last has a total, and no split."""
    if any(left.after != following.before for left, following in pairwise(moves)):
        total = (moves[-1].at - moves[0].at).total_seconds()
        return Latency(broker_queue_s=None, vendor_queue_s=None, run_s=None, fetch_s=None, total_s=total)
    return latency([(event.after, event.at) for event in moves], run_ms, at)


def _seen(work: Work, ids: Sequence[str], at: datetime) -> list[Seen]:
    """In the order given, without what cannot be read: it must not hide the others of its page."""
    counted = work.jobs.without_points(ids)
    attempts = work.attempts.latest([job.id for job, _ in counted])
    needs = work.archive.requirements({job.program for job, _ in counted})
    events: dict[str, list[StoredEvent]] = {job.id: [] for job, _ in counted}
    for event in work.events.of(events):
        events[event.job].append(event)
    seen = []
    for job, points in counted:
        moves = events[job.id]
        try:
            need = load_requirement(json.loads(needs[job.program]))
        except OF_ONE_ROW:
            log.exception("the program of a job cannot be read", extra={"job": job.id})
            continue
        stages = _split(moves, job.run_ms, at)
        seen.append(
            Seen(
                job=job,
                points=points,
                requirement=need,
                attempt=attempts.get(job.id),
                events=tuple(moves),
                latency=stages,
            )
        )
    return seen
