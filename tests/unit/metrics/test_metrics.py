"""Do the metrics tell what is in the store: the same from every gateway, and nothing twice?"""

import re
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from backends.base import Phase
from broker.domain.lifecycle import NEXT, STAGE
from broker.domain.wall import Wall
from broker.metrics import Metrics
from broker.metrics.tally import WAITS
from broker.reads.jobs import one
from broker.services.cancel import cancel
from broker.services.invariants import verify_and_keep
from broker.store.catalogue import REFUSED_CREDENTIALS
from tests.support.books import day


@pytest.fixture
def books(tmp_path):
    with day(tmp_path) as made:
        yield made


def samples(books, metrics=None):
    """Metric -> labels -> value."""
    text = (metrics or Metrics()).expose(books.store, books.clock()).decode()
    found = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert frozenset(sample.labels.items()) not in found[sample.name], sample
            found[sample.name][frozenset(sample.labels.items())] = sample.value
    return found


def value(found, name, **labels):
    return found[name][frozenset(labels.items())]


def test_moves_are_counted_once_however_often_they_are_scraped(books):
    metrics = Metrics()
    books.work()
    first = samples(books, metrics)
    assert samples(books, metrics)["qsubmit_job_transitions_total"] == first["qsubmit_job_transitions_total"]
    assert value(first, "qsubmit_job_transitions_total", **{"from": "none", "to": "accepted", "vendor": "braket"}) == 3
    assert value(first, "qsubmit_vendor_submissions_total", vendor="braket", outcome="accepted") == 3


def test_what_may_be_counted_is_there_from_the_start(books):
    """Else a rate would miss the first."""
    found = samples(books)
    for before, nexts in NEXT.items():
        for after in nexts:
            labels = {"from": before.value, "to": after.value, "vendor": "braket"}
            assert value(found, "qsubmit_job_transitions_total", **labels) == 0
    assert value(found, "qsubmit_spend_krw_total", tenant="daejeon/daejeon-office", vendor="braket") == 0
    assert value(found, "qsubmit_job_wait_seconds_count", stage="run", vendor="braket") == 0


def test_a_gateway_that_starts_later_tells_the_same(books):
    early = Metrics()
    samples(books, early)
    for _ in range(3):
        books.work(jobs=2)
        samples(books, early)
    one, other = samples(books, early), samples(books, Metrics())
    of_this_moment = "qsubmit_clock_ahead_seconds"
    for name in one.keys() - {of_this_moment}:
        if name.startswith("qsubmit_") and not name.endswith("_created"):
            assert one[name] == other[name], name


def test_a_stage_is_what_the_job_itself_shows(books):
    ids = [*books.work(), *books.work(jobs=1)]
    found = samples(books)
    shown = [one(books.store, books.member(), each, at=books.clock()).latency for each in ids]
    names = {"broker": "broker_queue_s", "vendor": "vendor_queue_s", "run": "run_s", "fetch": "fetch_s"}
    for stage, name in names.items():
        total = sum(getattr(each, name) for each in shown)
        assert value(found, "qsubmit_job_wait_seconds_sum", stage=stage, vendor="braket") == pytest.approx(total)
        assert value(found, "qsubmit_job_wait_seconds_count", stage=stage, vendor="braket") == len(ids)
    total = sum(each.total_s for each in shown)
    assert value(found, "qsubmit_job_duration_seconds_sum", vendor="braket") == pytest.approx(total)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(waits=st.lists(st.integers(1, 10**5), min_size=1, max_size=3))
def test_a_wait_is_in_the_right_bucket(tmp_path_factory, waits):
    with day(tmp_path_factory.mktemp("day")) as books:
        for wait in waits:
            books.submit()
            books.tick(seconds=wait)
            books.tick(seconds=60)
        found = samples(books)
        for bound in WAITS:
            labels = {"stage": "broker", "vendor": "braket", "le": str(float(bound))}
            below = value(found, "qsubmit_job_wait_seconds_bucket", **labels)
            assert below == sum(wait <= bound for wait in waits)


def test_a_job_without_a_vendor_has_no_vendor_time(books):
    job = books.submit()
    cancel(books.store, books.member(), job, at=books.clock())
    found = samples(books)
    assert value(found, "qsubmit_job_wait_seconds_count", stage="broker", vendor="braket") == 1
    assert value(found, "qsubmit_job_wait_seconds_count", stage="vendor", vendor="braket") == 0


