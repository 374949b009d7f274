"""What has happened since the store began? Counts of moves, and time and money of jobs that ended, from events."""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from sqlalchemy import and_, func, select

from broker.domain.lifecycle import NEXT, JobState
from broker.store.durations import STAGES, bucket, durations, ends
from broker.store.tables import events, jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prometheus_client.metrics_core import Metric
    from sqlalchemy import ColumnElement, RowMapping

    from broker.store.unit_of_work import Work

WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
PARTS = (*STAGES, "total")
MOVES = (("none", JobState.ACCEPTED.value), *((b.value, a.value) for b, nexts in NEXT.items() for a in sorted(nexts)))
OUTCOMES = {
    "submitted": "accepted", "queued": "unsent", "unknown": "unknown", "failed": "refused", "cancelled": "cancelled",
    "expired": "expired",
}  # fmt: skip


class Shape:
    """A histogram's counts per bucket (the last is unbounded) and the sum in seconds."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(WAITS) + 1)
        self.seconds = 0.0

    def buckets(self) -> Sequence[tuple[str, float]]:
        """Cumulative, as the text format wants them."""
        names = [*(str(float(bound)) for bound in WAITS), "+Inf"]
        return list(zip(names, (float(n) for n in accumulate(self.counts)), strict=True))


class Tally:
    """Everything up to an event's number, kept in memory; the first read counts the whole table, the next what is new.

    Numbers are given in commit order (store/events.py), so nothing appears below the cursor later.
    """

    def __init__(self) -> None:
        self._cursor = 0
        self._moves: dict[tuple[str, str, str], int] = defaultdict(int)
        self._shapes: dict[tuple[str, str], Shape] = defaultdict(Shape)
        self._spend: dict[tuple[str, str], float] = defaultdict(float)

    def read(self, work: Work, krw: Callable[[int, str], float]) -> None:
        """Count what came since the last time."""
        last = work.events.last()
        if last <= self._cursor:
            return
        span = and_(events.c.seq > self._cursor, events.c.seq <= last)
        # All three before anything is added: what fails half-way must not be counted twice.
        moves, times, spent = _moves(work, span), _times(work, span), _spent(work, span)
        for before, after, backend, count in moves:
            self._moves[before or "none", after, backend] += count
        for row in times:
            self._stay(row)
        for organisation, backend, currency, charged in spent:
            self._spend[organisation, backend] += krw(int(charged), currency)
        self._cursor = last

    def _stay(self, found: RowMapping) -> None:
        for part in PARTS:
            place = found[f"{part}_bucket"]
            if place is not None:
                shape = self._shapes[part, found["backend"]]
                shape.counts[int(place)] += int(found["jobs"])
                shape.seconds += float(found[part]) / 1e6

    def families(self, tenants: Mapping[str, str], vendors: Sequence[str]) -> list[Metric]:
        """``tenants`` gives the label of each organisation.

        A rate cannot see the step from nothing to one: what may be counted is there from the start, with zero.
        """
        for vendor in vendors:
            for move in MOVES:
                self._moves[(*move, vendor)] += 0
            for part in PARTS:
                self._shapes.setdefault((part, vendor), Shape())
            for organisation in tenants:
                self._spend[organisation, vendor] += 0
        return [self._transitions(), self._submissions(), self._waits(), self._totals(), self._spending(tenants)]

    def _transitions(self) -> Metric:
        family = CounterMetricFamily("qsubmit_job_transitions", "Moves of jobs", labels=["from", "to", "vendor"])
        for labels, count in sorted(self._moves.items()):
            family.add_metric(labels, count)
        return family

    def _submissions(self) -> Metric:
        family = CounterMetricFamily(
            "qsubmit_vendor_submissions", "Create requests by outcome", labels=["vendor", "outcome"]
        )
        for (before, after, backend), count in sorted(self._moves.items()):
            if before == "submitting":
                family.add_metric([backend, OUTCOMES[after]], count)
        return family

    def _waits(self) -> Metric:
        family = HistogramMetricFamily(
            "qsubmit_job_wait_seconds", "Time that ended jobs spent in a stage", labels=["stage", "vendor"]
        )
        for (part, backend), shape in sorted(self._shapes.items()):
            if part != "total":
                family.add_metric([part, backend], shape.buckets(), shape.seconds)
        return family

    def _totals(self) -> Metric:
        family = HistogramMetricFamily(
            "qsubmit_job_duration_seconds", "Time of ended jobs from acceptance to end", labels=["vendor"]
        )
        for (part, backend), shape in sorted(self._shapes.items()):
            if part == "total":
                family.add_metric([backend], shape.buckets(), shape.seconds)
        return family

    def _spending(self, tenants: Mapping[str, str]) -> Metric:
        family = CounterMetricFamily("qsubmit_spend_krw", "Charged to members", labels=["tenant", "vendor"])
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for (organisation, backend), amount in self._spend.items():
            sums[tenants.get(organisation, "other"), backend] += amount
        for labels, amount in sorted(sums.items()):
            family.add_metric(labels, amount)
        return family


def _moves(work: Work, span: ColumnElement[bool]) -> list[tuple[str | None, str, str, int]]:
    columns = (events.c.before, events.c.after, events.c.backend)
    query = select(*columns, func.count()).where(span).group_by(*columns)
    return [tuple(row) for row in work.connection.execute(query)]


def _times(work: Work, span: ColumnElement[bool]) -> Sequence[RowMapping]:
    each = durations(ends(span)).subquery("each")
    placed = select(
        each.c.backend,
        *(each.c[part] for part in PARTS),
        *(bucket(each.c[part], WAITS).label(f"{part}_bucket") for part in PARTS),
    ).subquery("placed")
    keys = [placed.c.backend, *(placed.c[f"{part}_bucket"] for part in PARTS)]
    sums = [func.sum(placed.c[part]).label(part) for part in PARTS]
    return work.connection.execute(select(*keys, *sums, func.count().label("jobs")).group_by(*keys)).mappings().all()


def _spent(work: Work, span: ColumnElement[bool]) -> list[tuple[str, str, str, int]]:
    ended = ends(span)
    keys = (jobs.c.organisation_id, jobs.c.backend, jobs.c.currency)
    query = select(*keys, func.sum(func.coalesce(jobs.c.charged, 0)))
    joined = query.join(ended, ended.c.job_id == jobs.c.id).group_by(*keys)
    return [tuple(row) for row in work.connection.execute(joined)]
