"""Jobs and attempts of the fake store: the repositories of broker/store/jobs.py and attempts.py over values."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from broker.domain.alter import alter
from broker.domain.attempt import GIVEN_UP, MAY_HAVE_LANDED, AttemptEnd
from broker.domain.fairshare import Waiting
from broker.domain.lifecycle import JobState
from broker.domain.wanted import unwanted
from broker.store.due import AT_WORK, SCANNED, WAITING
from broker.store.jobs import DOUBTED, UNREAD, StaleFence, Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from broker.domain.attempt import Attempt
    from broker.domain.host import Here
    from broker.domain.ids import JobId
    from broker.domain.job import Job
    from tests.simulation.fake_store import Transaction

_IN_FLIGHT = frozenset(JobState(state) for state in AT_WORK)
_SCANNED = frozenset(JobState(state) for state in SCANNED)
_WAITING = JobState(WAITING)
_DUE_AT, _ID = attrgetter("due_at"), attrgetter("id")
# What the driver of a job never changes; a saved value that differs here would be a bug that SQL hides.
_FIXED = ("shots", "points", "program", "member", "project", "budgets", "idempotency_key", "created_at", "deadline")
_LEARNED = ("word", "queue_position", "end", "detail", "absences", "absent_at", "unwanted_at", "usage")


class Broken(Exception):
    """A constraint of the tables refuses the row."""


class Jobs:
    """The jobs table inside one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._tx = connection

    def add(self, new: Sequence[Job]) -> None:
        self._tx.statement()
        for job in new:
            if job.idempotency_key is not None:
                key = (job.project, job.idempotency_key)
                self._tx.lock("keys", key)
                if any((other.project, other.idempotency_key) == key for other in self._tx.all("jobs")):
                    raise Broken(f"job key {key} exists")
            self._tx.put("jobs", job.id, job)

    def save(self, changed: Sequence[Job], *, seen: Mapping[JobId, int] | None = None) -> None:
        if not changed:
            return
        written = sum(self._save(job, job.fence if seen is None else seen.get(job.id, job.fence)) for job in changed)
        if written != len(changed):
            raise StaleFence(self._stale(changed))

    def _save(self, job: Job, fence: int) -> bool:
        tx = self._tx
        tx.statement()
        if tx.row("jobs", job.id) is None:
            return False
        tx.lock("jobs", job.id)
        stored: Job = tx.row("jobs", job.id)
        if stored.fence != fence:
            return False
        if stored.cancel_requested is not job.cancel_requested:
            unaware = stored.cancel_requested and job.due_at is not None
            due_at = job.updated_at if unaware else job.due_at
            job = alter(job, cancel_requested=stored.cancel_requested, due_at=due_at)
        for name in _FIXED:
            if getattr(stored, name) is not getattr(job, name) and getattr(stored, name) != getattr(job, name):
                raise AssertionError(f"a driver changed {name} of job {job.id}")
        tx.put("jobs", job.id, job)
        return True

    def _stale(self, changed: Sequence[Job]) -> frozenset[JobId]:
        rows = {job.id: self._tx.row("jobs", job.id) for job in changed}
        fresh = {job.id for job in changed if rows[job.id] is not None and rows[job.id].fence == job.fence}
        return frozenset(job.id for job in changed) - fresh

    def request_cancel(self, job_id: str) -> None:
        self._tx.statement()
        if self._tx.row("jobs", job_id) is not None:
            self._tx.lock("jobs", job_id)
            self._tx.put("jobs", job_id, alter(self._tx.row("jobs", job_id), cancel_requested=True))

    def get(self, job_id: str) -> Job | None:
        self._tx.statement()
        job: Job | None = self._tx.row("jobs", job_id)
        return job

    def disturbed(self, claimed: Sequence[Job], at: datetime) -> dict[str, Standing]:
        self._tx.statement()
        leases = {job.lease_until for job in claimed if job.lease_until is not None}
        found: dict[str, Standing] = {}
        for job in filter(None, [self._tx.row("jobs", each.id) for each in claimed]):
            pause = self._pause(job, at)
            if job.cancel_requested or job.lease_until not in leases or pause is not None:
                found[job.id] = Standing(job.fence, job.cancel_requested, pause)
        return found

    def _pause(self, job: Job, at: datetime) -> str | None:
        for scope in (job.device, job.backend):
            row = self._tx.row("pauses", scope)
            if row is not None and (row[2] is None or row[2] > at):
                return str(row[0])
        return None

    def locked(self, job_id: str) -> Job | None:
        self._tx.statement()
        if self._tx.row("jobs", job_id) is None:
            return None
        self._tx.lock("jobs", job_id)
        job: Job | None = self._tx.row("jobs", job_id)
        return job

    def by_keys(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Job]:
        self._tx.statement()
        wanted = set(keys)
        found = {(job.project, job.idempotency_key or ""): job for job in self._tx.all("jobs") if job.idempotency_key}
        return {key: job for key, job in found.items() if key in wanted}

    def due(
        self, backends: Sequence[str], at: datetime, limit: int, *, only: Iterable[str] = (), here: Here | None = None
    ) -> list[Job]:
        rung = frozenset(only)
        ours = self._ours(here)

        def wanted(job: Job) -> bool:
            return (
                job.due_at is not None
                and job.state in _SCANNED
                and (job.due_at <= at or job.id in rung)
                and job.backend in backends
                and (job.lease_until is None or job.lease_until <= at)
                and ours(job)
            )

        return self._take(wanted, limit, _DUE_AT)

    def _ours(self, here: Here | None) -> Callable[[Job], bool]:
        """No host's, our own host's, or a dead host's; who stands nowhere sees every run."""
        known = () if here is None else self._tx.all("hosts")
        living = {host.id for host in known if here is not None and host.beat_at > here.heard}
        return lambda job: _mine(job, here) or job.host not in living

    def first_in_line(self, device: str, at: datetime) -> list[Waiting]:
        self._tx.statement()
        oldest: dict[str, Job] = {}
        for job in sorted(self._line(device, at), key=_ID):
            oldest.setdefault(job.member, job)
        return [_waiting(job) for job in sorted(oldest.values(), key=_ID)]

    def next_in_line(self, device: str, last: Sequence[str], at: datetime, depth: int) -> list[Waiting]:
        if not last:
            return []
        self._tx.statement()
        member_of = {name: self._tx.row("jobs", name).member for name in last}
        found: list[Job] = []
        for name, member in member_of.items():
            behind = (job for job in self._line(device, at) if job.member == member and job.id > name)
            found += sorted(behind, key=_ID)[:depth]
        return [_waiting(job) for job in sorted(found, key=_ID)]

    def take(self, ids: Sequence[str], at: datetime) -> list[Job]:
        if not ids:
            return []
        place = {name: number for number, name in enumerate(ids)}
        taken = self._take(lambda job: job.id in place and _startable(job, at), len(ids), None)
        return sorted(taken, key=lambda job: place[job.id])

    def _line(self, device: str, at: datetime) -> list[Job]:
        return [job for job in self._tx.all("jobs") if job.device == device and _startable(job, at)]

    def past_deadline(self, backends: Sequence[str], at: datetime, limit: int) -> list[Job]:
        def over(job: Job) -> bool:
            return (
                job.state is _WAITING
                and job.due_at is not None
                and job.backend in backends
                and unwanted(job, at=at) is not None
                and (job.lease_until is None or job.lease_until <= at)
            )

        return self._take(over, limit, None)

    def _take(self, wanted: Callable[[Job], bool], limit: int, order: Callable[[Job], Any] | None) -> list[Job]:
        """SELECT ... FOR UPDATE SKIP LOCKED."""
        tx = self._tx
        tx.statement()
        rows = [job for job in tx.all("jobs") if wanted(job)]
        if order is not None and len(rows) > 1:
            rows.sort(key=order)
        taken: list[Job] = []
        for job in rows:
            if len(taken) < limit and tx.lock("jobs", job.id, skip=True):
                taken.append(job)
        return taken

    def queued_devices(self, backends: Sequence[str], at: datetime) -> list[str]:
        self._tx.statement()
        rows = self._tx.all("jobs")
        wanted = {
            job.device
            for job in rows
            if job.state is _WAITING
            and job.backend in backends
            and job.due_at is not None
            and job.due_at <= at
            and self._pause(job, at) is None
        }
        known = [name for name in sorted(wanted) if self._tx.row("devices", name) is not None]
        return [name for name in known if self._tx.lock("devices", name, skip=True)]

    def in_flight(
        self, names: Sequence[str], at: datetime, doubted: timedelta | None = None, *, here: Here | None = None
    ) -> dict[str, int]:
        self._tx.statement()
        counts: dict[str, int] = {}
        for job in self._tx.all("jobs"):
            lately = (job.state is JobState.ATTENTION and job.updated_at > at - (doubted or DOUBTED)) or (
                job.state is JobState.FETCHING and job.updated_at > at - UNREAD
            )
            counts_here = job.due_at is not None and job.device in names and _mine(job, here)
            if (lately or job.state in _IN_FLIGHT) and counts_here:
                counts[job.device] = counts.get(job.device, 0) + 1
        return counts

    def put_off(self, ids: Iterable[str], until: datetime) -> None:
        for name in ids:
            self._tx.statement()
            self._tx.lock("jobs", name)
            job = self._tx.row("jobs", name)
            if job.due_at is not None:
                self._tx.put("jobs", name, alter(job, due_at=until, lease_owner=None, lease_until=until))

    def next_due(self, backends: Sequence[str], *, sent: bool = False, here: Here | None = None) -> datetime | None:
        self._tx.statement()
        ours = self._ours(here)
        return min(
            (
                job.due_at
                for job in self._tx.all("jobs")
                if job.due_at is not None
                and job.backend in backends
                and (job.state in _SCANNED or (not sent and job.state is _WAITING))
                and ours(job)
            ),
            default=None,
        )


