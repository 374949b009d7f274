"""What became of a submission nobody heard back from? Evidence first (docs/architecture.md, "Sending exactly once")."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from backends.errors import BackendError, Busy, Refused, Unauthorized
from broker.crash import crashpoint
from broker.domain.alter import alter
from broker.domain.attempt import AttemptEnd
from broker.domain.backoff import FLOOR, asked_within, backoff
from broker.domain.change import Change, let_go, look_again, move, sent
from broker.domain.eta import next_poll
from broker.domain.lifecycle import JobState
from broker.domain.recovery import Act, Recovery, Verdict, needs_look, verdict
from broker.services.settle import ended
from workers.send import timed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from backends.base import Backend, Order
    from broker.domain.attempt import Attempt
    from broker.domain.ids import JobId, RemoteId
    from broker.domain.job import Job
    from broker.domain.terms import Terms
    from broker.domain.wanted import Unwanted, Withheld

ATTENTION_LOOK = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """A job in ``submitting`` with a dead lease, in ``unknown``, or in ``attention``, under our lease.

    ``ask`` tells what the database says now about whether it may be sent.
    """

    job: Job
    attempt: Attempt
    may_resubmit: bool
    ask: Callable[[Sequence[Job]], Mapping[JobId, Withheld]]

    def withheld(self) -> Withheld | None:
        """Why nothing may be sent for it at this moment, or None."""
        return self.ask([self.job]).get(self.job.id)


def settle_doubt(doubt: Doubt, backend: Backend, order: Order, *, at: datetime, terms: Terms) -> Change:
    """The change that the evidence allows; at worst, to look again later."""
    start = _as_unknown(doubt, at)
    withheld = doubt.withheld()
    why = None if withheld is None else withheld.unwanted
    doubt = doubt if why is None else _unwanted(doubt, at)
    try:
        found = _look(backend, doubt.attempt)
        finding = verdict(
            backend.recovery,
            doubt.attempt,
            found,
            at=at,
            quiescence=terms.quiescence,
            may_resubmit=doubt.may_resubmit,
            wanted=why is None,
        )
        if why is not None and finding.act is Act.WITHDRAW:
            return _withdraw(start, doubt.attempt, backend.recovery, finding, why, at=at)
        if why is not None and finding.act is Act.ATTEND:
            return _attend(start, doubt, f"{finding.reason}; it is not wanted any more: {why.reason}", at)
        return _carry_out(start, doubt, finding, backend, order, at=at, terms=terms)
    except BackendError as error:
        return _later(start, doubt.attempt, at + _patience(error, terms, at - doubt.attempt.intent_at), str(error))
    except Exception as error:  # noqa: BLE001  one adapter's surprise must not stop the other jobs of this scan
        return _later(start, doubt.attempt, at + terms.send_timeout, f"{type(error).__name__}: {error}")


def _unwanted(doubt: Doubt, at: datetime) -> Doubt:
    attempt = alter(doubt.attempt, unwanted_at=doubt.attempt.unwanted_at or at)
    return replace(doubt, attempt=attempt)


def _look(backend: Backend, attempt: Attempt) -> Sequence[RemoteId]:
    if not needs_look(backend.recovery):
        return ()
    crashpoint("reconcile.before_find")
    found = backend.find(attempt.token)
    crashpoint("reconcile.after_find")
    return found


def _as_unknown(doubt: Doubt, at: datetime) -> Change:
    change = Change(job=doubt.job, attempt=doubt.attempt)
    if doubt.job.state is JobState.SUBMITTING:
        return move(change, JobState.UNKNOWN, at=at, reason="the worker that was sending it is gone")
    return change


def _carry_out(
    start: Change, doubt: Doubt, finding: Verdict, backend: Backend, order: Order, *, at: datetime, terms: Terms
) -> Change:
    if finding.act is Act.RESEND:
        return _resend(start, doubt, backend, order, at=at, terms=terms)
    if finding.act is Act.ADOPT and finding.remote_id is not None:
        return _adopt(start, doubt.attempt, finding.remote_id, at=at, reason=finding.reason)
    if finding.act is Act.WAIT and finding.until is not None:
        waited = alter(doubt.attempt, absences=finding.absences, absent_at=at)
        return _later(start, waited, finding.until, finding.reason)
    if finding.act is Act.REQUEUE:
        return _requeue(start, doubt.attempt, backend.recovery, finding, at)
    return _attend(start, doubt, finding.reason, at)


def _adopt(start: Change, attempt: Attempt, remote_id: RemoteId, *, at: datetime, reason: str) -> Change:
    adopted = sent(start.job, attempt, remote_id, at=at, look_at=at, reason=f"{reason}: {remote_id}")
    return alter(adopted, job=let_go(adopted.job), moves=(*start.moves, *adopted.moves))


def _requeue(start: Change, attempt: Attempt, recovery: Recovery, finding: Verdict, at: datetime) -> Change:
    end = AttemptEnd.LOST if recovery is Recovery.RERUN else AttemptEnd.ABSENT
    over = alter(attempt, end=end, detail=finding.reason, absences=finding.absences)
    # The first time at once. A host that fails for half a minute must not use up every try that a job has.
    rerun = recovery is Recovery.RERUN and attempt.number > 1
    wait = backoff(attempt.number, seed=attempt.id) if rerun else timedelta(0)
    back = alter(start, job=let_go(alter(start.job, due_at=at + wait)), attempt=over)
    return move(back, JobState.QUEUED, at=at, reason=finding.reason)


def _withdraw(
    start: Change, attempt: Attempt, recovery: Recovery, finding: Verdict, why: Unwanted, *, at: datetime
) -> Change:
    """Nothing of it is at the vendor, and nobody wants it there: its end."""
    how = AttemptEnd.LOST if recovery is Recovery.RERUN else AttemptEnd.ABSENT
    over = alter(start, attempt=alter(attempt, absences=finding.absences, absent_at=at))
    return ended(over, why.to, how, at=at, reason=f"{why.reason}; {finding.reason}", code=why.code)


def _attend(start: Change, doubt: Doubt, reason: str, at: datetime) -> Change:
    told = alter(doubt.attempt, detail=reason)
    waiting = alter(start, job=let_go(alter(start.job, due_at=at + ATTENTION_LOOK)), attempt=told)
    if doubt.job.state is JobState.ATTENTION:
        return waiting
    return move(waiting, JobState.ATTENTION, at=at, reason=reason)


def _resend(start: Change, doubt: Doubt, backend: Backend, order: Order, *, at: datetime, terms: Terms) -> Change:
    if not terms.may_send(doubt.job.lease_until, at):
        return _later(start, doubt.attempt, at, "too little of the lease was left to send again")
    crashpoint("submit.before_send")
    # The look at the vendor may have taken its whole timeout. Do not take this for the same question asked twice.
    withheld = doubt.withheld()
    if withheld is not None:
        return _later(start, doubt.attempt, at + terms.send_timeout, f"not sent again: {withheld.reason}")
    # Around the create alone: a vendor that refuses to list has said nothing about the job.
    try:
        remote_id = backend.submit(timed(order, terms))
    except Refused as error:
        return _refused(start, doubt.attempt, error, at=at, terms=terms)
    crashpoint("submit.after_send")
    others = [seen for seen in backend.find(doubt.attempt.token) if seen != remote_id]
    if others:
        return _attend(start, doubt, "the token's answer and the vendor's list disagree", at)
    return _adopt(start, doubt.attempt, remote_id, at=at, reason="sent again with the same token")


def _refused(start: Change, attempt: Attempt, error: Refused, *, at: datetime, terms: Terms) -> Change:
    # The list is empty and the vendor refuses what we send again: both say that it has nothing. But while the first
    # request may still land, that can change.
    quiet = attempt.intent_at + terms.quiescence.window
    if at < quiet:
        return _later(start, attempt, quiet, f"refused when sent again; the first request may still land: {error}")
    return ended(start, JobState.FAILED, AttemptEnd.REFUSED, at=at, reason=str(error), code=error.code)


def _later(start: Change, attempt: Attempt, until: datetime, reason: str) -> Change:
    waiting = look_again(start.job, at=until, attempt=alter(attempt, detail=reason))
    return alter(waiting, moves=start.moves)


def _patience(error: BackendError, terms: Terms, age: timedelta) -> timedelta:
    if isinstance(error, Unauthorized):
        return terms.pause
    floor = asked_within(error.retry_after) if isinstance(error, Busy) else terms.send_timeout
    return next_poll(age, None, max(floor, FLOOR))
