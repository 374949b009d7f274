"""What is there to see? Jobs with their timeline, latency split, cost and attempt, as one organisation may see them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select

from broker.domain.errors import IdempotencyMismatch, NotFound, NotReady, QsubmitError, Removed, RequestInvalid
from broker.domain.lifecycle import STAGE, TERMINAL, JobState
from broker.domain.retention import Stored
from broker.store.faults import OF_ONE_ROW
from broker.store.requirement_text import load_requirement
from broker.store.rows import compact, micros
from broker.store.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Select

    from broker.domain.attempt import Attempt
    from broker.domain.hub import Member
    from broker.domain.job import Job
    from broker.domain.requirement import Requirement
    from broker.store.events import StoredEvent
    from broker.store.unit_of_work import Store, Work

log = logging.getLogger("qsubmit.look")
WHOLE = 1 << 20  # bytes of a result that is read at once
PART = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Seconds per stage; None for a stage not reached."""

    broker_queue_s: float | None
    vendor_queue_s: float | None
    run_s: float | None
    fetch_s: float | None
    total_s: float


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


def latency(moves: Sequence[tuple[str, datetime]], run_ms: int | None, now: datetime) -> Latency:
    """The split of a job's time by its moves (state entered, when).

    Where the vendor reports the run time, it replaces what polling saw of it, and the rest of the time between
    acceptance and the end of the run was spent in the vendor's queue.
    """
    spent: dict[str, float] = {}
    ends = [at for _, at in moves[1:]] + [now]
    for (state, since), until in zip(moves, ends, strict=True):
        stage = STAGE.get(JobState(state))
        if stage is not None:
            spent[stage] = spent.get(stage, 0.0) + (until - since).total_seconds()
    ended = moves[-1][1] if JobState(moves[-1][0]) in TERMINAL else now
    vendor, run = spent.get("vendor"), spent.get("run")
    if run_ms is not None and vendor is not None:
        there = vendor + (run or 0.0)
        run = min(run_ms / 1000, there)
        vendor = there - run
    return Latency(
        broker_queue_s=spent.get("broker"),
        vendor_queue_s=vendor,
        run_s=run,
        fetch_s=spent.get("fetch"),
        total_s=(ended - moves[0][1]).total_seconds(),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A stored result: JSON text of ``size`` bytes that ends with a brace."""

    job: str
    sha256: str
    size: int
    body: bytes | None


class Look:
    """Reads for one member; rows of another organisation or project do not exist here."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def job(self, member: Member, job_id: str, *, at: datetime) -> Seen:
        """One job.

        Raises:
            NotFound: no such job in the member's project.
        """
        with self._store.read() as work:
            return _seen(work, [(job := _mine(work, member, job_id), len(job.points))], at)[0]

    def attended(self, operator: Member, job_id: str, *, at: datetime) -> Seen:
        """One job of the operator's hub, whoever's it is.

        Raises:
            NotFound: no such job in the operator's hub.
        """
        with self._store.read() as work:
            job = work.jobs.get(job_id)
            if job is None or job.hub != operator.hub:
                raise NotFound(f"there is no job {job_id}")
            return _seen(work, [(job, len(job.points))], at)[0]

    def attention(
        self, operator: Member, cursor: str | None, limit: int, *, at: datetime
    ) -> tuple[list[Seen], str | None]:
        """A page of the hub's jobs that wait for an operator, oldest first, and the cursor of the next one."""
        # Written out, as in the index of these jobs: a bound value would not be known to be the same.
        waiting = (jobs.c.state == literal_column("'attention'"), jobs.c.due_at.is_not(None))
        found = select(jobs.c.id).where(jobs.c.hub_id == operator.hub, *waiting)
        if cursor is not None:
            found = found.where(jobs.c.id > cursor)
        with self._store.read() as work:
            return _page(work, found.order_by(jobs.c.id), limit, at)

    def repeated(self, member: Member, key: str, fingerprint: str, *, at: datetime) -> Seen | None:
        """The job that this Idempotency-Key already has.

        Raises:
            IdempotencyMismatch: it was used with another body.
        """
        with self._store.read() as work:
            found = work.jobs.by_keys([(member.project, key)])
            if not found:
                return None
            (job,) = found.values()
            if job.fingerprint != fingerprint:
                raise IdempotencyMismatch("this Idempotency-Key was used with another body")
            return _seen(work, [(job, len(job.points))], at)[0]

    def jobs(self, member: Member, wanted: Filter, *, at: datetime) -> tuple[list[Seen], str | None]:
        """A page, newest first, and the cursor of the next one."""
        query = select(jobs.c.id).where(jobs.c.organisation_id == member.organisation)
        query = query.where(jobs.c.project_id == member.project)
        if wanted.state is not None:
            query = query.where(jobs.c.state == _state(wanted.state))
        if wanted.device is not None:
            query = query.where(jobs.c.device == wanted.device)
        if wanted.name is not None:
            query = query.where(jobs.c.name == wanted.name)
        if wanted.tag is not None:
            # Not LIKE, which looks past the case of letters on SQLite.
            query = query.where(func.replace(jobs.c.tags, compact(wanted.tag), "") != jobs.c.tags)
        if wanted.since is not None:
            query = query.where(jobs.c.created_at >= micros(wanted.since))
        if wanted.cursor is not None:
            query = query.where(jobs.c.id < wanted.cursor)
        with self._store.read() as work:
            return _page(work, query.order_by(jobs.c.id.desc()), wanted.limit, at)

    def result(self, member: Member, job_id: str) -> Kept:
        """The stored result: its whole text if it is small, else its name and size, to be read in parts.

        Raises:
            NotReady: the job has not succeeded, or not yet.
            Removed: it was there, and a rule has removed it.
        """
        with self._store.read() as work:
            job = _mine(work, member, job_id)
            found = work.archive.result_size(job_id)
            if found is None:
                ended = job.state in TERMINAL
                raise NotReady(
                    f"job {job_id} is {job.state}" + (" and has no result" if ended else "; ask again later")
                )
            sha256, size = found
            if size == 0:  # nothing that was sealed is empty (domain/result.py)
                raise _removed(work, job_id, Stored.RESULTS, "/result")
            whole = work.archive.result(job_id) if size <= WHOLE else None
        return Kept(job=job_id, sha256=sha256, size=size, body=None if whole is None else whole[1].encode())

    def part(self, kept: Kept, start: int) -> tuple[bytes, int]:
        """A part of a large result's body, and where the next one starts; empty after the last.

        Each part is a read of its own: a slow reader holds no connection. Results are written once, so none changes.
        """
        with self._store.read() as work:
            return work.archive.result_part(kept.job, start, PART)

    def decision(self, member: Member, job_id: str) -> tuple[str, str]:
        """(decision body, snapshot's text) as stored.

        Raises:
            Removed: a rule has removed it.
        """
        with self._store.read() as work:
            found = work.archive.decision(_mine(work, member, job_id).decision)
            if found is None:
                raise _removed(work, job_id, Stored.DECISIONS, "/decision")
        return found

    def events(self, member: Member, job_id: str) -> list[StoredEvent]:
        """Every move of a job."""
        with self._store.read() as work:
            return work.events.of([_mine(work, member, job_id).id])


def _state(text: str) -> str:
    try:
        return JobState(text).value
    except ValueError:
        states = ", ".join(JobState)
        raise RequestInvalid(f"{text} is no state; the states are {states}", pointer="/state") from None


def _mine(work: Work, member: Member, job_id: str) -> Job:
    job = work.jobs.get(job_id)
    if job is None or job.organisation != member.organisation or job.project != member.project:
        raise NotFound(f"there is no job {job_id}")
    return job


def _removed(work: Work, job_id: str, kind: Stored, pointer: str) -> QsubmitError:
    found = work.retention.removal(job_id, kind)
    if found is None:  # somebody deleted it by hand, or this release cannot read it
        return NotFound(f"the {pointer[1:]} of job {job_id} is gone")
    when = found.at.isoformat(timespec="seconds")
    detail = f"the {pointer[1:]} of job {job_id} was removed on {when}: {found.rule}"
    return Removed(detail, pointer=pointer, removed_at=when, rule=found.rule)


def _page(work: Work, query: Select[Any], limit: int, at: datetime) -> tuple[list[Seen], str | None]:
    ids = work.connection.execute(query.limit(limit + 1)).scalars().all()
    page = ids[:limit]
    return _seen(work, work.jobs.without_points(page), at), page[-1] if len(ids) > limit else None


def _split(moves: Sequence[StoredEvent], run_ms: int | None, at: datetime) -> Latency:
    """A job whose moves retention has removed but for the first and the last has a total, and no split."""
    if any(left.after != following.before for left, following in pairwise(moves)):
        total = (moves[-1].at - moves[0].at).total_seconds()
        return Latency(broker_queue_s=None, vendor_queue_s=None, run_s=None, fetch_s=None, total_s=total)
    return latency([(event.after, event.at) for event in moves], run_ms, at)


def _seen(work: Work, counted: Sequence[tuple[Job, int]], at: datetime) -> list[Seen]:
    found = [job for job, _ in counted]
    ids = [job.id for job in found]
    attempts = work.attempts.latest(ids)
    needs = work.archive.requirements({job.program for job in found})
    events: dict[str, list[StoredEvent]] = {job.id: [] for job in found}
    for event in work.events.of(ids):
        events[event.job].append(event)
    seen = []
    for job, points in counted:
        moves = events[job.id]
        try:
            need = load_requirement(json.loads(needs[job.program]))
        except OF_ONE_ROW:
            log.exception("the program of a job cannot be read", extra={"job": job.id})
            continue  # it must not hide the others of its page
        stages = _split(moves, job.run_ms, at)
        attempt = attempts.get(job.id)
        seen.append(
            Seen(job=job, points=points, requirement=need, attempt=attempt, events=tuple(moves), latency=stages)
        )
    return seen
