"""Charges and counters in memory, with the promises that the real tables make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.tier import Standing, month_of
from tests.simulation.fake_books import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from broker.domain.bill import Bill
    from broker.domain.job import Job


class Charges(Repository):
    def add(self, billed: Sequence[tuple[Job, Bill]], at: datetime) -> None:
        for job, bill in billed:
            if not self._tx.keep("charges", job.id, (job, bill, at)):
                raise ValueError(f"{job.id} is charged twice")


class Counters(Repository):
    def lock(self, name: str, month: str) -> int:
        self._tx.keep("counters", (name, month), 0)
        self._tx.lock("counters", (name, month))
        return int(self._tx.row("counters", (name, month)))

    def set(self, stands: Mapping[tuple[str, str], int]) -> None:
        for key, used in stands.items():
            self._tx.put("counters", key, used)

    def standings(self, names: Iterable[str], at: datetime, *, lock: bool = False) -> dict[str, Standing]:
        found = {}
        for name in sorted(set(names)):
            used = self.lock(name, month_of(at)) if lock else self._tx.row("counters", (name, month_of(at))) or 0
            live = sum(
                counts
                for job, counter, counts in self._tx.all("tier_holds")
                if counter == name and (row := self._tx.row("jobs", job)) is not None and row.due_at is not None
            )
            found[name] = Standing(used=used, live=live)
        return found

    def hold(self, held: Iterable[tuple[str, str, int]]) -> None:
        for job, counter, counts in held:
            self._tx.put("tier_holds", job, (job, counter, counts))

    def let_go(self, job: str) -> None:
        if (row := self._tx.row("tier_holds", job)) is not None:
            self._tx.put("tier_holds", job, (row[0], "", 0))
