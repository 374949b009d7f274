"""What if something is wrong with one job only? The others of its batch go on, and it gets an end or a later look."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.attempt import AttemptEnd
from broker.domain.backoff import backoff
from broker.domain.change import Change, free, look_again, unsent
from broker.domain.eta import next_poll
from broker.domain.lifecycle import JobState
from broker.store.faults import of_one_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from broker.domain.attempt import Attempt
    from broker.domain.job import Job
    from broker.store.unit_of_work import Store

log = logging.getLogger("qsubmit.stumble")
# An order that cannot be made three times, minutes apart, is no worker of another version that will soon be gone.
MOST_UNREADABLE = 3
UNREADABLE = "order_unreadable"
AGAIN = timedelta(seconds=30)


def one_by_one(
    pairs: Sequence[tuple[Job, Attempt]],
    make: Callable[[Job, Attempt], Change],
    otherwise: Callable[[Job, Attempt, Exception], Change],
) -> list[Change]:
    """The change of each; what goes wrong with one is that one's."""
    changes = []
    for job, attempt in pairs:
        try:
            changes.append(make(job, attempt))
        except Exception as error:
            if not of_one_row(error):
                raise
            changes.append(otherwise(job, attempt, error))
    return changes


def looked_at_later(store: Store, place: str, at: datetime) -> Callable[[Job, Attempt, Exception], Change]:
    """For a job that was sent: nothing is lost but this look. Later ones are further and further apart."""

    def later(job: Job, attempt: Attempt, error: Exception) -> Change:
        said = note(store, place, job, error, at)
        wait = next_poll(at - attempt.intent_at, None, AGAIN)
        return look_again(job, at=at + wait, attempt=alter(attempt, detail=said))

    return later


def not_sent(store: Store, job: Job, attempt: Attempt, error: Exception, *, at: datetime, pause: timedelta) -> Change:
    """For a job whose order cannot be made: nothing was sent. Tried again some minutes later, then at an end."""
    said = f"the order cannot be made: {note(store, 'order', job, error, at)}"
    if attempt.number < MOST_UNREADABLE:
        again_at = at + backoff(attempt.number, seed=attempt.id, floor=pause)
        return unsent(job, attempt, at=at, again_at=again_at, reason=said)
    over = Change(job=job, attempt=alter(attempt, end=AttemptEnd.UNSENT, detail=said))
    return free(over, JobState.FAILED, at=at, reason=said, code=UNREADABLE)


def note(store: Store, place: str, job: Job, error: Exception, at: datetime) -> str:
    """Logged and counted; what was wrong, in a line."""
    said = f"{type(error).__name__}: {error}"[:300]
    log.error("one job of a batch cannot be handled", extra={"job": job.id, "place": place, "error": said})
    with store.write() as work:
        work.spoiled.note(place, job.id, said, at)
    return said
