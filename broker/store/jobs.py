"""Where are the jobs? The queue of record: add, look up, find what is due, and save under the fence."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, and_, bindparam, case, func, or_, select, tuple_, update

from broker.domain.lifecycle import JobState
from broker.store.bulk import insert_rows, run_many
from broker.store.faults import PUT_OFF
from broker.store.rows import job_of, job_row, jobs_of, micros, moment_or_none, moving_columns
from broker.store.tables import devices, jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection

    from broker.domain.ids import JobId
    from broker.domain.job import Job

WAITING = JobState.QUEUED.value
# How long a job in `attention` keeps its place at the device, if no operator decides; then its device may go on.
DOUBTED = timedelta(hours=1)
IN_FLIGHT = tuple(
    s.value for s in (JobState.SUBMITTING, JobState.UNKNOWN, JobState.SUBMITTED, JobState.RUNNING, JobState.FETCHING)
)
SCANNED = (*IN_FLIGHT, JobState.ATTENTION.value, JobState.ACCEPTED.value)

_SAVED = (
    "state",
    "device",
    "backend",
    "quoted",
    "held",
    "charged",
    "price_id",
    "rate_id",
    "decision_id",
    "sandbox",
    "updated_at",
    "lease_owner",
    "lease_until",
    "fence",
    "attempt",
    "remote_id",
    "error_code",
    "error",
    "run_ms",
)
_NEW_DUE = bindparam("new_due_at", type_=BigInteger)
# Whoever saves without having seen a cancel request must not push the next look into the future.
_LOOK = case(
    (
        and_(jobs.c.cancel_requested.is_(True), bindparam("unaware", type_=Boolean), _NEW_DUE.is_not(None)),
        bindparam("new_updated_at", type_=BigInteger),
    ),
    else_=_NEW_DUE,
)
_SAVE = (
    update(jobs)
    .where(jobs.c.id == bindparam("job"), jobs.c.fence == bindparam("seen"))
    .values({name: bindparam(f"new_{name}") for name in _SAVED} | {"due_at": _LOOK})
)


class StaleFence(Exception):
    """Some of the jobs were claimed by somebody else meanwhile; nothing of the group may be written."""

    def __init__(self, ids: frozenset[JobId]) -> None:
        super().__init__(f"{len(ids)} stale")
        self.ids = ids


class Jobs:
    """The jobs table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: Sequence[Job]) -> None:
        """Insert admitted jobs."""
        if new:
            insert_rows(self._connection, jobs, [job_row(job) for job in new])

    def save(self, changed: Sequence[Job], *, seen: Mapping[JobId, int] | None = None) -> None:
        """Write the moving columns of every job whose stored fence is still the one we know, or of none.

        ``seen`` gives the fence that was read where the new value carries a larger one (a claim).

        Raises:
            StaleFence: names the jobs that another worker holds now.
        """
        if not changed:
            return
        rows = [self._binds(job, job.fence if seen is None else seen.get(job.id, job.fence)) for job in changed]
        if run_many(self._connection, _SAVE, rows) != len(rows):
            raise StaleFence(self._stale(changed))

    @staticmethod
    def _binds(job: Job, fence: int) -> dict[str, Any]:
        binds = {f"new_{name}": value for name, value in moving_columns(job).items()}
        return binds | {"job": job.id, "seen": fence, "unaware": not job.cancel_requested}

    def _stale(self, changed: Sequence[Job]) -> frozenset[JobId]:
        known = {job.id: job.fence for job in changed}
        found = self._connection.execute(select(jobs.c.id, jobs.c.fence).where(jobs.c.id.in_(known)))
        fresh = {row.id for row in found if row.fence == known[row.id]}
        return frozenset(known) - fresh

    def request_cancel(self, job_id: str) -> None:
        """Raise the flag, whoever holds the job."""
        self._connection.execute(update(jobs).where(jobs.c.id == job_id).values(cancel_requested=True))

    def get(self, job_id: str) -> Job | None:
        """One job, or None."""
        row = self._connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().first()
        return None if row is None else job_of(row)

    def locked(self, job_id: str) -> Job | None:
        """One job, held against others until the commit."""
        query = select(jobs).where(jobs.c.id == job_id).with_for_update()
        row = self._connection.execute(query).mappings().first()
        return None if row is None else job_of(row)

    def by_keys(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Job]:
        """Admitted jobs by (project, idempotency key)."""
        if not keys:
            return {}
        query = select(jobs).where(tuple_(jobs.c.project_id, jobs.c.idempotency_key).in_(keys))
        found = [job_of(row) for row in self._connection.execute(query).mappings()]
        return {(job.project, job.idempotency_key or ""): job for job in found}

    def due(self, backends: Sequence[str], at: datetime, limit: int, *, only: Iterable[str] = ()) -> list[Job]:
        """Sent or doubtful jobs that a scanner should look at now and nobody holds; rows are locked."""
        rung = tuple(only)
        timely = jobs.c.due_at <= micros(at)
        if rung:
            timely = or_(timely, jobs.c.id.in_(rung))
        query = (
            select(jobs)
            .where(jobs.c.backend.in_(backends), jobs.c.state.in_(SCANNED), jobs.c.due_at.is_not(None), timely)
            .where(self._free(at))
            .order_by(jobs.c.due_at)
            .limit(limit)
        )
        return self._locked(query, at)

    def waiting(self, device: str, at: datetime, limit: int) -> list[Job]:
        """Queued jobs of a device that may start, oldest first, at most ``limit`` per project; rows are locked."""
        here = and_(jobs.c.device == device, jobs.c.state == WAITING, jobs.c.due_at <= micros(at), self._free(at))
        projects = self._connection.execute(select(jobs.c.project_id).where(here).distinct()).scalars().all()
        found: list[Job] = []
        for project in projects:
            oldest = select(jobs).where(here, jobs.c.project_id == project).order_by(jobs.c.id).limit(limit)
            found += self._locked(oldest, at)
        return found

    def past_deadline(self, backends: Sequence[str], at: datetime, limit: int) -> list[Job]:
        """Queued jobs whose deadline has passed or whose owner has cancelled them; rows are locked."""
        over = or_(jobs.c.deadline <= micros(at), jobs.c.cancel_requested.is_(True))
        query = select(jobs).where(jobs.c.backend.in_(backends), jobs.c.state == WAITING, over, self._free(at))
        return self._locked(query.where(jobs.c.due_at.is_not(None)).limit(limit), at)

    @staticmethod
    def _free(at: datetime) -> ColumnElement[bool]:
        return or_(jobs.c.lease_until.is_(None), jobs.c.lease_until <= micros(at))

    def _locked(self, query: Select[Any], at: datetime) -> list[Job]:
        rows = self._connection.execute(query.with_for_update(skip_locked=True)).mappings().all()
        found = jobs_of(rows)
        if len(found) < len(rows):
            self.put_off({row["id"] for row in rows} - {job.id for job in found}, at + PUT_OFF)
        return found

    def put_off(self, ids: Iterable[str], until: datetime) -> None:
        """Nobody's and not due before ``until``: what cannot be handled must not stand before the others."""
        late = and_(jobs.c.id.in_(tuple(ids)), jobs.c.due_at.is_not(None))
        values = {"due_at": micros(until), "lease_owner": None, "lease_until": micros(until)}
        self._connection.execute(update(jobs).where(late).values(values))

    def queued_devices(self, backends: Sequence[str], at: datetime) -> list[str]:
        """Devices that have a queued job which may start; each is locked, those locked by others are left out."""
        query = (
            select(jobs.c.device)
            .where(jobs.c.backend.in_(backends), jobs.c.state == WAITING, jobs.c.due_at <= micros(at))
            .distinct()
        )
        wanted = self._connection.execute(query).scalars().all()
        lock = select(devices.c.name).where(devices.c.name.in_(wanted)).order_by(devices.c.name)
        return list(self._connection.execute(lock.with_for_update(skip_locked=True)).scalars()) if wanted else []

    def in_flight(self, names: Sequence[str], at: datetime) -> dict[str, int]:
        """How many jobs are being sent, in doubt or at the vendor, by device.

        A job that came into ``attention`` lately counts: it may be at the vendor, and to send the next in its place
        would make one doubt after the other.
        """
        lately = and_(jobs.c.state == JobState.ATTENTION.value, jobs.c.updated_at > micros(at - DOUBTED))
        query = (
            select(jobs.c.device, func.count())
            .where(jobs.c.device.in_(names), or_(jobs.c.state.in_(IN_FLIGHT), lately), jobs.c.due_at.is_not(None))
            .group_by(jobs.c.device)
        )
        return dict(self._connection.execute(query).all())

    def next_due(self, backends: Sequence[str], *, sent: bool = False) -> datetime | None:
        """When the next look is due, if any job of these backends lives; with ``sent`` leaving out the queued ones."""
        states = SCANNED if sent else (WAITING, *SCANNED)
        query = select(func.min(jobs.c.due_at)).where(
            jobs.c.backend.in_(backends), jobs.c.state.in_(states), jobs.c.due_at.is_not(None)
        )
        return moment_or_none(self._connection.execute(query).scalar())
