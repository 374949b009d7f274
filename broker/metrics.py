"""What do operators watch? Prometheus metrics counted from the store's events, so that every gateway agrees."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import func, select

from broker.domain.lifecycle import LIVE, TERMINAL, JobState
from broker.domain.money import MICRO
from broker.store import tables
from broker.store.rows import micros

if TYPE_CHECKING:
    from datetime import datetime

    from broker.store.events import StoredEvent
    from broker.store.unit_of_work import Store, Work

WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
REQUESTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
PAGE = 5000
STAGE = {"accepted": "broker", "queued": "broker", "submitting": "broker", "unknown": "broker", "attention": "broker",
         "submitted": "vendor", "running": "run", "fetching": "fetch"}


class Metrics:
    """One registry per gateway. Labels are backends, devices, states and loops; never an id."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._cursor: int | None = None
        self._entered: dict[str, tuple[str, datetime]] = {}
        self._counters()
        self._gauges()

    def _counters(self) -> None:
        r = self.registry
        self.transitions = Counter(
            "qsubmit_job_transitions", "Moves of jobs", ["from", "to", "vendor"], registry=r
        )
        self.waits = Histogram(
            "qsubmit_job_wait_seconds", "Time that jobs spent in a stage", ["stage", "vendor"], buckets=WAITS, registry=r
        )
        self.submissions = Counter(
            "qsubmit_vendor_submissions", "Create requests by outcome", ["vendor", "outcome"], registry=r
        )
        self.refusals = Counter("qsubmit_auth_failures", "Requests refused for their key", ["reason"], registry=r)
        self.requests = Histogram(
            "http_server_request_duration_seconds", "HTTP requests", ["route", "method", "code"], buckets=REQUESTS,
            registry=r,
        )

    def _gauges(self) -> None:
        r = self.registry
        self.jobs = Gauge("qsubmit_jobs", "Live jobs", ["state", "vendor"], registry=r)
        self.oldest = Gauge("qsubmit_oldest_job_age_seconds", "Age of the oldest live job", ["state"], registry=r)
        self.unknown = Gauge("qsubmit_unknown_jobs", "Jobs whose submission is in doubt", ["vendor"], registry=r)
        self.attention = Gauge("qsubmit_needs_operator_jobs", "Jobs that wait for an operator", registry=r)
        self.budget = Gauge("qsubmit_budget_krw", "Budgets by use", ["tenant", "bucket"], registry=r)
        self.spend = Gauge("qsubmit_spend_krw", "Spent so far", ["tenant", "vendor"], registry=r)
        self.unaccounted = Gauge("qsubmit_unaccounted_krw", "Sum of the journal; anything but 0 is an error", registry=r)
        self.loss = Gauge("qsubmit_platform_loss_krw", "What the platform bore", registry=r)
        self.orphans = Gauge("qsubmit_orphan_vendor_tasks", "Vendor jobs that no attempt knows", ["vendor"], registry=r)
        self.available = Gauge("qsubmit_device_available", "1 if the device is online", ["device"], registry=r)
        self.depth = Gauge("qsubmit_device_queue_depth", "Jobs in the vendor's queue", ["device"], registry=r)
        self.backlog = Gauge("qsubmit_device_backlog", "Live jobs of ours", ["device"], registry=r)
        self.paused = Gauge("qsubmit_backend_paused", "1 if sending is paused", ["scope"], registry=r)
        self.scans = Gauge(
            "qsubmit_scanner_last_success_timestamp_seconds", "Last finished round", ["loop"], registry=r
        )
        self.violations = Gauge(
            "qsubmit_invariant_violations", "Broken invariants of docs/architecture.md", ["invariant"], registry=r
        )
        self.audit_ok = Gauge("qsubmit_audit_chain_ok", "1 if the audit chain verified last time", registry=r)

    def refused(self, reason: str) -> None:
        """Count a request that was refused for its key."""
        self.refusals.labels(reason).inc()

    def expose(self, store: Store, at: datetime) -> bytes:
        """The text format, brought up to date first."""
        with self._lock, store.read() as work:
            self._count(work)
            self._measure(work, at)
        return generate_latest(self.registry)

    # -- counters, from events -----------------------------------------------------------------------------------

    def _count(self, work: Work) -> None:
        if self._cursor is None:
            # Counters of a process start at zero, as Prometheus expects; what was before is in the database.
            self._cursor = max(0, work.events.last() - PAGE)
        while True:
            page = work.events.after(self._cursor, PAGE)
            for event in page:
                self._cursor = event.seq
                self._one(event)
            if len(page) < PAGE:
                return

    def _one(self, event: StoredEvent) -> None:
        self.transitions.labels(event.before or "none", event.after, event.backend).inc()
        entered = self._entered.pop(event.job, None)
        if entered is not None and entered[0] in STAGE:
            self.waits.labels(STAGE[entered[0]], event.backend).observe((event.at - entered[1]).total_seconds())
        if event.after not in TERMINAL:
            self._entered[event.job] = (event.after, event.at)
        if event.before == "submitting":
            outcome = {"submitted": "accepted", "queued": "unsent", "unknown": "unknown"}.get(event.after, "refused")
            self.submissions.labels(event.backend, outcome).inc()

    # -- gauges, from rows ---------------------------------------------------------------------------------------

    def _measure(self, work: Work, at: datetime) -> None:
        self._jobs(work, at)
        self._money(work)
        self._devices(work, at)
        for loop, last in work.leases.successes().items():
            self.scans.labels(loop).set(last.timestamp())

    def _jobs(self, work: Work, at: datetime) -> None:
        jobs = tables.jobs
        for gauge in (self.jobs, self.unknown, self.oldest):
            gauge.clear()
        query = (
            select(jobs.c.state, jobs.c.backend, func.count(), func.min(jobs.c.created_at))
            .where(jobs.c.due_at.is_not(None))
            .group_by(jobs.c.state, jobs.c.backend)
        )
        ages: dict[str, float] = {state.value: 0.0 for state in LIVE}
        waiting = 0
        for state, backend, count, first in work.connection.execute(query).tuples():
            self.jobs.labels(state, backend).set(count)
            ages[state] = max(ages[state], (micros(at) - first) / 1e6)
            if state == JobState.UNKNOWN:
                self.unknown.labels(backend).set(count)
            waiting += count if state == JobState.ATTENTION else 0
        for state, age in ages.items():
            self.oldest.labels(state).set(age)
        self.attention.set(waiting)

    def _money(self, work: Work) -> None:
        self.budget.clear()
        self.spend.clear()
        rows = work.connection.execute(select(tables.budgets).where(tables.budgets.c.owner.not_like("member:%")))
        for row in rows:
            self.budget.labels(row.owner, "held").set(row.held / MICRO)
            self.budget.labels(row.owner, "spent").set(row.spent / MICRO)
            if row.limit_micros is not None:
                self.budget.labels(row.owner, "available").set((row.limit_micros - row.held - row.spent) / MICRO)
        jobs, organisations = tables.jobs, tables.organisations
        spent = (
            select(organisations.c.slug, jobs.c.backend, func.sum(jobs.c.charged))
            .join(organisations, organisations.c.id == jobs.c.organisation_id)
            .where(jobs.c.charged > 0)
            .group_by(organisations.c.slug, jobs.c.backend)
        )
        for tenant, backend, total in work.connection.execute(spent).tuples():
            self.spend.labels(tenant, backend).set(int(total) / MICRO)
        self.unaccounted.set(sum(abs(total) for total in work.ledger.sums().values()) / MICRO)
        losses = [v for (account, _), v in work.ledger.balances().items() if account == "platform:loss"]
        self.loss.set(sum(losses) / MICRO)

    def _devices(self, work: Work, at: datetime) -> None:
        for gauge in (self.available, self.depth, self.backlog, self.paused, self.orphans):
            gauge.clear()
        for device in work.catalogue.devices():
            self.available.labels(device.name).set(1 if device.status.value == "online" else 0)
            if device.queue_depth is not None:
                self.depth.labels(device.name).set(device.queue_depth)
        for name, count in work.catalogue.backlog().items():
            self.backlog.labels(name).set(count)
        for scope in work.catalogue.pauses(at):
            self.paused.labels(scope).set(1)
        orphans = tables.orphans
        query = select(orphans.c.backend, func.count()).group_by(orphans.c.backend)
        for backend, count in work.connection.execute(query).tuples():
            self.orphans.labels(backend).set(count)

