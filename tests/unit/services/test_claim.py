"""Who drives which job, and whose turn is it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.change import Change, move
from broker.domain.lifecycle import JobState
from broker.services.apply import apply
from broker.services.claim import Claim, claim
from broker.services.turn import in_turn
from tests.support.gateway import NOW

LEASE = timedelta(seconds=90)
GARNET = "braket/garnet"


def terms(owner="a", *, room=None, limit=100):
    return Claim(
        owner=owner, backends=("braket", "local"), lease=LEASE, limit=limit, room=room or {GARNET: 2, "local/aer": 100}
    )


def begun(claimed):
    return [job.id for job, _ in claimed.begun]


def jobs(world, count=3, member="ada", **fields):
    made = []
    for _ in range(count):
        made.append(world.job(member, **({"device": GARNET} | fields))["id"])
        world.clock.forward(0.01)
    return made


def test_at_most_k_jobs_wait_at_a_device(gateway):
    made = jobs(gateway, 3)
    assert begun(claim(gateway.store, terms(), at=gateway.clock())) == made[:2]
    assert begun(claim(gateway.store, terms("b"), at=gateway.clock())) == []


def test_a_claim_writes_the_attempt_before_anything_is_sent(gateway):
    (job_id,) = jobs(gateway, 1)
    ((job, attempt),) = claim(gateway.store, terms(), at=gateway.clock()).begun
    with gateway.store.read() as work:
        assert work.jobs.get(job_id) == job
        assert work.attempts.of(job_id) == [attempt]
    assert (job.state, job.fence, job.lease_owner, attempt.token) == (JobState.SUBMITTING, 1, "a", f"qsub-{attempt.id}")


def test_a_leased_job_is_nobody_elses_until_the_lease_ends(gateway):
    (job_id,) = jobs(gateway, 1)
    claim(gateway.store, terms(), at=gateway.clock())
    later = gateway.clock() + LEASE
    assert claim(gateway.store, terms("b"), at=later - timedelta(microseconds=1)).due == ()
    ((job, _),) = claim(gateway.store, terms("b"), at=later).due
    assert (job.id, job.fence, job.lease_owner) == (job_id, 2, "b")


def test_a_late_worker_writes_nothing_but_evidence(gateway):
    (job_id,) = jobs(gateway, 1)
    ((job, attempt),) = claim(gateway.store, terms(), at=gateway.clock()).begun
    claim(gateway.store, terms("b"), at=gateway.clock() + LEASE)
    learned = replace(attempt, remote_id="late")
    change = move(Change(job=replace(job, remote_id="late"), attempt=learned), JobState.SUBMITTED, at=NOW)
    assert apply(gateway.store, [change], at=NOW, scene="record") == []
    with gateway.store.read() as work:
        assert (work.jobs.get(job_id).state, work.jobs.get(job_id).fence) == (JobState.SUBMITTING, 2)
        assert work.attempts.of(job_id)[0].remote_id == "late"


def test_a_stale_change_does_not_take_the_others_along(gateway):
    jobs(gateway, 2)
    pairs = claim(gateway.store, terms(), at=gateway.clock()).begun
    with gateway.store.write() as work:
        (lost, _) = pairs[0]
        work.jobs.save([replace(lost, fence=9)], seen={lost.id: 1})
    changes = [move(Change(job=job), JobState.UNKNOWN, at=NOW) for job, _ in pairs]
    assert [change.job.id for change in apply(gateway.store, changes, at=NOW, scene="record")] == [pairs[1][0].id]


def test_a_queued_job_past_its_deadline_expires_with_its_hold(gateway):
    (job_id,) = jobs(gateway, 1, deadline=(NOW + timedelta(seconds=60)).isoformat())
    claim(gateway.store, terms(room={GARNET: 0}), at=NOW + timedelta(seconds=60))
    view = gateway.see(job_id)
    assert (view["state"], view["cost"]["held"], view["error"]["code"]) == ("expired", "0", "expired")


def test_one_look_takes_no_more_than_its_limit(gateway):
    jobs(gateway, 5, device="local/aer")
    assert len(claim(gateway.store, terms(limit=3), at=gateway.clock()).begun) == 3


def test_an_idle_look_writes_nothing(gateway):
    before = gateway.budgets()
    assert claim(gateway.store, terms(), at=gateway.clock()).due == ()
    assert gateway.budgets() == before


def test_projects_take_turns_whoever_came_first(gateway):
    first = jobs(gateway, 6, member="ada")
    second = jobs(gateway, 2, member="cyd")
    started = []
    for _ in range(3):
        started += begun(claim(gateway.store, terms(room={GARNET: len(started) + 2}), at=gateway.clock()))
        gateway.clock.forward(1)
    assert set(started[:4]) & set(second), "chemistry waits behind all of physics"
    assert set(started[:4]) & set(first)


def test_whoever_spent_less_goes_first(gateway):
    mine = gateway.job("ada", device=GARNET)
    yours = gateway.job("dan", device=GARNET)
    with gateway.store.write() as work:
        spent = work.jobs.get(mine["id"])
        work.ledger.put_decayed_spend(
            {spent.organisation: 10**12, spent.project: 10**12, spent.member: 10**12}, gateway.clock()
        )
    with gateway.store.read() as work:
        assert in_turn(work, GARNET, 9, at=gateway.clock()) == [yours["id"], mine["id"]]


def test_one_member_alone_keeps_the_order_of_arrival(gateway):
    made = jobs(gateway, 4)
    with gateway.store.read() as work:
        assert in_turn(work, GARNET, 9, at=gateway.clock()) == made
        assert in_turn(work, GARNET, 2, at=gateway.clock()) == made[:2]


def test_a_turn_is_charged_when_it_begins(gateway):
    (job_id,) = jobs(gateway, 1)
    claim(gateway.store, terms(), at=gateway.clock())
    with gateway.store.read() as work:
        job = work.jobs.get(job_id)
        used = work.ledger.decayed_spend([job.organisation, job.project, job.member])
    assert len(used) == 3
    assert all(micros > 0 for micros, _ in used.values())


@pytest.mark.parametrize("held", [True, False])
def test_a_cancelled_job_that_somebody_is_sending_stays_until_the_vendor_agrees(gateway, held):
    (job_id,) = jobs(gateway, 1)
    if held:
        claim(gateway.store, terms(), at=gateway.clock())
    state = gateway.call("ada", "POST", f"/v1/jobs/{job_id}/cancel").json()["state"]
    assert state == ("submitting" if held else "cancelled")
