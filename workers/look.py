"""What do the vendor's jobs say? Bulk polls and fetches, and what each answer means for the job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from backends.base import Outcome, Phase, Snapshot
from backends.errors import BackendError, UnknownJob
from broker.crash import crashpoint
from broker.domain.alter import alter
from broker.domain.attempt import AttemptEnd
from broker.domain.backoff import backoff
from broker.domain.change import Change, let_go, look_again, move
from broker.domain.eta import next_poll
from broker.domain.lifecycle import JobState
from broker.domain.recovery import Recovery
from broker.domain.result import Result, seal
from broker.services.settle import ended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backends.base import Backend
    from broker.domain.attempt import Attempt
    from broker.domain.ids import HostId, RemoteId
    from broker.domain.job import Job
    from broker.domain.requirement import Requirement
    from broker.services.settle import Tariff

_GONE = Snapshot(phase=Phase.LOST, word="its host is gone")


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Everything that an answer is judged by."""

    backend: Backend
    tariff: Tariff
    at: datetime
    patience: timedelta


class Odd(BackendError):
    """The adapter stumbled over an answer: perhaps over what it says of one job only."""


def stranded(job: Job, host: HostId | None) -> bool:
    """Whether it is a local run of another host than ours: claimed all the same, so that host is dead."""
    return host is not None and job.host is not None and job.host != host


def poll(backend: Backend, jobs: Sequence[Job], host: HostId | None = None) -> Mapping[RemoteId, Snapshot]:
    """What the vendor says of each; of stranded runs nobody is asked.

    Raises:
        BackendError: nothing is known of any of them.
    """
    gone = {job.remote_id: _GONE for job in jobs if job.remote_id is not None and stranded(job, host)}
    asked = [job.remote_id for job in jobs if job.remote_id is not None and job.remote_id not in gone]
    return {**gone, **_polled(backend, asked)} if asked else gone


