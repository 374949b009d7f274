"""Does the service keep its own promises? Loops, invariants, the audit chain and orphans."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from broker.domain.wall import REPORTED_WITHIN
from broker.reads.upkeep import held_until, orphans_found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from prometheus_client.metrics_core import Metric

    from broker.domain.finding import Finding
    from broker.store.unit_of_work import Work

# Shown from the start, with zero: a rate cannot see the step from nothing to one.
PLACES = ("claim", "order", "record", "look", "poll", "settle", "reconcile", "failover", "catalogue")
ONCE_BILLED, AUDIT = "3", "12"


def families(work: Work, vendors: tuple[str, ...], at: datetime) -> Iterator[Metric]:
    """Gauges of loops and findings, and the counts that must stay at zero."""
    yield from _loops(work, at)
    yield GaugeMetricFamily(
        "qsubmit_clock_ahead_seconds",
        "By how much the hub's time is ahead of this machine's clock",
        value=at.timestamp() - time.time(),
    )
    yield from _findings(work.findings.latest())
    yield _walls(work, at)
    orphans = CounterMetricFamily(
        "qsubmit_orphan_vendor_tasks", "Vendor jobs that bore our token and that no attempt knew", labels=["vendor"]
    )
    for vendor, count in sorted((dict.fromkeys(vendors, 0) | orphans_found(work)).items()):
        orphans.add_metric([vendor], count)
    yield orphans
    spoiled = CounterMetricFamily(
        "qsubmit_spoiled_rows", "Rows that could not be stored, read or handled, and stopped no other", labels=["place"]
    )
    for place, count in (dict.fromkeys(PLACES, 0) | work.spoiled.counts()).items():
        spoiled.add_metric([place], count)
    yield spoiled
    removed = CounterMetricFamily(
        "qsubmit_retention_removed_jobs", "Jobs of which a rule removed a kind", labels=["hub", "kind"]
    )
    for labels, count in sorted(work.retention.counts().items()):
        removed.add_metric(labels, count)
    yield removed


def _loops(work: Work, at: datetime) -> Iterator[Metric]:
    last = GaugeMetricFamily(
        "qsubmit_scanner_last_success_timestamp_seconds", "Last finished round of a loop", labels=["loop"]
    )
    for loop, when in sorted(work.leases.successes().items()):
        last.add_metric([loop], when.timestamp())
    yield last
    leader = GaugeMetricFamily("qsubmit_leader", "1 while some worker holds the lease of a loop", labels=["loop"])
    for loop, until in held_until(work).items():
        leader.add_metric([loop], float(until > at))
    yield leader


def _walls(work: Work, at: datetime) -> Metric:
    stands = GaugeMetricFamily(
        "qsubmit_wall_stands", "1 if programs run behind this wall on this machine", labels=["machine", "wall"]
    )
    for wall in work.walls.since(at - REPORTED_WITHIN):
        stands.add_metric([wall.machine, wall.name], float(wall.stands))
    return stands


def _findings(found: list[Finding]) -> Iterator[Metric]:
    broken = GaugeMetricFamily(
        "qsubmit_invariant_violations", "Violations at the last verification", labels=["invariant"]
    )
    for each in found:
        broken.add_metric([each.invariant], each.violations)
    yield broken
    checked = GaugeMetricFamily("qsubmit_last_verified_timestamp_seconds", "When the invariants were last verified")
    chain = GaugeMetricFamily("qsubmit_audit_chain_ok", "1 if the audit chain verified last time")
    double = CounterMetricFamily(
        "qsubmit_vendor_double_submissions", "Jobs that were billable more than once, at the last verification"
    )
    if found:
        checked.add_metric([], min(each.checked_at for each in found).timestamp())
    for each in found:
        if each.invariant == AUDIT:
            chain.add_metric([], float(each.holds))
        if each.invariant == ONCE_BILLED:
            double.add_metric([], each.violations)
    yield from (checked, chain, double)
