"""What becomes of a change that the database refuses? Tried without its words, then as a failure, then put off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from broker.domain.alter import alter
from broker.domain.bill import absorbed
from broker.domain.budget import unpaid
from broker.domain.change import Change, let_go
from broker.domain.lifecycle import JobState
from broker.store.faults import PUT_OFF

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

UNSTORABLE = "unstorable"
WORDS = "what was said of it could not be stored"


def instead_of(change: Change, *, at: datetime) -> Iterator[Change]:
    """What to write in place of a change that cannot be, the most telling first.

    What the vendor bills and its id are in all but the last: a bill is never dropped for a text. The last leaves the
    job where it was, to be looked at again later, with a code that says why.
    """
    told = change.otherwise or change
    yield _without_words(told)
    if told.result is not None:
        yield _without_result(told)
    yield _put_off(told, at)


def _without_words(change: Change) -> Change:
    job, attempt = change.job, change.attempt
    return alter(
        change,
        job=alter(job, error=None if job.error is None else WORDS, run_ms=None),
        attempt=attempt and alter(attempt, word=None, queue_position=None, detail=WORDS),
        moves=tuple(replace(move, reason=WORDS) for move in change.moves),
        otherwise=None,
    )


def _without_result(change: Change) -> Change:
    # The member gets nothing, so the bill is the platform's, as for a run whose result a vendor lost (settle.py).
    plain, said = _without_words(change), "its result could not be stored; you pay nothing"
    *before, last = plain.moves
    nothing = replace(plain.job.held, micros=0)
    failed = alter(plain.job, state=JobState.FAILED, error_code=UNSTORABLE, error=said, charged=nothing)
    return alter(
        plain,
        job=failed,
        moves=(*before, replace(last, after=JobState.FAILED, reason=said)),
        result=None,
        entries=unpaid(plain.entries),
        spent=0,
        booking=plain.booking and replace(plain.booking, bill=absorbed(plain.booking.bill)),
    )


def _put_off(change: Change, at: datetime) -> Change:
    job = change.job
    stands = alter(
        let_go(job),
        state=change.moves[0].before if change.moves else job.state,
        held=replace(job.held, micros=job.held.micros - change.held),
        charged=None,
        due_at=at + PUT_OFF,
        error_code=UNSTORABLE,
        error=WORDS,
        run_ms=None,
    )
    # Before it was known to be there, the id belongs to the attempt alone: the reconciler reads it as a witness.
    return Change(job=alter(stands, remote_id=None) if stands.state is JobState.SUBMITTING else stands)