def _mine(job: Job, here: Here | None) -> bool:
    return job.host is None or (here is not None and job.host == here.host)


def _startable(job: Job, at: datetime) -> bool:
    timely = job.due_at is not None and job.due_at <= at and (job.lease_until is None or job.lease_until <= at)
    wanted = not job.cancel_requested and (job.deadline is None or job.deadline > at)
    return job.state is _WAITING and timely and wanted


def _waiting(job: Job) -> Waiting:
    return Waiting(
        job=job.id,
        organisation=job.organisation,
        project=job.project,
        member=job.member,
        queued_at=job.created_at,
        cost=job.turn,
    )


class Attempts:
    """The attempts table inside one transaction."""

    def __init__(self, connection: Transaction) -> None:
        self._tx = connection

    def add(self, new: Sequence[Attempt]) -> None:
        for attempt in new:
            self._tx.statement()
            if self._tx.row("attempts", attempt.id) is not None:
                raise Broken(f"attempt {attempt.id} exists")
            self._tx.put("attempts", attempt.id, attempt)

    def save(self, changed: Sequence[Attempt]) -> None:
        for attempt in changed:
            self._tx.statement()
            if self._tx.row("attempts", attempt.id) is None:
                continue
            self._tx.lock("attempts", attempt.id)
            stored: Attempt = self._tx.row("attempts", attempt.id)
            self._tx.takes(attempt.word)
            learned = {name: getattr(attempt, name) for name in _LEARNED}
            learned["remote_id"] = attempt.remote_id or stored.remote_id
            self._tx.put("attempts", attempt.id, alter(stored, **learned))

    def witness(self, found: Sequence[Attempt]) -> None:
        for attempt in found:
            self._tx.statement()
            if attempt.remote_id is None or self._tx.row("attempts", attempt.id) is None:
                continue
            self._tx.lock("attempts", attempt.id)
            stored: Attempt = self._tx.row("attempts", attempt.id)
            if stored.remote_id is None:
                self._tx.put("attempts", attempt.id, alter(stored, remote_id=attempt.remote_id))

    def latest(self, job_ids: Iterable[JobId]) -> dict[JobId, Attempt]:
        self._tx.statement()
        wanted = frozenset(job_ids)
        found: dict[JobId, Attempt] = {}
        for attempt in self._tx.all("attempts") if wanted else ():
            if attempt.job in wanted and (attempt.job not in found or attempt.number > found[attempt.job].number):
                found[attempt.job] = attempt
        return found

    def of(self, job_id: str) -> list[Attempt]:
        self._tx.statement()
        return sorted((a for a in self._tx.all("attempts") if a.job == job_id), key=attrgetter("number"))

    def lost(self, job_ids: Iterable[JobId]) -> dict[JobId, int]:
        self._tx.statement()
        wanted = frozenset(job_ids)
        counts: dict[JobId, int] = {}
        for attempt in self._tx.all("attempts"):
            if attempt.job in wanted and attempt.end in (AttemptEnd.LOST, AttemptEnd.ABSENT):
                counts[attempt.job] = counts.get(attempt.job, 0) + 1
        return counts

    def forget_unsent(self, job_id: JobId, kept: int) -> None:
        """Nothing: what the schedule's judge reads is whole. The tables' bound is tested on the databases."""

    def known(self, backend: str, remote_ids: Sequence[str]) -> set[str]:
        self._tx.statement()
        rows = self._tx.all("attempts")
        found = {a.remote_id for a in rows if a.backend == backend and a.end not in GIVEN_UP}
        return {remote for remote in found if remote is not None and remote in remote_ids}

    def disowned(self, backend: str) -> dict[str, str]:
        self._tx.statement()
        rows = [a for a in self._tx.all("attempts") if a.backend == backend and a.end in GIVEN_UP]
        return {a.remote_id: a.device for a in rows if a.remote_id is not None}

    def left(self, backend: str, remote_id: str) -> Job | None:
        self._tx.statement()
        mine = [a for a in self._tx.all("attempts") if a.backend == backend and a.remote_id == remote_id]
        return self._tx.row("jobs", mine[0].job) if mine else None

    def abandoned(self, backend: str, most: int) -> list[Attempt]:
        self._tx.statement()
        rows = [a for a in self._tx.all("attempts") if a.backend == backend and a.end in MAY_HAVE_LANDED]
        rows = sorted((a for a in rows if a.remote_id is None), key=attrgetter("intent_at"), reverse=True)
        return rows[:most]

    def unresolved(self, backend: str) -> list[Attempt]:
        self._tx.statement()
        rows = self._tx.all("attempts")
        return [a for a in rows if a.backend == backend and a.remote_id is None and a.end is None]
