"""What happens when an attempt is sent? One create request, and what each kind of reply means for the job."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from backends.errors import BackendError, Busy, NotTried, OutcomeUnknown, Refused, Unauthorized
from broker.crash import crashpoint
from broker.domain.attempt import AttemptEnd
from broker.domain.backoff import backoff
from broker.domain.breaker import DEVICE_TRIPS
from broker.domain.change import Change, doubt, sent, unsent
from broker.domain.lifecycle import JobState
from broker.domain.recovery import Recovery
from broker.domain.text import fits_name
from broker.domain.wanted import Withheld
from broker.services.settle import ended

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from backends.base import Backend, Order
    from broker.domain.attempt import Attempt
    from broker.domain.ids import JobId, RemoteId
    from broker.domain.job import Job
    from broker.domain.terms import Terms

    Reply = RemoteId | BackendError | Withheld
    Ask = Callable[[Sequence[Job]], Mapping[JobId, Withheld]]

WITHHELD_WAIT = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """An attempt about to be sent."""

    job: Job
    attempt: Attempt
    order: Order


def timed(order: Order, terms: Terms) -> Order:
    """The order with the deadline of a send that begins now; who calls has asked ``Terms.may_send``."""
    return replace(order, deadline=time.monotonic() + terms.send_timeout.total_seconds())


def send(
    backend: Backend, batch: Sequence[Sending], *, terms: Terms, clock: Callable[[], datetime], ask: Ask
) -> list[Reply]:
    """Send each exactly once and return the replies in order; an unforeseen exception is a doubt, never a retry.

    Before each it is asked whether it is still wanted, and the lease is looked at: those that went before may have
    taken their whole timeout. Orders that go in one call are asked about in one, just before it.
    """
    crashpoint("submit.before_send")
    replies = _all(backend, batch, terms, clock, ask) if len(batch) <= backend.at_once > 1 else None
    if replies is None:
        replies = _one_by_one(backend, batch, terms, clock, ask)
    crashpoint("submit.after_send")
    return [_named(reply) for reply in replies]


def _one_by_one(
    backend: Backend, batch: Sequence[Sending], terms: Terms, clock: Callable[[], datetime], ask: Ask
) -> list[Reply]:
    replies: list[Reply] = []
    failures: Counter[str] = Counter()
    for each in batch:
        if failures[each.job.device] >= DEVICE_TRIPS:
            # The breaker will say the same once the replies are written; until then more would go the same way.
            replies.append(NotTried(f"{each.job.device} has just failed {DEVICE_TRIPS} times"))
            continue
        reply = _wanted(backend, each, terms, clock, ask)
        replies.append(reply)
        if of_the_vendor(reply):
            fails = isinstance(reply, BackendError) and not isinstance(reply, Refused)
            failures[each.job.device] = failures[each.job.device] + 1 if fails else 0
    return replies


def of_the_vendor(reply: Reply) -> bool:
    """Whether it says anything about the vendor: it was asked, and failed or answered."""
    if isinstance(reply, Refused):
        return reply.asked
    return not isinstance(reply, NotTried | Withheld)


def _wanted(backend: Backend, each: Sending, terms: Terms, clock: Callable[[], datetime], ask: Ask) -> Reply:
    withheld = ask([each.job]).get(each.job.id)
    if withheld is not None:
        return withheld
    in_time = terms.may_send(each.job.lease_until, clock())
    return _one(backend, timed(each.order, terms)) if in_time else too_late()


def _all(
    backend: Backend, batch: Sequence[Sending], terms: Terms, clock: Callable[[], datetime], ask: Ask
) -> list[Reply] | None:
    """The replies to one call for all; None if too little of some lease is left for that."""
    withheld = ask([each.job for each in batch])
    if not all(terms.may_send(each.job.lease_until, clock()) for each in batch):
        return None
    going = [each for each in batch if each.job.id not in withheld]
    told = _many(backend, [timed(each.order, terms) for each in going]) if going else ()
    replies: dict[JobId, Reply] = dict(withheld)
    replies |= {each.job.id: reply for each, reply in zip(going, told, strict=True)}
    return [replies[each.job.id] for each in batch]


def too_late() -> NotTried:
    """What stands for a reply where nothing was sent: somebody else may soon act on the job."""
    return NotTried("too little of the lease was left to send it", retry_after=0.0)


def _many(backend: Backend, orders: Sequence[Order]) -> list[RemoteId | BackendError]:
    try:
        return list(backend.submit_many(orders))
    except Exception as error:  # noqa: BLE001  as for one: any surprise is an unknown outcome, here of all of them
        return [BackendError(f"{type(error).__name__}: {error}") for _ in orders]


def _named(reply: Reply) -> Reply:
    if isinstance(reply, BackendError | Withheld) or fits_name(reply):
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
    each: Sending, reply: Reply, *, recovery: Recovery, at: datetime, floor: timedelta, terms: Terms
) -> Change:
    """The change that a reply to a create request makes, or that none was made."""
    if isinstance(reply, Withheld):
        return _held_back(each, reply, at=at)
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


def _held_back(each: Sending, withheld: Withheld, *, at: datetime) -> Change:
    why = withheld.unwanted
    if why is None:
        return unsent(each.job, each.attempt, at=at, again_at=at + WITHHELD_WAIT, reason=f"not sent: {withheld.reason}")
    mine = Change(job=each.job, attempt=each.attempt)
    return ended(mine, why.to, AttemptEnd.UNSENT, at=at, reason=why.reason, code=why.code)


def _where(reply: Refused) -> str:
    place = f" (line {reply.line}, column {reply.column})" if reply.line is not None else ""
    return f"{reply}{place or (f' (at {reply.pointer})' if reply.pointer else '')}"
