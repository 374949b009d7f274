"""Who drives which job? A worker takes due jobs under a lease, and begins attempts where a device has room."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.change import Change, begin, free
from broker.domain.wanted import unwanted
from broker.services.apply import write
from broker.services.gate import Gate
from broker.services.turn import in_turn
from broker.services.worn import worn_out
from broker.store.faults import PUT_OFF, of_one_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from broker.domain.attempt import Attempt
    from broker.domain.host import Here
    from broker.domain.ids import HostId, JobId
    from broker.domain.job import Job
    from broker.domain.wanted import Unwanted
    from broker.store.unit_of_work import Store, Work

    Writes = Callable[[Work, Sequence[Change], datetime, Mapping[JobId, int]], Sequence[Change]]

log = logging.getLogger("qsubmit.claim")
# One part in so many of a look is for jobs that begin, even if more are due than it can take.
BEGUN_AT_LEAST = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What one scan may take: which backends, for how long, and how many jobs; ``room`` is k per device.

    ``here`` is where its worker stands; the runs of ``hosted`` backends are bound to that host. ``fits`` are those of
    some jobs that this host has room for: the others are left to other hosts.
    """

    owner: str
    backends: tuple[str, ...]
    lease: timedelta
    limit: int
    room: Mapping[str, int]
    doubted: timedelta | None = None
    here: Here | None = None
    hosted: frozenset[str] = frozenset()
    fits: Callable[[Work, Sequence[Job]], Sequence[Job]] | None = None

    def host_of(self, job: Job) -> HostId | None:
        """Where a job's run will be bound to, if it is one of ours."""
        return None if self.here is None or job.backend not in self.hosted else self.here.host


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """``begun`` are to be sent now; ``due`` were sent, or may have been, by somebody."""

    begun: tuple[tuple[Job, Attempt], ...] = ()
    due: tuple[tuple[Job, Attempt], ...] = ()


def claim(store: Store, terms: Claim, *, at: datetime, rung: Sequence[str] = ()) -> Claimed:
    """Take what is due under a lease and a larger fence, in one transaction.

    A look without the write lock comes first, so that idle workers do not queue up behind each other.
    """
    with store.read() as work:
        due = work.jobs.next_due(terms.backends, here=terms.here)
    if not rung and (due is None or due > at):
        return Claimed()
    try:
        with store.write("claim") as work:
            return _take(work, terms, _write_all, at=at, rung=rung)
    except Exception as error:
        if not of_one_row(error):
            raise
        log.exception("a claim cannot be stored; each job by itself")
    with store.write("claim") as work:
        return _take(work, terms, _write_each, at=at, rung=rung)


def _take(work: Work, terms: Claim, write_down: Writes, *, at: datetime, rung: Sequence[str]) -> Claimed:
    sent = work.jobs.due(terms.backends, at, terms.limit, only=rung, here=terms.here)
    taken = [_lease(job, terms, at) for job in sent]
    over = work.jobs.past_deadline(terms.backends, at, terms.limit)
    ended = [free(Change(job=job), why.to, at=at, reason=why.reason, code=why.code) for job, why in _over(over, at)]
    # However many are due, some begin: a worker that only ever looks again would leave new jobs where they are.
    begun, worn = _begin(work, terms, at, max(terms.limit - len(taken), terms.limit // BEGUN_AT_LEAST))
    changes = [*(Change(job=job) for job in taken), *ended, *worn, *begun]
    written = {change.job.id for change in write_down(work, changes, at, _seen(taken, begun))}
    tried = work.attempts.latest(job.id for job in taken)
    return Claimed(
        begun=tuple((c.job, c.attempt) for c in begun if c.attempt is not None and c.job.id in written),
        due=tuple((job, tried[job.id]) for job in taken if job.id in written and job.id in tried),
    )


def _write_all(work: Work, changes: Sequence[Change], at: datetime, seen: Mapping[JobId, int]) -> Sequence[Change]:
    """All of them, or an error."""
    write(work, changes, at=at, seen=seen)
    return changes


def _write_each(work: Work, changes: Sequence[Change], at: datetime, seen: Mapping[JobId, int]) -> Sequence[Change]:
    """What can be written; what cannot is looked at again later, so that nobody stands behind it."""
    written = []
    for change in changes:
        try:
            with work.trial():
                write(work, [change], at=at, seen=seen)
        except Exception as error:
            if not of_one_row(error):
                raise
            work.jobs.put_off([change.job.id], at + PUT_OFF)
            work.spoiled.note("claim", change.job.id, f"{type(error).__name__}: {error}"[:300], at)
        else:
            written.append(change)
    return written


def _lease(job: Job, terms: Claim, at: datetime) -> Job:
    return alter(job, lease_owner=terms.owner, lease_until=at + terms.lease, fence=job.fence + 1)


def _seen(taken: Sequence[Job], begun: Sequence[Change]) -> dict[JobId, int]:
    return {job.id: job.fence - 1 for job in (*taken, *(change.job for change in begun))}


def _begin(work: Work, terms: Claim, at: datetime, limit: int) -> tuple[list[Change], list[Change]]:
    """Jobs that are sent now, and jobs that were lost too often to be sent again."""
    # Late binding: at most k of ours wait at a vendor, so that the rest can still be re-ranked and cancelled free.
    devices = work.jobs.queued_devices(terms.backends, at)
    begun: list[Change] = []
    worn: list[Change] = []
    if not devices:
        return begun, worn
    busy = work.jobs.in_flight(devices, at, terms.doubted, here=terms.here)
    gate = Gate(work, (*devices, *terms.backends), at=at)
    free_places = {device: gate.room(device, terms.room.get(device, 0) - busy.get(device, 0)) for device in devices}
    rooms = sorted(((room, device) for device, room in free_places.items() if room > 0))
    for number, (room, device) in enumerate(rooms):
        # An equal part of what is left for each device, the one with the least room first and none with nothing:
        # in the order of their names, a flood on the first would take every look whole.
        part = max(1, (limit - len(begun)) // (len(rooms) - number))
        turn = work.jobs.take(in_turn(work, device, min(room, part), at=at), at)
        over = worn_out(work, turn, at=at)
        gone = {change.job.id for change in over}
        fit: Sequence[Job] = [job for job in turn if job.id not in gone]
        if terms.fits is not None and fit and fit[0].backend in terms.hosted:
            fit = terms.fits(work, fit)
        chosen = _sent(gate, fit, room, terms)
        begun += [begin(_lease(job, terms, at), at=at, host=terms.host_of(job)) for job in chosen]
        worn += over
    return begun, worn


def _sent(gate: Gate, turn: Sequence[Job], room: int, terms: Claim) -> Sequence[Job]:
    """As many as there is room for, at the device and at its vendor; one where it must prove itself."""
    chosen = turn[: gate.room(turn[0].backend, room)] if turn else ()
    if chosen:
        gate.begun((chosen[0].device, chosen[0].backend), answer=terms.lease)
    return chosen


def _over(jobs: Sequence[Job], at: datetime) -> list[tuple[Job, Unwanted]]:
    return [(job, why) for job in jobs if (why := unwanted(job, at=at)) is not None]
