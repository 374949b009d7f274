"""What has happened since the store began? Counts of moves, and time and money of jobs that ended, from events."""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

from broker.domain.lifecycle import NEXT, JobState
from broker.reads import ended
from broker.reads.ended import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from broker.reads.ended import Stays
    from broker.store.unit_of_work import Work

WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
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
        span = ended.between(self._cursor, last)
        # All three before anything is added: what fails half-way must not be counted twice.
        moves, stays, spent = ended.moves(work, span), ended.stays(work, span, WAITS), ended.charged(work, span)
        for move in moves:
            self._moves[move.before or "none", move.after, move.backend] += move.count
        for stay in stays:
            self._stay(stay)
        for charge in spent:
            self._spend[charge.organisation, charge.backend] += krw(charge.micros, charge.currency)
        self._cursor = last

    def _stay(self, stay: Stays) -> None:
        for part, (place, took) in stay.parts.items():
            shape = self._shapes[part, stay.backend]
            shape.counts[place] += stay.jobs
            shape.seconds += took / 1e6

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