def _polled(backend: Backend, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
    crashpoint("poll.before")
    try:
        seen = backend.poll(remote_ids)
    except BackendError:
        raise
    except Exception as error:
        raise Odd(f"{type(error).__name__}: {error}") from error
    crashpoint("poll.after")
    missing = set(remote_ids) - seen.keys()
    if missing:
        raise UnknownJob(f"{backend.name} said nothing about {len(missing)} of {len(remote_ids)} jobs")
    return seen


def fetch(backend: Backend, remote_ids: Sequence[RemoteId]) -> dict[RemoteId, Outcome | BackendError]:
    """The results of finished jobs."""
    crashpoint("fetch.before")
    fetched = _many(backend, remote_ids)
    crashpoint("fetch.after")
    return fetched


def _many(backend: Backend, remote_ids: Sequence[RemoteId]) -> dict[RemoteId, Outcome | BackendError]:
    try:
        return dict(zip(remote_ids, backend.fetch_many(remote_ids), strict=True))
    except BackendError as error:
        return dict.fromkeys(remote_ids, error)
    except Exception as error:  # noqa: BLE001  one broken result must not stop the others
        if len(remote_ids) == 1:
            return {remote_ids[0]: BackendError(f"{type(error).__name__}: {error}")}
        return {one: got for each in remote_ids for one, got in _many(backend, [each]).items()}


def noted(job: Job, attempt: Attempt, snapshot: Snapshot, look: Look) -> Change:
    """A job that the vendor has not finished: its phase, its place in the queue, and when to look again."""
    seen = alter(attempt, word=snapshot.word, queue_position=snapshot.queue_position)
    if snapshot.phase is Phase.LOST:
        return _lost(job, seen, look)
    if snapshot.phase in (Phase.FAILED, Phase.CANCELLED):
        return _over(job, seen, snapshot, look)
    floor = timedelta(seconds=look.backend.poll_floor_s)
    wait = next_poll(look.at - attempt.intent_at, snapshot.queue_position, floor)
    change = look_again(job, at=look.at + wait, attempt=seen)
    if snapshot.phase is Phase.RUNNING and job.state is JobState.SUBMITTED:
        return move(change, JobState.RUNNING, at=look.at, reason=f"the vendor says {snapshot.word}")
    return change


def _over(job: Job, seen: Attempt, snapshot: Snapshot, look: Look) -> Change:
    usage = snapshot.usage or seen.usage
    cost = None if usage is None else look.tariff.bill(job, usage, at=look.at)
    change = Change(job=job, attempt=seen)
    if snapshot.phase is Phase.CANCELLED:
        reason = snapshot.message or f"the vendor says {snapshot.word}"
        return ended(
            change, JobState.CANCELLED, AttemptEnd.CANCELLED, at=look.at, reason=reason, cost=cost, usage=usage
        )
    reason = snapshot.message or f"the vendor says {snapshot.word} and no more"
    return ended(
        change,
        JobState.FAILED,
        AttemptEnd.FAILED,
        at=look.at,
        reason=reason,
        cost=cost,
        usage=usage,
        code=snapshot.code or "run_failed",
    )


def _lost(job: Job, seen: Attempt, look: Look) -> Change:
    detail = _GONE.word if seen.word == _GONE.word else "the vendor no longer knows it"
    lost = alter(seen, end=AttemptEnd.LOST, detail=detail)
    if look.backend.recovery is Recovery.RERUN and job.cancel_requested:
        lost_run = Change(job=job, attempt=lost)
        reason = "cancelled; the local run was lost, and is not run again"
        return ended(lost_run, JobState.CANCELLED, AttemptEnd.LOST, at=look.at, reason=reason)
    if look.backend.recovery is Recovery.RERUN:
        # The first time at once. What took the simulator along twice must not take everybody along every second.
        wait = backoff(seen.number, seed=seen.id) if seen.number > 1 else timedelta(0)
        back = Change(job=let_go(alter(job, due_at=look.at + wait, remote_id=None)), attempt=lost)
        why = _GONE.word if seen.word == _GONE.word else "the local run was lost"
        return move(back, JobState.QUEUED, at=look.at, reason=f"{why}; it is run again")
    change, reason = Change(job=job, attempt=lost), "the vendor no longer knows this job"
    if job.state is JobState.SUBMITTED:
        # Never seen to run, and whoever has no record of it cannot bill it.
        return ended(change, JobState.FAILED, AttemptEnd.LOST, at=look.at, reason=reason, code="lost_at_vendor")
    return _without_result(change, look, reason, code="lost_at_vendor")


def _without_result(change: Change, look: Look, reason: str, *, code: str) -> Change:
    """A run that the vendor bills and whose result nobody will ever have: the member pays nothing for it."""
    if look.backend.recovery is Recovery.RERUN:  # nobody bills it
        return ended(change, JobState.FAILED, AttemptEnd.LOST, at=look.at, reason=reason, code=code)
    usage = None if change.attempt is None else change.attempt.usage
    return ended(
        change,
        JobState.FAILED,
        AttemptEnd.LOST,
        at=look.at,
        reason=f"{reason}; you pay nothing, what the vendor bills for it is the platform's loss",
        cost=look.tariff.without_result(change.job, usage, at=look.at),
        code=code,
    )


def collected(
    job: Job, attempt: Attempt, got: Outcome | BackendError, need: Requirement, look: Look, *, seen: Snapshot
) -> Change:
    """A finished job: its result in the normal form with the bill, or another try at fetching."""
    if isinstance(got, UnknownJob) and look.backend.recovery is Recovery.RERUN:
        return _lost(job, attempt, look)
    word, billed = seen.word, None if look.backend.recovery is Recovery.RERUN else seen.usage or attempt.usage
    change = Change(job=job, attempt=alter(attempt, word=word, usage=billed))
    if job.state is not JobState.FETCHING:
        change = move(change, JobState.FETCHING, at=look.at, reason=f"the vendor says {word}")
    # Since it finished, not since it was sent: it may have waited in the vendor's queue for longer than this.
    patient = look.at - change.job.updated_at <= look.patience
    if isinstance(got, UnknownJob) or (isinstance(got, BackendError) and not patient):
        return _without_result(change, look, f"the vendor has no result of this job: {got}", code="result_lost")
    if isinstance(got, BackendError):
        later = look.at + next_poll(look.at - attempt.intent_at, None, timedelta(seconds=5))
        return alter(change, job=let_go(alter(change.job, due_at=later)))
    result = Result(
        kind=need.paradigm,
        points=got.points,
        shots_asked=job.shots * max(1, len(job.points)),
        registers=need.registers,
        device=job.device,
        sandbox=job.sandbox,
        calibration=got.calibration,
        compiled=got.compiled,
        raw=got.raw,
        software=got.software,
        engine=got.engine,
        warnings=got.warnings,
    )
    body, sha256 = seal(result.document())
    change = alter(change, result=(sha256, body))
    cost = look.tariff.bill(job, got.usage, at=_ended_at(got, attempt, look))
    return ended(change, JobState.SUCCEEDED, AttemptEnd.DONE, at=look.at, cost=cost, usage=got.usage)


def _ended_at(got: Outcome, attempt: Attempt, look: Look) -> datetime:
    """When the vendor says that it ended, as far as that can be; else now. It decides in whose month the run counts."""
    if got.run_ended_at is None:
        return look.at
    try:
        said = datetime.fromtimestamp(got.run_ended_at, UTC)
    except (ValueError, OverflowError, OSError):
        return look.at
    return max(attempt.intent_at, min(said, look.at))
