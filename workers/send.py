"""What happens when an attempt is sent? One create request, and what each kind of reply means for the job."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized
from broker.crash import crashpoint
from broker.domain.attempt import AttemptEnd
from broker.domain.backoff import backoff
from broker.domain.breaker import DEVICE_TRIPS
from broker.domain.change import Change, doubt, sent, unsent
from broker.domain.lifecycle import JobState
from broker.domain.recovery import Recovery
from broker.domain.text import fits_name
from broker.services.settle import ended

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from backends.base import Backend, Order
    from broker.domain.attempt import Attempt
    from broker.domain.ids import RemoteId
    from broker.domain.job import Job
    from broker.domain.terms import Terms

Reply = "RemoteId | BackendError"


class NotTried(Busy):
    """Stands for a reply where nothing was sent for a reason of ours: it says nothing about the vendor."""


@runtime_checkable
class Wholesale(Protocol):
    """A backend that takes many orders in one call, each with its own reply."""

    def submit_many(self, orders: Sequence[Order]) -> Sequence[RemoteId | BackendError]:
        """Replies in the order of the orders."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """An attempt about to be sent."""

    job: Job
    attempt: Attempt
    order: Order


def fresh_enough(job: Job, terms: Terms, at: datetime) -> bool:
    """Whether enough of the lease is left: a request that we send must be over before anybody else may act."""
    return job.lease_until is not None and job.lease_until - at >= 2 * terms.send_timeout


def send(
    backend: Backend, batch: Sequence[Sending], *, terms: Terms, clock: Callable[[], datetime]
) -> list[RemoteId | BackendError]:
    """Send each exactly once and return the replies in order; an unforeseen exception is a doubt, never a retry.

    The lease is looked at before each: those that went before may have taken their whole timeout.
    """
    crashpoint("submit.before_send")
    if isinstance(backend, Wholesale) and all(fresh_enough(each.job, terms, clock()) for each in batch):
        replies = _many(backend, [each.order for each in batch])
    else:
        replies = _one_by_one(backend, batch, terms=terms, clock=clock)
    crashpoint("submit.after_send")
    return [_named(reply) for reply in replies]


def _one_by_one(
    backend: Backend, batch: Sequence[Sending], *, terms: Terms, clock: Callable[[], datetime]
) -> list[RemoteId | BackendError]:
    replies: list[RemoteId | BackendError] = []
    failures: Counter[str] = Counter()
    for each in batch:
        if not fresh_enough(each.job, terms, clock()):
            replies.append(too_late())
            continue
        if failures[each.job.device] >= DEVICE_TRIPS:
            # The breaker will say the same once the replies are written; until then more would go the same way.
            replies.append(NotTried(f"{each.job.device} has just failed {DEVICE_TRIPS} times"))
            continue
        reply = _one(backend, each.order)
        replies.append(reply)
        fails = isinstance(reply, BackendError) and not isinstance(reply, Refused)
        failures[each.job.device] = failures[each.job.device] + 1 if fails else 0
    return replies


def too_late() -> NotTried:
    """What stands for a reply where nothing was sent: somebody else may soon act on the job."""
    return NotTried("too little of the lease was left to send it", retry_after=0.0)


def _many(backend: Wholesale, orders: Sequence[Order]) -> list[RemoteId | BackendError]:
    try:
        return list(backend.submit_many(orders))
    except Exception as error:  # noqa: BLE001  as for one: any surprise is an unknown outcome, here of all of them
        return [BackendError(f"{type(error).__name__}: {error}") for _ in orders]


def _named(reply: RemoteId | BackendError) -> RemoteId | BackendError:
    if isinstance(reply, BackendError) or fits_name(reply):
        return reply
    # Half an id would name another job; the whole one cannot be stored. Something may have been accepted.
    return OutcomeUnknown(f"the vendor's answer is no id that can be kept: {str(reply)[:80]!r}")


def _one(backend: Backend, order: Order) -> RemoteId | BackendError:
    try:
        return backend.submit(order)
    except BackendError as error:
        return error
    except Exception as error:  # noqa: BLE001  after bytes may have been sent, any surprise is an unknown outcome
        return BackendError(f"{type(error).__name__}: {error}")


def reaction(
    each: Sending, reply: RemoteId | BackendError, *, recovery: Recovery, at: datetime, floor: timedelta, terms: Terms
) -> Change:
    """The change that a reply to a create request makes."""
    if not isinstance(reply, BackendError):
        return sent(each.job, each.attempt, reply, at=at, look_at=at + floor)
    if isinstance(reply, Busy):
        again_at = at + backoff(each.attempt.number, seed=each.attempt.id, asked_s=reply.retry_after)
        return unsent(each.job, each.attempt, at=at, again_at=again_at, reason=str(reply))
    if isinstance(reply, Unauthorized):
        return unsent(each.job, each.attempt, at=at, again_at=at + terms.pause, reason="the vendor refuses our key")
    if isinstance(reply, Refused):
        refused = Change(job=each.job, attempt=each.attempt)
        return ended(refused, JobState.FAILED, AttemptEnd.REFUSED, at=at, reason=_where(reply), code=reply.code)
    first_look = terms.quiescence.window if recovery is Recovery.TAG else floor
    return doubt(each.job, each.attempt, at=at, look_at=at + first_look, reason=str(reply))


def _where(reply: Refused) -> str:
    place = f" (line {reply.line}, column {reply.column})" if reply.line is not None else ""
    return f"{reply}{place or (f' (at {reply.pointer})' if reply.pointer else '')}"
