"""What is removed, when its time is over? Rules carried out in small steps, or only told: a dry run changes nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.retention import Stored
from broker.store.counts import EVENTS
from broker.store.removing import Removing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.domain.retention import Rule
    from broker.store.retention import Aged
    from broker.store.unit_of_work import Store, Work

log = logging.getLogger("qsubmit.retain")
LOOKED = 2000  # jobs that are looked at in one read
BATCH = 200  # jobs in one transaction: some milliseconds in which SQLite has no other writer
MOST = 10_000  # jobs of one rule in one round: the other loops wait for its end


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """What one rule reaches: of how many jobs something goes, and how many more a legal hold keeps."""

    rule: Rule
    jobs: int
    held: int


def forecast(store: Store, at: datetime) -> list[Reached]:
    """What would go now, all of it; nothing is changed."""
    with store.read() as work:
        return [_told(work, rule, done, at) for rule, done in work.retention.rules()]


def carry_out(store: Store, at: datetime, *, most: int = MOST) -> list[Reached]:
    """Remove what has had its time, each batch in a transaction of its own; what is left over goes the next time."""
    with store.read() as work:
        rules = work.retention.rules()
    return [_carried_out(store, rule, done, at, most) for rule, done in rules]


def _told(work: Work, rule: Rule, after: str, at: datetime) -> Reached:
    gone = held = 0
    while batch := work.retention.aged(rule, after, at, LOOKED):
        gone += len(_going(work, rule, batch))
        held += sum(each.due and each.held for each in batch)
        after = batch[-1].id
    return Reached(rule=rule, jobs=gone, held=held)


def _carried_out(store: Store, rule: Rule, done: str, at: datetime, most: int) -> Reached:
    after, whole, gone, held = done, True, 0, 0
    while gone < most:
        with store.read() as work:
            batch = work.retention.aged(rule, after, at, LOOKED)
            going = _going(work, rule, batch)
            if rule.kind is Stored.EVENTS and going and not _counted(work, going):
                log.warning("moves are kept until they are counted", extra={"hub": rule.hub_name})
                break
        if not batch:
            break
        for place in range(0, len(going), BATCH):
            gone += _removed(store, rule, going[place : place + BATCH], at)
        held += sum(each.due and each.held for each in batch)
        after = batch[-1].id
        if whole:
            done, whole = _seen_to(batch, done)
    with store.write() as work:
        work.retention.done(rule, done)
    return Reached(rule=rule, jobs=gone, held=held)


def _going(work: Work, rule: Rule, batch: Sequence[Aged]) -> list[Aged]:
    due = [each for each in batch if each.due and not each.held]
    left = set(work.retention.untouched(rule.kind, [each.id for each in due]))
    return [each for each in due if each.id in left]


def _counted(work: Work, going: Sequence[Aged]) -> bool:
    """What the metrics show since the store began must not shrink: moves go only when they have been counted."""
    return work.retention.last_event([each.id for each in going]) <= work.counts.position(EVENTS)


def _seen_to(batch: Sequence[Aged], done: str) -> tuple[str, bool]:
    """Up to where nothing is left to do, and whether that is all of the batch.

    Not past a job that still lives or ended late: its time will come. Past one on legal hold: lifting begins anew.
    """
    for each in batch:
        if not each.due and not each.held:
            return done, False
        done = each.id
    return done, True


def _removed(store: Store, rule: Rule, going: Sequence[Aged], at: datetime) -> int:
    with store.write() as work:
        # Asked again where it counts: a legal hold that came since keeps its jobs.
        held = work.retention.held([each.id for each in going])
        mine = [each for each in going if each.id not in held]
        if not mine:
            return 0
        work.retention.note(rule, [each.id for each in mine], at)
        rows = Removing(work.connection).of(rule.kind, mine, at)
        work.retention.add_removed(rule, len(mine))
        act = {
            "act": "retain",
            "hub": rule.hub,
            "kind": rule.kind.value,
            "days": rule.days,
            "jobs": len(mine),
            "rows": rows,
        }
        work.acted(act, at)
    return len(mine)
