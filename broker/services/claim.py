"""Who drives which job? A worker takes due jobs under a lease, and begins attempts where a device has room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.change import Change, begin, free
from broker.domain.wanted import unwanted
from broker.services.apply import write
from broker.services.turn import in_turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from broker.domain.attempt import Attempt
    from broker.domain.ids import JobId
    from broker.domain.job import Job
    from broker.domain.wanted import Unwanted
    from broker.store.unit_of_work import Store, Work

# One part in so many of a look is for jobs that begin, even if more are due than it can take.
BEGUN_AT_LEAST = 4


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
    with store.write("claim") as work:
        taken = [_lease(job, terms, at) for job in work.jobs.due(terms.backends, at, terms.limit, only=rung)]
        over = work.jobs.past_deadline(terms.backends, at, terms.limit)
        ended = [free(Change(job=job), why.to, at=at, reason=why.reason, code=why.code) for job, why in _over(over, at)]
        # However many are due, some begin: a worker that only ever looks again would leave new jobs where they are.
        begun = _begin(work, terms, at, max(terms.limit - len(taken), terms.limit // BEGUN_AT_LEAST))
        changes = [*(Change(job=job) for job in taken), *ended, *begun]
        write(work, changes, at=at, seen=_seen(taken, begun))
        tried = work.attempts.latest(job.id for job in taken)
    pairs = tuple((change.job, change.attempt) for change in begun if change.attempt is not None)
    return Claimed(begun=pairs, due=tuple((job, tried[job.id]) for job in taken))


def _lease(job: Job, terms: Claim, at: datetime) -> Job:
    return alter(job, lease_owner=terms.owner, lease_until=at + terms.lease, fence=job.fence + 1)


def _seen(taken: Sequence[Job], begun: Sequence[Change]) -> dict[JobId, int]:
    return {job.id: job.fence - 1 for job in (*taken, *(change.job for change in begun))}


def _begin(work: Work, terms: Claim, at: datetime, limit: int) -> list[Change]:
    # Late binding: at most k of ours wait at a vendor, so that the rest can still be re-ranked and cancelled free.
    devices = work.jobs.queued_devices(terms.backends, at)
    busy = work.jobs.in_flight(devices)
    rooms = {device: room for device in devices if (room := terms.room.get(device, 0) - busy.get(device, 0)) > 0}
    begun: list[Change] = []
    for number, (device, room) in enumerate(sorted(rooms.items(), key=lambda each: (each[1], each[0]))):
        # An equal part of what is left for each device, the one with the least room first and none with nothing:
        # in the order of their names, a flood on the first would take every look whole.
        part = max(1, (limit - len(begun)) // (len(rooms) - number))
        chosen = in_turn(work, device, min(room, part), at=at)
        begun += [begin(_lease(job, terms, at), at=at) for job in work.jobs.take(chosen, at)]
    return begun


def _over(jobs: Sequence[Job], at: datetime) -> list[tuple[Job, Unwanted]]:
    return [(job, why) for job in jobs if (why := unwanted(job, at=at)) is not None]
