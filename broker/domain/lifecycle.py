"""Which moves may a job make? One table; ``advance`` is the only function that changes a state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

from broker.domain.alter import alter
from broker.domain.errors import IllegalTransition

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.ids import JobId


class JobState(StrEnum):
    """Where a job stands; see docs/lifecycle.md, drawn from this file."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    RUNNING = "running"
    FETCHING = "fetching"
    UNKNOWN = "unknown"
    ATTENTION = "attention"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED})
LIVE = frozenset(JobState) - TERMINAL
AT_VENDOR = frozenset({JobState.SUBMITTED, JobState.RUNNING, JobState.FETCHING})

# Where a job's time went while it stood there: what users are shown, and what the metrics count.
STAGE: dict[JobState, str] = {
    JobState.ACCEPTED: "broker",
    JobState.QUEUED: "broker",
    JobState.SUBMITTING: "broker",
    JobState.UNKNOWN: "broker",
    JobState.ATTENTION: "broker",
    JobState.SUBMITTED: "vendor",
    JobState.RUNNING: "run",
    JobState.FETCHING: "fetch",
}

_END = frozenset({JobState.FAILED, JobState.CANCELLED})

NEXT: dict[JobState, frozenset[JobState]] = {
    JobState.ACCEPTED: _END | {JobState.QUEUED},
    JobState.QUEUED: _END | {JobState.SUBMITTING, JobState.EXPIRED},
    # To expired as well: a deadline that passes while nobody knows whether the vendor has it counts once it is proved
    # that the vendor has not.
    JobState.SUBMITTING: _END | {JobState.SUBMITTED, JobState.QUEUED, JobState.UNKNOWN, JobState.EXPIRED},
    JobState.UNKNOWN: _END | {JobState.SUBMITTED, JobState.QUEUED, JobState.ATTENTION, JobState.EXPIRED},
    JobState.ATTENTION: _END | {JobState.SUBMITTED, JobState.EXPIRED},
    JobState.SUBMITTED: _END | {JobState.RUNNING, JobState.FETCHING, JobState.QUEUED},
    JobState.RUNNING: _END | {JobState.FETCHING, JobState.QUEUED},
    JobState.FETCHING: _END | {JobState.SUCCEEDED, JobState.QUEUED},
    **dict.fromkeys(TERMINAL, frozenset()),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class JobEvent:
    """One move: the row that timelines, metrics, streams and bills are read from."""

    job_id: JobId
    before: JobState | None
    after: JobState
    at: datetime
    reason: str = ""


class Moving(Protocol):
    """What has a state: a job, as far as this file needs to know one."""

    @property
    def id(self) -> JobId: ...

    @property
    def state(self) -> JobState: ...

    @property
    def updated_at(self) -> datetime: ...


M = TypeVar("M", bound=Moving)


def advance(job: M, to: JobState, *, at: datetime, reason: str = "") -> tuple[M, JobEvent]:
    """The job after a legal move, with its event.

    Raises:
        IllegalTransition: ``to`` is not listed for the job's state.
    """
    if to not in NEXT[job.state]:
        raise IllegalTransition(job.id, job.state, to)
    event = JobEvent(job_id=job.id, before=job.state, after=to, at=at, reason=reason)
    return alter(job, state=to, updated_at=at), event
