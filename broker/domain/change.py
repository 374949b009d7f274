"""What follows from a fact about a job? One immutable change: the new job, its attempt, moves, result and money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.attempt import Attempt, AttemptEnd
from broker.domain.budget import release_entries
from broker.domain.ids import attempt_id, token_of
from broker.domain.lifecycle import TERMINAL, JobEvent, JobState, advance
from broker.domain.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.bill import Bill
    from broker.domain.budget import Entry
    from broker.domain.ids import HostId, RemoteId
    from broker.domain.job import Job


@dataclass(frozen=True, kw_only=True, slots=True)
class Booking:
    """A bill with the job as it stood ``before`` it was booked, and the entries that were there already."""

    bill: Bill
    job: Job
    before: tuple[Entry, ...] = ()


@dataclass(frozen=True, kw_only=True)  # no slots: see alter.py
class Change:
    """Everything that one fact changes; services/apply.py writes many of them in one transaction.

    ``held`` and ``spent`` are added to every ancestor budget. ``result`` is (sha256, body). ``otherwise`` is written
    in its place when a budget has too little left for a ``held`` that grows. ``booking`` is the bill whose entries
    these are: it becomes the job's row of charges.
    """

    job: Job
    attempt: Attempt | None = None
    begins: bool = False
    moves: tuple[JobEvent, ...] = ()
    result: tuple[str, str] | None = None
    entries: tuple[Entry, ...] = ()
    held: int = 0
    spent: int = 0
    otherwise: Change | None = None
    booking: Booking | None = None


def move(change: Change, to: JobState, *, at: datetime, reason: str = "") -> Change:
    """One more legal move."""
    job, event = advance(change.job, to, at=at, reason=reason)
    if to in TERMINAL:
        job = alter(job, due_at=None, lease_owner=None, lease_until=None)
    elif to is JobState.QUEUED:
        job = alter(job, host=None)  # whoever has room may have it next
    return alter(change, job=job, moves=(*change.moves, event))


def begin(job: Job, *, at: datetime, host: HostId | None = None) -> Change:
    """The intent to send, written before anything is sent. The job already bears the new lease and fence.

    ``host`` is where a local run will be: known before it is sent, so that if we die nobody else looks for it.
    """
    number = job.attempt + 1
    attempt = Attempt(
        id=attempt_id(job.id, number),
        job=job.id,
        number=number,
        device=job.device,
        backend=job.backend,
        token=token_of(attempt_id(job.id, number)),
        intent_at=at,
        fence=job.fence,
        host=host,
    )
    begun = Change(job=alter(job, attempt=number, remote_id=None, host=host), attempt=attempt, begins=True)
    return move(begun, JobState.SUBMITTING, at=at, reason=f"attempt {number} on {job.device}")


def sent(
    job: Job, attempt: Attempt, remote_id: RemoteId, *, at: datetime, look_at: datetime, reason: str = ""
) -> Change:
    """The vendor has it; whoever is free looks next."""
    known = Change(
        job=let_go(alter(job, remote_id=remote_id, due_at=look_at)), attempt=alter(attempt, remote_id=remote_id)
    )
    return move(known, JobState.SUBMITTED, at=at, reason=reason or f"{job.device} accepted it as {remote_id}")


def unsent(job: Job, attempt: Attempt, *, at: datetime, again_at: datetime, reason: str) -> Change:
    """Provably nothing was accepted: back to the queue."""
    ended = alter(attempt, end=AttemptEnd.UNSENT, detail=reason)
    back = Change(job=let_go(alter(job, due_at=again_at)), attempt=ended)
    return move(back, JobState.QUEUED, at=at, reason=reason)


def doubt(job: Job, attempt: Attempt, *, at: datetime, look_at: datetime, reason: str) -> Change:
    """Nobody knows whether the vendor has it; the hold stays."""
    doubted = Change(job=let_go(alter(job, due_at=look_at)), attempt=alter(attempt, detail=reason))
    return move(doubted, JobState.UNKNOWN, at=at, reason=reason)


def let_go(job: Job) -> Job:
    """The job without its lease; the fence stays, so that whoever held it can no longer write."""
    return alter(job, lease_owner=None, lease_until=None)


def look_again(job: Job, *, at: datetime, attempt: Attempt | None = None) -> Change:
    """Nothing new: look again at ``at``."""
    return Change(job=let_go(alter(job, due_at=at)), attempt=attempt)


def free(change: Change, to: JobState, *, at: datetime, reason: str, code: str | None = None) -> Change:
    """An end without a charge: the whole hold goes back."""
    job = change.job
    ended = alter(
        job,
        held=Money(currency=job.held.currency, micros=0),
        charged=Money(currency=job.held.currency, micros=0),
        error_code=code,
        error=reason if code else None,
    )
    back = alter(
        change,
        job=ended,
        entries=(*change.entries, *release_entries(job)),
        held=change.held - job.held.micros,
    )
    return move(back, to, at=at, reason=reason)
