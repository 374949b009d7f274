"""Who drives which job? A worker takes due jobs under a lease, and begins attempts where a device has room."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.change import Change, begin, free
from broker.domain.lifecycle import JobState
from broker.services.apply import write
from broker.services.gate import Gate
from broker.services.turn import charge_turns, in_turn
from broker.services.worn import worn_out
from broker.store.faults import PUT_OFF, of_one_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from broker.domain.attempt import Attempt
    from broker.domain.ids import JobId
    from broker.domain.job import Job
    from broker.store.unit_of_work import Store, Work

    Writes = Callable[[Work, Sequence[Change], datetime, Mapping[JobId, int]], Sequence[Change]]

log = logging.getLogger("qsubmit.claim")


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What one scan may take: which backends, for how long, and how many jobs; ``room`` is k per device."""

    owner: str
    backends: tuple[str, ...]
    lease: timedelta
    limit: int
    room: Mapping[str, int]


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
        due = work.jobs.next_due(terms.backends)
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
    taken = [_lease(job, terms, at) for job in work.jobs.due(terms.backends, at, terms.limit, only=rung)]
    ended = [_end(job, at) for job in work.jobs.past_deadline(terms.backends, at, terms.limit)]
    begun, worn = _begin(work, terms, at, terms.limit - len(taken))
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


def _end(job: Job, at: datetime) -> Change:
    if job.cancel_requested:
        return free(Change(job=job), JobState.CANCELLED, at=at, reason="cancelled before anything was sent")
    return free(Change(job=job), JobState.EXPIRED, at=at, reason="the deadline passed in the queue", code="expired")


def _begin(work: Work, terms: Claim, at: datetime, limit: int) -> tuple[list[Change], list[Change]]:
    """Jobs that are sent now, and jobs that were lost too often to be sent again."""
    # Late binding: at most k of ours wait at a vendor, so that the rest can still be re-ranked and cancelled free.
    devices = work.jobs.queued_devices(terms.backends, at)
    begun: list[Change] = []
    worn: list[Change] = []
    if not devices:
        return begun, worn
    busy = work.jobs.in_flight(devices, at)
    gate = Gate(work, (*devices, *terms.backends), at=at)
    for device in devices:
        room = min(terms.room.get(device, 0) - busy.get(device, 0), limit - len(begun))
        room = gate.room(device, room)
        if room > 0:
            waiting = [job for job in work.jobs.waiting(device, at, room) if not _over(job, at)]
            over = worn_out(work, waiting, at=at)
            gone = {change.job.id for change in over}
            fit = [job for job in waiting if job.id not in gone]
            begun += [
                begin(_lease(job, terms, at), at=at) for job in _sent(gate, in_turn(work, fit, at=at), room, terms)
            ]
            worn += over
    if begun:
        charge_turns(work, [change.job for change in begun], at=at)
    return begun, worn


def _sent(gate: Gate, turn: Sequence[Job], room: int, terms: Claim) -> Sequence[Job]:
    """As many as there is room for, at the device and at its vendor; one where it must prove itself."""
    chosen = turn[: gate.room(turn[0].backend, room)] if turn else ()
    if chosen:
        gate.begun((chosen[0].device, chosen[0].backend), answer=terms.lease)
    return chosen


def _over(job: Job, at: datetime) -> bool:
    return job.cancel_requested or (job.deadline is not None and job.deadline <= at)
