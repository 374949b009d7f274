"""How is what was learned written down? Many changes in one transaction, each only if its lease is still ours."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from broker.domain.attempt import AttemptEnd
from broker.domain.text import fits_name
from broker.services.isolate import instead_of
from broker.services.settle import where_it_stands
from broker.services.turn import charge_turns
from broker.store.faults import of_one_row
from broker.store.jobs import StaleFence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from broker.domain.change import Change
    from broker.domain.ids import JobId
    from broker.store.unit_of_work import Store, Work

log = logging.getLogger("qsubmit.apply")
# Ways to the vendor and back for nothing, in events and attempts: enough to see a pattern, and a bound.
KEPT_RETURNS = 8


class Short(Exception):
    """A budget has too little left for holds that grow; nothing of the group may be written."""

    def __init__(self, ids: frozenset[JobId]) -> None:
        super().__init__(f"{len(ids)} short")
        self.ids = ids


def apply(store: Store, changes: Sequence[Change], *, at: datetime, scene: str) -> list[Change]:
    """Write the changes whose fence is still ours, all in one transaction; the others leave only evidence.

    One that the database refuses stops none of the others: then each is written alone, and of the refused one what
    can be. Returns the changes that were written.
    """
    left = list(changes)
    while left:
        try:
            with store.write(scene) as work:
                write(work, left, at=at)
        except StaleFence as stale:
            _witness(store, [change for change in left if change.job.id in stale.ids])
            left = [change for change in left if change.job.id not in stale.ids]
        except Short as short:
            left = [change.otherwise if change.otherwise and change.job.id in short.ids else change for change in left]
        except Exception as error:
            if not of_one_row(error):
                raise
            return _each_alone(store, left, error, at=at, scene=scene)
        else:
            break
    return left


def _each_alone(store: Store, changes: Sequence[Change], error: Exception, *, at: datetime, scene: str) -> list[Change]:
    if len(changes) > 1:
        return [done for change in changes for done in apply(store, [change], at=at, scene=scene)]
    (refused,) = changes
    job = refused.job.id
    log.error("a change cannot be stored", extra={"job": job, "scene": scene, "error": repr(error)[:300]})
    _witness(store, changes)
    for instead in instead_of(refused, at=at):
        try:
            with store.write(scene) as work:
                write(work, [instead], at=at)
                work.spoiled.note(scene or "change", job, type(error).__name__, at)
        except StaleFence:
            return []
        except Exception as again:
            if not of_one_row(again):
                raise
        else:
            return [instead]
    log.critical("not even its delay can be stored", extra={"job": job, "scene": scene})
    return []


def write(work: Work, changes: Sequence[Change], *, at: datetime, seen: Mapping[JobId, int] | None = None) -> None:
    """Put changes into a transaction that is already open."""
    changes = where_it_stands(work, changes)
    work.jobs.save([change.job for change in changes], seen=seen)
    work.attempts.add([c.attempt for c in changes if c.attempt is not None and c.begins])
    work.attempts.save([c.attempt for c in changes if c.attempt is not None and not c.begins])
    work.archive.keep_results([(c.job.id, *c.result) for c in changes if c.result is not None], at)
    _check_funds(work, changes)
    work.ledger.adjust(_sums(changes))
    work.ledger.post([entry for change in changes for entry in change.entries], at)
    work.charges.add([(change.job, change.booking.bill) for change in changes if change.booking is not None], at)
    # After the budgets, in a claim as in a settlement: whoever holds a row of decayed spend waits for no budget's.
    charge_turns(work, changes, at=at)
    for change in changes:
        _fold(work, change)
        work.moved(change.job, *change.moves)
        if change.otherwise is not None:
            work.ring(change.job.backend, change.job.id)


def _fold(work: Work, change: Change) -> None:
    # A vendor that is busy for a week must not fill the tables with one job's tries: the newest tell the same.
    attempt = change.attempt
    if attempt is not None and attempt.end is AttemptEnd.UNSENT and attempt.number > KEPT_RETURNS:
        work.events.fold_returns(change.job.id, KEPT_RETURNS)
        work.attempts.forget_unsent(change.job.id, KEPT_RETURNS)


def _check_funds(work: Work, changes: Sequence[Change]) -> None:
    # After the job rows, as at a settlement: whoever holds a budget's row never waits for a job's.
    rising = [change for change in changes if change.otherwise is not None and change.held > 0]
    if not rising:
        return
    sums = _sums(changes)
    budgets = work.ledger.budgets({budget for change in rising for budget in change.job.budgets}, lock=True)
    short = {b.id for b in budgets.values() if b.left is not None and b.left < sum(sums[b.id])}
    if short:
        raise Short(frozenset(change.job.id for change in rising if short.intersection(change.job.budgets)))


def _sums(changes: Sequence[Change]) -> dict[str, tuple[int, int]]:
    held: dict[str, int] = defaultdict(int)
    spent: dict[str, int] = defaultdict(int)
    for change in changes:
        for budget in change.job.budgets if change.held or change.spent else ():
            held[budget] += change.held
            spent[budget] += change.spent
    return {budget: (held[budget], spent[budget]) for budget in held}


def _witness(store: Store, late: Sequence[Change]) -> None:
    # A reply that came after the lease was lost must not move the job, but it may be the only witness of a paid
    # vendor job. Do not drop it: the reconciler reads it before anything is sent again.
    witnessed = [
        c.attempt
        for c in late
        if c.attempt is not None and c.attempt.remote_id is not None and fits_name(c.attempt.remote_id)
    ]
    if witnessed:
        with store.write() as work:
            work.attempts.witness(witnessed)
