"""Do the rows of jobs, attempts, events and results agree? Each check yields whom an invariant is broken for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select, tuple_

from broker.domain.attempt import GIVEN_UP
from broker.domain.lifecycle import NEXT, TERMINAL, JobState
from broker.domain.recovery import Recovery
from broker.domain.retention import Stored
from broker.store.audit import Audit
from broker.store.tables import attempts, devices, events, jobs, removals, results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Select
    from sqlalchemy.engine import Connection

PAGE = 1000
ENDS = tuple(sorted(state.value for state in TERMINAL))
MOVES = tuple(sorted((before.value, after.value) for before, nexts in NEXT.items() for after in nexts))


def admitted_once(connection: Connection) -> Iterator[str]:
    """1: one job per project and idempotency key, one acceptance per job, and one job per acceptance."""
    keys = (jobs.c.project_id, jobs.c.idempotency_key)
    twice = select(func.min(jobs.c.id)).where(jobs.c.idempotency_key.is_not(None)).group_by(*keys)
    yield from _all(connection, twice.having(func.count() > 1))
    firsts = select(events.c.job_id).where(events.c.before.is_(None)).group_by(events.c.job_id)
    yield from _all(connection, firsts.having(func.count() > 1))
    accepted = select(events.c.job_id).where(events.c.before.is_(None))
    yield from _all(connection, accepted.where(events.c.job_id.not_in(select(jobs.c.id))))
    yield from _all(connection, select(jobs.c.id).where(jobs.c.id.not_in(accepted)))


def billed_once(connection: Connection) -> Iterator[str]:
    """3: at most one attempt of a job answers for a vendor's job. Where running again is free, it may be more.

    A vendor's job of an attempt that was given up is an orphan: the sweep cancels it, and it has its own count.
    """
    free = select(devices.c.backend).where(devices.c.recovery == Recovery.RERUN.value)
    answers = or_(attempts.c.ended.is_(None), attempts.c.ended.not_in(sorted(end.value for end in GIVEN_UP)))
    sent = select(attempts.c.job_id).where(attempts.c.remote_id.is_not(None), attempts.c.backend.not_in(free), answers)
    yield from _all(connection, sent.group_by(attempts.c.job_id).having(func.count() > 1))


def held_while_live(connection: Connection) -> Iterator[str]:
    """7: an ended job holds nothing and is never due; a live one is due some time and not yet charged."""
    ended = jobs.c.state.in_(ENDS)
    odd_end = and_(ended, or_(jobs.c.held != 0, jobs.c.due_at.is_not(None), jobs.c.charged.is_(None)))
    odd_life = and_(~ended, or_(jobs.c.due_at.is_(None), jobs.c.charged.is_not(None)))
    yield from _all(connection, select(jobs.c.id).where(or_(odd_end, odd_life)))


def moved_by_the_table(connection: Connection) -> Iterator[str]:
    """8: every event is a listed move, begins where the one before ended, and the last one is the job's state."""
    first = and_(events.c.before.is_(None), events.c.after == JobState.ACCEPTED.value)
    listed = and_(events.c.before.is_not(None), tuple_(events.c.before, events.c.after).in_(MOVES))
    yield from _all(connection, select(events.c.job_id).where(~or_(first, listed)))
    chain = select(
        events.c.job_id, events.c.before, events.c.after,
        func.lag(events.c.after).over(partition_by=events.c.job_id, order_by=events.c.seq).label("left"),
        func.lead(events.c.seq).over(partition_by=events.c.job_id, order_by=events.c.seq).label("following"),
    ).subquery("chain")  # fmt: skip
    gap = func.coalesce(chain.c.before, "") != func.coalesce(chain.c.left, "")
    # Retention leaves the first and the last move of a job (store/removing.py).
    shortened = select(removals.c.job_id).where(removals.c.kind == Stored.EVENTS.value)
    yield from _all(connection, select(chain.c.job_id).where(gap, chain.c.job_id.not_in(shortened)))
    last = select(jobs.c.id).join(chain, chain.c.job_id == jobs.c.id)
    yield from _all(connection, last.where(chain.c.following.is_(None), chain.c.after != jobs.c.state))


def sealed_before_shown(connection: Connection) -> Iterator[str]:
    """10: a job has a result exactly if it succeeded, and the result's hash is that of its text."""
    good = jobs.c.state == JobState.SUCCEEDED.value
    there = select(results.c.job_id)
    yield from _all(connection, select(jobs.c.id).where(good, jobs.c.id.not_in(there)))
    yield from _all(connection, select(jobs.c.id).where(~good, jobs.c.id.in_(there)))
    for row in connection.execute(select(results).execution_options(yield_per=PAGE)):
        if row.removed_at is None and hashlib.sha256(row.body.encode()).hexdigest() != row.sha256:
            yield row.job_id


def chained(connection: Connection) -> Iterator[str]:
    """12: every row of the audit chain follows from the one before; the number of the first that does not."""
    broken = Audit(connection).broken_at()
    if broken is not None:
        yield str(broken)


def _all(connection: Connection, query: Select[str]) -> Iterator[str]:
    yield from connection.execute(query).scalars()
