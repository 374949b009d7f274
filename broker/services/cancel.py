"""How is a job stopped? A flag, never a state: what was not sent ends at once, the rest when the vendor agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.change import Change, free
from broker.domain.errors import NotCancellable, NotFound
from broker.domain.lifecycle import TERMINAL, JobState
from broker.services.apply import write

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.hub import Member
    from broker.domain.job import Job
    from broker.store.unit_of_work import Store, Work


def cancel(store: Store, member: Member, job_id: str, *, at: datetime) -> Job:
    """Ask for the end of a job; safe to repeat.

    Raises:
        NotFound: no such job in the member's project.
        NotCancellable: it has ended otherwise.
    """
    with store.write("cancel") as work:
        job = work.jobs.locked(job_id)
        if job is None or job.organisation != member.organisation or job.project != member.project:
            raise NotFound(f"there is no job {job_id}")
        if job.state is JobState.CANCELLED or (job.cancel_requested and job.state not in TERMINAL):
            return job
        if job.state in TERMINAL:
            raise NotCancellable(f"job {job_id} has already {job.state}")
        return _stop(work, job, member, at)


def _stop(work: Work, job: Job, member: Member, at: datetime) -> Job:
    flagged = alter(job, cancel_requested=True, updated_at=at, due_at=at, fence=job.fence + 1)
    held = job.lease_until is not None and job.lease_until > at
    if held:
        # Somebody is talking to the vendor about it: leave the fence, so that what they learn is still written.
        flagged = alter(flagged, fence=job.fence)
    change = Change(job=flagged)
    if job.state is JobState.QUEUED and not held:
        change = free(change, JobState.CANCELLED, at=at, reason=f"cancelled by {member.name} before anything was sent")
    write(work, [change], at=at, seen={job.id: job.fence})
    work.jobs.request_cancel(job.id)
    work.acted({"act": "cancel", "job": job.id, "by": member.id}, at)
    work.ring(job.backend, job.id)
    return change.job
