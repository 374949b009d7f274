"""Is the jobs table a queue that two workers can share?"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from broker.domain.lifecycle import JobState
from broker.domain.money import Money
from broker.store.jobs import StaleFence
from tests.support.databases import opened
from tests.support.jobs import job
from tests.support.routing_world import GATE, simulator

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
AER = "local/aer"


def numbered(count, **values):
    known = {"backend": "local", "device": AER, "state": JobState.SUBMITTED, "due_at": NOW}
    return [job(id=f"job-{number:04d}", **(known | values)) for number in range(count)]


def kept(store, jobs):
    with store.write() as work:
        work.jobs.add(jobs)
    return jobs


def read(store, job_id="job-0000"):
    with store.read() as work:
        return work.jobs.get(job_id)


def test_a_job_is_read_back_equal(store):
    whole = job(
        id="job-0000",
        tags=("a", 'b"c', "한"),
        points=({"theta": 0.1},),
        options={"verbatim": "true"},
        seed=7,
        charged=Money(currency="KRW", micros=2**53 + 1),
        deadline=NOW,
        idempotency_key="once",
        trace="t",
        run_ms=5,
    )
    kept(store, [whole])
    assert read(store) == whole


def test_a_missing_job_is_none(store):
    assert read(store, "nobody") is None


def test_saving_under_the_known_fence_writes_the_moving_columns(store):
    (first,) = kept(store, numbered(1))
    with store.write() as work:
        work.jobs.save([replace(first, state=JobState.RUNNING, remote_id="r", due_at=NOW + SECOND)])
    assert read(store) == replace(first, state=JobState.RUNNING, remote_id="r", due_at=NOW + SECOND)


def test_a_stale_fence_writes_nothing_of_the_group_and_names_the_stale_ones(store):
    jobs = kept(store, numbered(3))
    with store.write() as work:
        work.jobs.save([replace(jobs[1], fence=1)], seen={jobs[1].id: 0})
    with pytest.raises(StaleFence) as caught, store.write() as work:
        work.jobs.save([replace(each, state=JobState.RUNNING) for each in jobs])
    assert caught.value.ids == {"job-0001"}
    assert {read(store, each.id).state for each in jobs} == {JobState.SUBMITTED}


def test_a_save_does_not_lower_the_cancel_flag(store):
    (first,) = kept(store, numbered(1))
    with store.write() as work:
        work.jobs.request_cancel(first.id)
        work.jobs.save([first])
    assert read(store).cancel_requested


def test_whoever_did_not_see_the_cancel_request_cannot_put_the_next_look_off(store):
    (first,) = kept(store, numbered(1))
    with store.write() as work:
        work.jobs.request_cancel(first.id)
        work.jobs.save([replace(first, due_at=NOW + 600 * SECOND, updated_at=NOW + SECOND)])
    assert read(store).due_at == NOW + SECOND


def test_an_ended_job_is_never_due_again_even_if_it_was_cancelled_meanwhile(store):
    (first,) = kept(store, numbered(1))
    with store.write() as work:
        work.jobs.request_cancel(first.id)
        work.jobs.save([replace(first, state=JobState.FAILED, due_at=None)])
    assert read(store).due_at is None


def test_an_idempotency_key_is_unique_in_its_project(store):
    kept(store, [job(id="a", idempotency_key="once"), job(id="b", idempotency_key="once", project="other")])
    with pytest.raises(IntegrityError), store.write() as work:
        work.jobs.add([job(id="c", idempotency_key="once")])


def test_jobs_without_a_key_do_not_collide(store):
    kept(store, [job(id="a"), job(id="b")])


def test_known_keys_are_found_per_project(store):
    kept(store, [job(id="a", idempotency_key="once"), job(id="b", idempotency_key="twice")])
    with store.read() as work:
        found = work.jobs.by_keys([("project-1", "once"), ("project-2", "twice")])
    assert {pair: each.id for pair, each in found.items()} == {("project-1", "once"): "a"}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, True),
        ({"state": JobState.UNKNOWN}, True),
        ({"state": JobState.ATTENTION}, True),
        ({"state": JobState.SUBMITTING, "lease_until": NOW, "lease_owner": "dead"}, True),
        ({"lease_until": NOW + SECOND, "lease_owner": "alive"}, False),
        ({"due_at": NOW + SECOND}, False),
        ({"due_at": None, "state": JobState.SUCCEEDED}, False),
        ({"state": JobState.QUEUED}, False),
        ({"backend": "braket"}, False),
    ],
)
def test_due_is_what_was_sent_and_is_free_and_timely(store, values, found):
    kept(store, numbered(1, **values))
    with store.write() as work:
        assert bool(work.jobs.due(["local"], NOW, 10)) is found


def test_a_rung_job_is_due_before_its_time(store):
    kept(store, numbered(2, due_at=NOW + 60 * SECOND))
    with store.write() as work:
        assert [each.id for each in work.jobs.due(["local"], NOW, 10, only=["job-0001"])] == ["job-0001"]


def test_the_longest_overdue_come_first_up_to_the_limit(store):
    kept(store, [replace(each, due_at=NOW - n * SECOND) for n, each in enumerate(numbered(4))])
    with store.write() as work:
        assert [each.id for each in work.jobs.due(["local"], NOW, 2)] == ["job-0003", "job-0002"]


def test_a9_every_member_who_waits_stands_at_the_head_of_a_line(store):
    mine = numbered(4, state=JobState.QUEUED)
    mate = replace(mine[0], id="job-9998", member="mate")
    other = replace(mine[0], id="job-9999", project="project-2", member="other")
    elsewhere = replace(mine[0], id="job-9990", member="elsewhere", device="local/qsim")
    kept(store, [*mine, mate, other, elsewhere])
    with store.write() as work:
        assert [each.job for each in work.jobs.first_in_line(AER, NOW)] == ["job-0000", "job-9998", "job-9999"]
        assert [each.job for each in work.jobs.next_in_line(AER, ["job-0000", "job-9998"], NOW, 2)] == [
            "job-0001",
            "job-0002",
        ]


@pytest.mark.parametrize(
    "values",
    [
        {"due_at": NOW + SECOND},
        {"lease_until": NOW + SECOND, "lease_owner": "a"},
        {"cancel_requested": True},
        {"deadline": NOW},
        {"state": JobState.RUNNING},
    ],
)
def test_a9_what_may_not_start_hides_nobodys_next_job(store, values):
    first, second = numbered(2, state=JobState.QUEUED)
    kept(store, [replace(first, **values), second])
    with store.write() as work:
        assert [each.job for each in work.jobs.first_in_line(AER, NOW)] == [second.id]
        assert [each.id for each in work.jobs.take([second.id, first.id], NOW)] == [second.id]


def test_a9_jobs_are_taken_in_the_order_asked_for(store):
    made = [each.id for each in numbered(3, state=JobState.QUEUED)]
    kept(store, numbered(3, state=JobState.QUEUED))
    with store.write() as work:
        assert [each.id for each in work.jobs.take(made[::-1], NOW)] == made[::-1]


@pytest.mark.parametrize(
    ("values", "over"),
    [({"deadline": NOW}, True), ({"cancel_requested": True}, True), ({"deadline": NOW + SECOND}, False), ({}, False)],
)
def test_queued_jobs_past_their_deadline_or_cancelled_are_over(store, values, over):
    kept(store, numbered(1, state=JobState.QUEUED, **values))
    with store.write() as work:
        assert bool(work.jobs.past_deadline(["local"], NOW, 10)) is over


def test_in_flight_counts_what_takes_room_at_a_device(store):
    states = [JobState.SUBMITTING, JobState.UNKNOWN, JobState.RUNNING, JobState.QUEUED]
    kept(store, [replace(each, state=state) for each, state in zip(numbered(4), states, strict=True)])
    with store.read() as work:
        assert work.jobs.in_flight([AER], NOW) == {AER: 3}


def test_next_due_is_the_earliest_of_the_backends_asked_for(store):
    kept(store, [*numbered(1, due_at=NOW + SECOND), job(id="q", backend="local", device=AER, due_at=NOW)])
    with store.read() as work:
        assert work.jobs.next_due(["local"]) == NOW
        assert work.jobs.next_due(["local"], sent=True) == NOW + SECOND
        assert work.jobs.next_due(["braket"]) is None


def test_two_connections_never_lock_the_same_due_job(postgres_url):
    with opened(postgres_url) as first, opened(postgres_url) as second:
        kept(first, numbered(10))
        with first.write() as one, second.write() as two:
            mine = {each.id for each in one.jobs.due(["local"], NOW, 6)}
            yours = {each.id for each in two.jobs.due(["local"], NOW, 6)}
    assert (len(mine), len(yours), mine & yours) == (6, 4, set())


def test_two_connections_never_begin_on_the_same_device(postgres_url):
    with opened(postgres_url) as first, opened(postgres_url) as second:
        kept(first, numbered(2, state=JobState.QUEUED))
        with first.write() as work:
            work.catalogue.put_devices("local", "rerun", [simulator(AER, GATE)], NOW)
        with first.write() as one, second.write() as two:
            assert one.jobs.queued_devices(["local"], NOW) == [AER]
            assert two.jobs.queued_devices(["local"], NOW) == []


def test_racing_claims_give_every_job_to_one_worker(store, database_url):
    jobs, taken = kept(store, numbered(60)), []

    def claim(owner: str) -> None:
        with opened(database_url) as mine:
            while True:
                with mine.write() as work:
                    found = work.jobs.due(["local"], NOW, 7)
                    leased = [
                        replace(each, fence=each.fence + 1, lease_owner=owner, lease_until=NOW + SECOND)
                        for each in found
                    ]
                    work.jobs.save(leased, seen={each.id: each.fence - 1 for each in leased})
                if not found:
                    return
                taken.extend(each.id for each in found)

    threads = [threading.Thread(target=claim, args=(f"worker-{n}",)) for n in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with store.read() as work:
        left = {work.jobs.get(each.id).fence for each in jobs}
    assert sorted(taken) == [each.id for each in jobs]
    assert left == {1}
