"""Which jobs have been tried often enough? Runs that were lost are made again, but not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.change import Change, free
from broker.domain.lifecycle import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.domain.job import Job
    from broker.store.unit_of_work import Work

# A run that was lost, or never arrived, this often is no accident: a program that takes its simulator along each time
# takes others' runs along too. Refused for being busy does not count: a device may be away for a week.
MOST_LOST = 6
TOO_MANY = "too_many_attempts"


def worn_out(work: Work, jobs: Sequence[Job], *, at: datetime) -> list[Change]:
    """The end of those among queued jobs whose attempts were lost ``MOST_LOST`` times; their holds go back."""
    tried = [job for job in jobs if job.attempt >= MOST_LOST]
    lost = work.attempts.lost([job.id for job in tried]) if tried else {}
    return [
        free(
            Change(job=job),
            JobState.FAILED,
            at=at,
            reason=f"{lost[job.id]} of its {job.attempt} attempts were lost; it is not tried again",
            code=TOO_MANY,
        )
        for job in tried
        if lost.get(job.id, 0) >= MOST_LOST
    ]
