"""Where do the counters of tiered prices stand? One row per counter and month; live jobs count until they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.tier import Standing, month_of
from broker.store.tables import counters, jobs, tier_holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection


class Counters:
    """Counters and what live jobs may still use of them, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite

    def lock(self, name: str, month: str) -> int:
        """What is used, held against others until the commit; take several in the order of (name, month)."""
        fresh = self._dialect.insert(counters).values(name=name, month=month, used=0)
        self._connection.execute(fresh.on_conflict_do_nothing())
        mine = (counters.c.name == name) & (counters.c.month == month)
        return int(self._connection.execute(select(counters.c.used).where(mine).with_for_update()).scalar_one())

    def set(self, stands: Mapping[tuple[str, str], int]) -> None:
        """Where locked counters stand now."""
        for (name, month), used in stands.items():
            mine = (counters.c.name == name) & (counters.c.month == month)
            self._connection.execute(update(counters).where(mine).values(used=used))

    def standings(self, names: Iterable[str], at: datetime, *, lock: bool = False) -> dict[str, Standing]:
        """This month's use and the live jobs' worst, by counter."""
        month, wanted = month_of(at), sorted(set(names))
        if lock:
            used = {name: self.lock(name, month) for name in wanted}
        else:
            query = select(counters.c.name, counters.c.used).where(counters.c.month == month)
            used = dict(self._connection.execute(query.where(counters.c.name.in_(wanted))).all())
        live = (
            select(tier_holds.c.counter, func.sum(tier_holds.c.counts))
            .join(jobs, jobs.c.id == tier_holds.c.job_id)
            .where(tier_holds.c.counter.in_(wanted), jobs.c.due_at.is_not(None))
            .group_by(tier_holds.c.counter)
        )
        waiting = {name: int(total) for name, total in self._connection.execute(live)}
        return {name: Standing(used=int(used.get(name, 0)), live=waiting.get(name, 0)) for name in wanted}

    def hold(self, held: Iterable[tuple[str, str, int]]) -> None:
        """(job, counter, worst count) of jobs that now hold money at a tiered price; one that moved is replaced."""
        for job, counter, counts in held:
            row = {"job_id": job, "counter": counter, "counts": counts}
            insert = self._dialect.insert(tier_holds).values(row)
            change = {"counter": insert.excluded.counter, "counts": insert.excluded.counts}
            self._connection.execute(insert.on_conflict_do_update(index_elements=["job_id"], set_=change))

    def let_go(self, job: str) -> None:
        """The job has gone to a device without tiers."""
        self._connection.execute(delete(tier_holds).where(tier_holds.c.job_id == job))
