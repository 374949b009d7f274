"""What does one scrape show? This process's requests, and everything that the store knows."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from broker.metrics import devices, health, jobs
from broker.metrics.money import Books
from broker.metrics.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from prometheus_client.metrics_core import Metric

    from broker.store.unit_of_work import Store, Work

REQUESTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
REASONS = ("missing", "unknown")
log = logging.getLogger("qsubmit.metrics")


@dataclass(frozen=True, slots=True)
class Page:
    """Families that were built for one scrape."""

    families: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        """What an exposition asks a registry for."""
        return self.families


class Metrics:
    """One per gateway. Labels are backends, devices, states, loops and tenants; never an id."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.refusals = Counter(
            "qsubmit_auth_failures", "Requests refused for their key", ["reason"], registry=self.registry
        )
        for reason in REASONS:
            self.refusals.labels(reason)
        self.requests = Histogram(
            "http_server_request_duration_seconds", "HTTP requests", ["route", "method", "code"], buckets=REQUESTS,
            registry=self.registry,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._tally = Tally()
        self._books = Books()

    def refused(self, reason: str) -> None:
        """Count a request that was refused for its key."""
        self.refusals.labels(reason).inc()

    def expose(self, store: Store, at: datetime) -> bytes:
        """The text format, brought up to date first; without the store, what this process knows by itself."""
        up = GaugeMetricFamily("qsubmit_store_up", "1 if this gateway can read the database", value=1)
        families: tuple[Metric, ...] = ()
        try:
            with self._lock, store.read() as work:
                families = self._families(work, at)
        except Exception:
            log.exception("the store cannot be read")
            up = GaugeMetricFamily("qsubmit_store_up", "1 if this gateway can read the database", value=0)
        return generate_latest(self.registry) + generate_latest(Page((up, *families)))

    def _families(self, work: Work, at: datetime) -> tuple[Metric, ...]:
        vendors = tuple(sorted(work.catalogue.recoveries()))
        self._books.read(work, at)
        self._tally.read(work, self._books.krw)
        return (
            *self._tally.families(self._books.tenants, vendors),
            *jobs.families(work, vendors, at),
            *self._books.families(work, at),
            *devices.families(work, vendors, at),
            *health.families(work, vendors, at),
        )