def test_live_jobs_have_their_state_and_age(books):
    books.vendor.phase = Phase.QUEUED
    books.submit()
    books.tick(seconds=10)
    books.submit()
    books.clock.pass_(seconds=50)
    found = samples(books)
    assert value(found, "qsubmit_jobs", state="submitted", vendor="braket") == 1
    assert value(found, "qsubmit_jobs", state="queued", vendor="braket") == 1
    assert value(found, "qsubmit_oldest_job_age_seconds", state="submitted") == 60
    assert value(found, "qsubmit_longest_in_state_seconds", state="submitted") == 50
    assert value(found, "qsubmit_starvation_max_seconds") == 50
    assert {dict(labels)["state"] for labels in found["qsubmit_jobs"]} == {state.value for state in STAGE}


def test_money_is_where_the_ledger_has_it(books):
    books.work()
    found = samples(books)
    office = "daejeon/daejeon-office"
    spent = value(found, "qsubmit_spend_krw_total", tenant=office, vendor="braket")
    assert spent == pytest.approx((3 * 0.3 + 0.1 + 0.2 + 0.3) * 1477.1)
    assert value(found, "qsubmit_budget_krw", tenant=office, bucket="spent") == pytest.approx(spent)
    assert value(found, "qsubmit_budget_krw", tenant="daejeon", bucket="spent") == pytest.approx(spent)
    available = value(found, "qsubmit_budget_krw", tenant=office, bucket="available")
    assert available == pytest.approx(50_000_000 - spent)
    assert value(found, "qsubmit_unaccounted_krw") == 0
    # Only one of daejeon's organisations used anything, and its share is one of twelve.
    assert value(found, "qsubmit_fairshare_ratio", tenant=office) == pytest.approx(12)


def test_another_currency_is_shown_in_won(books):
    found = samples(books)
    assert value(found, "qsubmit_budget_krw", tenant="sherbrooke", bucket="available") == pytest.approx(100_000 * 1050)


def test_a_pause_says_whether_the_credentials_are_the_reason(books):
    def paused():
        found = samples(books)
        return (
            value(found, "qsubmit_backend_paused", scope="braket"),
            value(found, "qsubmit_backend_unauthorized", vendor="braket"),
        )

    assert paused() == (0, 0)
    with books.store.write() as work:
        work.catalogue.pause("braket", "maintenance", books.clock(), None)
    assert paused() == (1, 0)
    with books.store.write() as work:
        work.catalogue.pause("braket", REFUSED_CREDENTIALS, books.clock(), None)
    assert paused() == (1, 1)


def test_findings_and_orphans_are_shown(books):
    assert "qsubmit_audit_chain_ok" not in samples(books)  # nobody has looked yet: no claim
    verify_and_keep(books.store, books.clock())
    with books.store.write() as work:
        work.orphans.note("braket", "task-x", None, books.clock())
    found = samples(books)
    assert value(found, "qsubmit_audit_chain_ok") == 1
    assert value(found, "qsubmit_vendor_double_submissions_total") == 0
    assert set(found["qsubmit_invariant_violations"].values()) == {0}
    assert value(found, "qsubmit_orphan_vendor_tasks_total", vendor="braket") == 1
    assert value(found, "qsubmit_last_verified_timestamp_seconds") == books.clock().timestamp()


def test_a2_walls_are_shown_by_machine(books):
    at = books.clock()
    seen = [
        Wall(machine="hub1", name=name, stands=stands, means="", seen_at=at)
        for name, stands in (("files", True), ("user", False))
    ]
    with books.store.write() as work:
        work.walls.replace("hub1", seen)
    found = samples(books)
    assert value(found, "qsubmit_wall_stands", machine="hub1", wall="files") == 1
    assert value(found, "qsubmit_wall_stands", machine="hub1", wall="user") == 0


def test_loops_show_their_last_round_and_their_leader(books):
    at = books.clock()
    with books.store.write() as work:
        work.leases.take("scan", "me", at, books.driver._terms.lease)
        work.leases.succeed("scan", at)
    found = samples(books)
    assert value(found, "qsubmit_scanner_last_success_timestamp_seconds", loop="scan") == at.timestamp()
    assert value(found, "qsubmit_leader", loop="scan") == 1


def test_without_the_store_a_gateway_still_speaks_for_itself(books):
    metrics = Metrics()
    metrics.refused("missing")
    with books.store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE jobs")
    found = samples(books, metrics)
    assert value(found, "qsubmit_store_up") == 0
    assert value(found, "qsubmit_auth_failures_total", reason="missing") == 1


def test_no_label_is_an_id(books):
    [job, *_] = books.work()
    text = Metrics().expose(books.store, books.clock()).decode()
    assert job not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text)
