"""What may an operator decide about a job in ``attention``? Adopt the vendor's job, or release the hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.attempt import AttemptEnd
from broker.domain.change import Change, free, sent
from broker.domain.errors import NotFound, RequestInvalid
from broker.domain.ids import RemoteId
from broker.domain.lifecycle import JobState
from broker.services.apply import write

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.attempt import Attempt
    from broker.domain.hub import Member
    from broker.domain.job import Job
    from broker.store.unit_of_work import Store, Work


def adopt(store: Store, operator: Member, job_id: str, remote_id: str, reason: str, *, at: datetime) -> Job:
    """The vendor has it under ``remote_id``: drive it on.

    An id that another attempt bears is refused, and one that was taken for an orphan: it was stopped, and what it
    costs is the platform's loss already. Do not let a member pay for it as well.
    """
    with store.write() as work:
        job, attempt = _attended(work, operator, job_id)
        if work.attempts.known(job.backend, [remote_id]) - {attempt.remote_id}:
            raise RequestInvalid(f"{remote_id} belongs to another job", pointer="/remote_id")
        if work.orphans.among(job.backend, [remote_id]):
            raise RequestInvalid(f"{remote_id} was taken for an orphan and stopped", pointer="/remote_id")
        found = sent(alter(job, fence=job.fence + 1), attempt, RemoteId(remote_id), at=at, look_at=at)
        return _decide(work, operator, job, found, "adopt", reason, at)


def release(store: Store, operator: Member, job_id: str, reason: str, *, at: datetime) -> Job:
    """The vendor never got it: the job ends and the whole hold goes back. Refused if the vendor's id is known.

    It fails, or is cancelled if that is what its owner has asked for.
    """
    with store.write() as work:
        job, attempt = _attended(work, operator, job_id)
        if attempt.remote_id is not None:
            raise RequestInvalid(f"a late reply named {attempt.remote_id}: adopt it", pointer="/remote_id")
        ended = alter(attempt, end=AttemptEnd.RELEASED, detail=reason)
        change = Change(job=alter(job, fence=job.fence + 1), attempt=ended)
        to, code = (JobState.CANCELLED, None) if job.cancel_requested else (JobState.FAILED, "released")
        change = free(change, to, at=at, reason=f"released by an operator: {reason}", code=code)
        return _decide(work, operator, job, change, "release", reason, at)


def _attended(work: Work, operator: Member, job_id: str) -> tuple[Job, Attempt]:
    job = work.jobs.locked(job_id)
    if job is None or job.hub != operator.hub:
        raise NotFound(f"there is no job {job_id}")
    if job.state is not JobState.ATTENTION:
        raise RequestInvalid(f"job {job_id} is {job.state}; only a job in attention waits for an operator")
    return job, work.attempts.latest([job.id])[job.id]


def _decide(work: Work, operator: Member, job: Job, change: Change, act: str, reason: str, at: datetime) -> Job:
    write(work, [change], at=at, seen={job.id: job.fence})
    work.acted({"act": act, "job": job.id, "by": operator.id, "reason": reason}, at)
    work.ring(job.backend, job.id)
    return change.job
