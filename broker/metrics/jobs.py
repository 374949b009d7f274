"""How many jobs live, and for how long already? By state and vendor, with the zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

from broker.domain.lifecycle import LIVE, JobState
from broker.reads.live import live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from prometheus_client.metrics_core import Metric

    from broker.store.unit_of_work import Work

STATES = tuple(sorted(state.value for state in LIVE))


def families(work: Work, vendors: tuple[str, ...], at: datetime) -> Iterator[Metric]:
    """Gauges over the rows of live jobs; every state and vendor is there, if only with zero."""
    counts = {(state, vendor): 0 for state in STATES for vendor in vendors}
    oldest, longest = dict.fromkeys(STATES, 0.0), dict.fromkeys(STATES, 0.0)
    for crowd in live(work):
        state = crowd.state
        counts[state, crowd.backend] = crowd.jobs
        oldest[state] = max(oldest.get(state, 0.0), (at - crowd.accepted).total_seconds())
        longest[state] = max(longest.get(state, 0.0), (at - crowd.moved).total_seconds())
    yield from _counts(counts)
    yield _ages("qsubmit_oldest_job_age_seconds", "Since acceptance of the oldest live job", oldest)
    yield _ages("qsubmit_longest_in_state_seconds", "Since the last move of the job that stands longest", longest)
    starving = oldest[JobState.QUEUED.value]
    yield GaugeMetricFamily("qsubmit_starvation_max_seconds", "Longest time that a queued job has waited", starving)


def _counts(counts: dict[tuple[str, str], int]) -> Iterator[Metric]:
    live = GaugeMetricFamily("qsubmit_jobs", "Live jobs", labels=["state", "vendor"])
    unknown = GaugeMetricFamily("qsubmit_unknown_jobs", "Jobs whose submission is in doubt", labels=["vendor"])
    waiting = 0
    for (state, vendor), number in sorted(counts.items()):
        live.add_metric([state, vendor], number)
        if state == JobState.UNKNOWN:
            unknown.add_metric([vendor], number)
        waiting += number if state == JobState.ATTENTION else 0
    yield live
    yield unknown
    yield GaugeMetricFamily("qsubmit_needs_operator_jobs", "Jobs that wait for an operator", waiting)


def _ages(name: str, text: str, ages: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["state"])
    for state, age in ages.items():
        family.add_metric([state], max(0.0, age))
    return family
