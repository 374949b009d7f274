"""May a job still be sent? Asked by every move that can lead to a send, the last time just before the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.lifecycle import JobState

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.job import Job


@dataclass(frozen=True, kw_only=True, slots=True)
class Unwanted:
    """How a job ends of which nothing is at a vendor, and why; ``code`` as in the job's error."""

    to: JobState
    reason: str
    code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Withheld:
    """Why a send did not happen: the job is ``unwanted``, or it is and must wait (a pause, a lost lease)."""

    reason: str
    unwanted: Unwanted | None = None


def unwanted(job: Job, *, at: datetime) -> Unwanted | None:
    """Why nothing may be sent for this job any more, or None.

    A deadline is the latest time at which a vendor may get the job; what a vendor has runs on. A hold that is not
    whole would let a vendor bill what nobody has put aside.
    """
    if job.cancel_requested:
        return Unwanted(to=JobState.CANCELLED, reason="cancelled before anything was sent")
    if job.deadline is not None and job.deadline <= at:
        return Unwanted(to=JobState.EXPIRED, reason="the deadline passed before a vendor had it", code="expired")
    if job.held != job.quoted:
        return Unwanted(to=JobState.FAILED, reason=f"holds {job.held} of {job.quoted}", code="hold_lost")
    return None
