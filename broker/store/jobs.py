"""Where are the jobs? The queue of record: add, look up, find what is due, and save under the fence."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    tuple_,
    update,
)

from broker.store import due, line
from broker.store.bulk import insert_rows, run_many
from broker.store.faults import PUT_OFF
from broker.store.rows import MOST_BIG, job_of, job_row, jobs_of, micros, moment_or_none, moving_columns
from broker.store.tables import jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.engine import Connection

    from broker.domain.fairshare import Waiting
    from broker.domain.host import Here
    from broker.domain.ids import JobId
    from broker.domain.job import Job

# How long a job in `attention` keeps its place at the device, if no operator decides; then its device may go on.
DOUBTED = timedelta(hours=1)
# How long one keeps it whose run has ended and whose result cannot be read: a vendor that loses results gets no more
# than k paid jobs in that time, and one result that is asked for during a week does not keep the device for a week.
UNREAD = timedelta(minutes=10)
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
    "host",
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


class Standing(NamedTuple):
    """What others may have changed about a job while its driver was busy; ``paused`` is the reason of a pause."""

    fence: int
    cancel_requested: bool
    paused: str | None


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

    def without_points(self, ids: Sequence[str]) -> list[tuple[Job, int]]:
        """Those jobs, in the order given, without their points, which the database counts: each may have a megabyte.

        A job whose points are none, or that cannot be read, is left out: it must not hide the others.
        """
        postgresql = self._connection.dialect.name == "postgresql"
        good = jobs.c.points.op("IS JSON")(literal_column("ARRAY")) if postgresql else func.json_valid(jobs.c.points)
        count = case((good, func.json_array_length(cast(jobs.c.points, JSON) if postgresql else jobs.c.points)))
        columns = [column for column in jobs.c if column is not jobs.c.points]
        rows = self._connection.execute(select(*columns, count.label("count")).where(jobs.c.id.in_(ids))).mappings()
        found: dict[str, tuple[Job, int]] = {}
        for row in rows:
            for job in jobs_of([{**row, "points": "[]"}] if row["count"] is not None else ()):
                found[job.id] = (job, int(row["count"]))
        return [found[each] for each in ids if each in found]

    def disturbed(self, claimed: Sequence[Job], at: datetime) -> dict[str, Standing]:
        """Of claimed jobs, those that others may have changed since, or whose device or backend is paused.

        Usually none: whoever claims a job gives it another lease, so a row that still has ours need not be read.
        """
        leases = {micros(job.lease_until) for job in claimed if job.lease_until is not None}
        terms = {"now": micros(at), "leases": list(leases), "ids": [job.id for job in claimed]}
        rows = self._connection.execute(due.DISTURBED, terms)
        return {row.id: Standing(row.fence, bool(row.cancel_requested), row.reason) for row in rows}

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

    def due(
        self, backends: Sequence[str], at: datetime, limit: int, *, only: Iterable[str] = (), here: Here | None = None
    ) -> list[Job]:
        """Sent or doubtful jobs that a scanner should look at now and nobody holds; rows are locked.

        Of local runs, if it stands ``here``, those of its own host and those of dead ones.
        """
        rung = list(only)
        terms = {"backends": list(backends), "limit": limit, **_place(here)} | ({"rung": rung} if rung else {})
        return self._locked(due.RUNG if rung else due.DUE, at, terms)

    def first_in_line(self, device: str, at: datetime) -> list[Waiting]:
        """The oldest job that may start of every member who waits for the device."""
        return line.heads(self._connection, device, at)

    def next_in_line(self, device: str, last: Sequence[str], at: datetime, depth: int) -> list[Waiting]:
        """Up to ``depth`` jobs that stand behind each of the jobs ``last``, of the same member."""
        return line.behind(self._connection, device, last, at, depth) if last else []

    def take(self, ids: Sequence[str], at: datetime) -> list[Job]:
        """Those of the queued jobs that may still start, in the order given; rows are locked."""
        found = self._locked(due.STARTING, at, {"ids": list(ids)}) if ids else []
        place = {name: number for number, name in enumerate(ids)}
        return sorted(found, key=lambda job: place[job.id])

    def past_deadline(self, backends: Sequence[str], at: datetime, limit: int) -> list[Job]:
        """Queued jobs that must not be sent any more (domain/wanted.py); rows are locked.

        All that are over end for nothing, so their order is nobody's advantage.
        """
        terms = {"backends": list(backends), "now": micros(at), "limit": limit}
        over = list(dict.fromkeys(self._connection.execute(due.OVER, terms).scalars()))[:limit]
        return self._locked(due.QUEUED, at, {"ids": over}) if over else []

    def _locked(self, query: Select[Any], at: datetime, terms: Mapping[str, object]) -> list[Job]:
        rows = self._connection.execute(query, {"now": micros(at), **terms}).mappings().all()
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
        """Devices that have a queued job which may start; each is locked, those locked by others are left out.

        Jobs of a paused device or backend wait here, where cancelling them is free.
        """
        terms = {"backends": list(backends), "now": micros(at)}
        wanted = self._connection.execute(due.QUEUED_DEVICES, terms).scalars().all()
        return list(self._connection.execute(due.LOCK_DEVICES, {"names": wanted}).scalars()) if wanted else []

    def in_flight(
        self, names: Sequence[str], at: datetime, doubted: timedelta | None = None, *, here: Here | None = None
    ) -> dict[str, int]:
        """How many jobs are being sent, in doubt or at the vendor, by device; of local runs those of our own host.

        A job that came into ``attention`` lately counts: it may be at the vendor, and to send the next in its place
        would make one doubt after the other. So does one whose result is read, for a while.
        """
        terms = {
            "names": list(names),
            "doubted_since": micros(at - (doubted or DOUBTED)),
            "unread_since": micros(at - UNREAD),
            "host": _place(here)["host"],
        }
        return dict(self._connection.execute(due.IN_FLIGHT, terms).all())

    def next_due(self, backends: Sequence[str], *, sent: bool = False, here: Here | None = None) -> datetime | None:
        """When the next look is due, if any job of these backends lives; with ``sent`` leaving out the queued ones.

        Who stands ``here`` need not look at other hosts' runs: until one of them is dead, nothing of it is due.
        """
        states = due.SCANNED if sent else (due.WAITING, *due.SCANNED)
        terms = {"backends": list(backends), "states": list(states), **_place(here)}
        return moment_or_none(self._connection.execute(due.NEXT, terms).scalar())


def _place(here: Here | None) -> dict[str, Any]:
    """Who stands nowhere sees every run, as if no host were heard of."""
    return {"host": "", "heard": MOST_BIG} if here is None else {"host": here.host or "", "heard": micros(here.heard)}
