"""Who counts what has happened? A worker, now and then, so that no gateway has to read the whole past at its start."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from broker.store.counts import ENTRIES, EVENTS, NEXT_AT, NEXT_ENTRIES
from broker.store.rows import micros

if TYPE_CHECKING:
    from datetime import datetime

    from broker.store.unit_of_work import Store

AT_ONCE = 20_000  # moves that are counted between two looks at the clock: a fifth of a second
TIMES = 5  # so often in one round; the other loops wait for it
# Numbers of journal lines are given at insert and seen at commit. No transaction stands open for as long as this
# (store/engine.py), so below what was newest then, nothing appears any more.
SETTLED = timedelta(minutes=2)


def count(store: Store, at: datetime) -> None:
    """Count what is new, a bounded part of it; the rest has its turn in the next round."""
    for _ in range(TIMES):
        if not count_moves(store, AT_ONCE):
            break
    count_journal(store, at)


def count_moves(store: Store, most: int) -> bool:
    """Count up to ``most`` moves; whether there may be more."""
    with store.read() as work:
        after, newest = work.counts.position(EVENTS), work.events.last()
        last = min(newest, after + most)
        found = work.counts.between(after, last) if last > after else {}
    if last <= after:
        return False
    with store.write() as work:
        if work.counts.stands(EVENTS, after):  # else somebody has counted the same
            work.counts.add(found | {("position", EVENTS): last - after})
    return last < newest


def count_journal(store: Store, at: datetime) -> None:
    """Count the lines up to what was the newest one some time ago, and note which is the newest now."""
    with store.read() as work:
        after, upto, since = (work.counts.position(name) for name in (ENTRIES, NEXT_ENTRIES, NEXT_AT))
        newest = work.counts.newest_entry()
        settled = micros(at) - since >= SETTLED // timedelta(microseconds=1)
        found = work.counts.journal(after, upto) if settled and upto > after else {}
    if newest == after or not settled:
        return
    with store.write() as work:
        if work.counts.stands(ENTRIES, after) and work.counts.stands(NEXT_ENTRIES, upto):
            moved = {ENTRIES: max(0, upto - after), NEXT_ENTRIES: newest - upto, NEXT_AT: micros(at) - since}
            work.counts.add(found | {("position", name): step for name, step in moved.items()})
