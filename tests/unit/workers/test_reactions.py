"""What does every kind of reply mean for a job?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from backends.base import Phase, Snapshot
from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized, UnknownJob, UnknownStatus
from broker.domain.price import Usage
from broker.domain.recovery import Recovery
from tests.support.gateway import NOW
from tests.support.scripted import DONE, QUEUED, RUNNING, outcome

GARNET = "braket/garnet"


def run(world, *, ticks=1, step=2.0, **fields):
    job = world.job("ada", device=fields.pop("device", GARNET), **fields)["id"]
    world.drive(ticks=ticks, step=step)
    return job


def due_in(world, job):
    with world.store.read() as work:
        return (work.jobs.get(job).due_at - NOW).total_seconds()


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Busy("slow down", retry_after=7), "queued"),
        (Unauthorized("bad key"), "queued"),
        (Refused("no such gate"), "failed"),
        (OutcomeUnknown("reset"), "unknown"),
        (BackendError("what?"), "unknown"),
        (ZeroDivisionError("a bug in an adapter"), "unknown"),
        (None, "submitted"),
    ],
)
def test_a_reply_to_a_create_request_moves_the_job(gateway, reply, state):
    gateway.backends["braket"].reply = reply
    gateway.backends["braket"].word = QUEUED
    job = run(gateway)
    view = gateway.see(job)
    assert view["state"] == state
    assert (view["cost"]["held"] == "0") is (state == "failed")


def test_a_busy_vendor_is_asked_again_when_it_said(gateway):
    gateway.backends["braket"].reply = Busy("slow down", retry_after=7)
    assert due_in(gateway, run(gateway)) == 7


def test_a_vendor_that_refuses_our_key_is_paused_with_the_reason(gateway):
    gateway.backends["braket"].reply = Unauthorized("bad key")
    run(gateway)
    with gateway.store.read() as work:
        assert set(work.catalogue.pauses(NOW)) == {"braket"}
    gateway.clock.forward(10)
    assert gateway.submit("ada", device=GARNET).json()["code"] == "no_device"


def test_a_doubtful_job_of_a_tag_vendor_is_left_alone_for_the_quiescence_window(gateway):
    backend = gateway.backends["braket"]
    backend.recovery, backend.reply = Recovery.TAG, OutcomeUnknown("reset")
    assert due_in(gateway, run(gateway)) == gateway.room.settings.quiescence_s


def test_a_token_vendor_is_sent_the_same_order_again(gateway):
    backend = gateway.backends["braket"]
    backend.reply = OutcomeUnknown("reset")
    job = run(gateway)
    backend.reply, backend.word = None, QUEUED
    gateway.drive(ticks=3, step=30)
    assert gateway.see(job)["state"] == "submitted"
    assert len(backend.sent) == 1
    assert backend.sent[0].token == gateway.see(job)["attempt"]["token"]


def test_a_blind_vendors_doubt_is_an_operators(gateway):
    backend = gateway.backends["braket"]
    backend.recovery, backend.reply = Recovery.BLIND, OutcomeUnknown("reset")
    job = run(gateway, ticks=4, step=60)
    assert gateway.see(job)["state"] == "attention"
    assert backend.sent == []


def test_a_job_that_waits_at_the_vendor_shows_its_place(gateway):
    gateway.backends["braket"].word = QUEUED
    attempt = gateway.see(run(gateway, ticks=3))["attempt"]
    assert (attempt["vendor_status"], attempt["queue_position"], attempt["outcome"]) == ("QUEUED", 7, None)


def test_a_job_that_runs_says_so_once(gateway):
    gateway.backends["braket"].word = RUNNING
    states = [move["state"] for move in gateway.see(run(gateway, ticks=5))["timeline"]]
    assert states == ["accepted", "queued", "submitting", "submitted", "running"]


@pytest.mark.parametrize(
    ("word", "state", "code"),
    [
        (Snapshot(phase=Phase.FAILED, word="FAILED", message="laser"), "failed", "run_failed"),
        (Snapshot(phase=Phase.LOST, word="404"), "failed", "lost_at_vendor"),
        (Snapshot(phase=Phase.CANCELLED, word="CANCELLED"), "cancelled", None),
        (DONE, "succeeded", None),
    ],
)
def test_a_vendors_last_word_ends_the_job(gateway, word, state, code):
    gateway.backends["braket"].word = word
    view = gateway.see(run(gateway, ticks=4))
    assert (view["state"], view["error"] and view["error"]["code"]) == (state, code)
    assert view["cost"]["held"] == "0"


def test_a_local_run_that_was_lost_is_run_again(gateway):
    backend = gateway.backends["local"]
    backend.recovery, backend.word = Recovery.RERUN, Snapshot(phase=Phase.LOST, word="gone")
    job = run(gateway, device="local/aer")
    backend.word = DONE
    gateway.drive(ticks=4)
    assert gateway.see(job)["state"] == "succeeded"
    assert len(backend.sent) == 2
    assert gateway.sums() == {0}


@pytest.mark.parametrize(
    "error", [UnknownStatus("HIBERNATING"), Busy("later", retry_after=30), BackendError("?"), KeyError("bug")]
)
def test_a_look_that_fails_changes_nothing_and_is_made_again(gateway, error):
    backend = gateway.backends["braket"]
    backend.word = error
    job = run(gateway, ticks=3)
    assert gateway.see(job)["state"] == "submitted"
    backend.word = DONE
    gateway.drive(ticks=3, step=40)
    assert gateway.see(job)["state"] == "succeeded"


@pytest.mark.parametrize("error", [UnknownStatus("HIBERNATING"), UnknownJob("said nothing about it")])
def test_a_word_that_nobody_knows_does_not_hide_the_other_jobs(gateway, error):
    backend = gateway.backends["braket"]
    odd, fine = (gateway.job("ada", device=GARNET)["id"] for _ in range(2))
    backend.word = QUEUED
    gateway.drive(ticks=1)
    unreadable = gateway.see(odd)["attempt"]["remote_id"]

    def poll(remote_ids):
        if unreadable in remote_ids:
            raise error
        return dict.fromkeys(remote_ids, DONE)

    backend.poll = poll
    gateway.drive(ticks=2, step=40)
    assert (gateway.see(odd)["state"], gateway.see(fine)["state"]) == ("submitted", "succeeded")


def test_a_result_that_cannot_be_fetched_now_is_fetched_later(gateway):
    backend = gateway.backends["braket"]
    backend.result = BackendError("not yet")
    job = run(gateway, ticks=3)
    assert gateway.see(job)["state"] == "fetching"
    backend.result = None
    gateway.drive(ticks=3, step=60)
    assert gateway.see(job)["state"] == "succeeded"


def test_a_result_that_the_vendor_lost_ends_the_job(gateway):
    gateway.backends["braket"].result = UnknownJob("purged")
    view = gateway.see(run(gateway, ticks=4))
    assert (view["state"], view["error"]["code"]) == ("failed", "result_lost")


def test_one_broken_result_does_not_stop_the_others(gateway):
    backend, fetched = gateway.backends["braket"], []

    def fetch(remote_id):
        fetched.append(remote_id)
        if len(fetched) == 1:
            raise ValueError("malformed")
        return outcome()

    backend.fetch = fetch
    for _ in range(2):
        gateway.job("ada", device=GARNET)
        gateway.clock.forward(0.01)
    gateway.drive(ticks=3)
    states = sorted(job["state"] for job in gateway.call("ada", "GET", "/v1/jobs").json()["jobs"])
    assert states == ["fetching", "succeeded"]


def test_nothing_is_sent_with_too_little_of_the_lease_left(gateway):
    driver, clock = gateway.driver(), gateway.clock
    backend = gateway.backends["braket"]
    job = gateway.job("ada", device=GARNET)["id"]
    read = driver._orders.read

    def slowly(jobs):
        clock.forward(gateway.room.settings.lease_s - 2 * gateway.room.settings.send_timeout_s + 1)
        read(jobs)

    driver._orders.read = slowly
    driver.tick()
    assert backend.sent == []
    driver._orders.read = read
    for _ in range(4):
        clock.forward(60)
        driver.tick()
    assert gateway.see(job)["state"] == "succeeded"
    assert len(backend.sent) == 1


def test_the_order_carries_what_the_user_asked(gateway):
    run(gateway, shots=77, seed=5, options={"verbatim": "true"})
    (order,) = gateway.backends["braket"].sent
    assert (order.shots, order.seed, order.options, order.points) == (77, 5, {"verbatim": "true"}, ({},))
    assert (order.device.name, order.requirement.width) == (GARNET, 2)


def test_two_workers_send_every_job_once(gateway):
    backend = gateway.backends["local"]
    backend.word = QUEUED
    for _ in range(12):
        gateway.job("ada")
    workers = [gateway.driver("a"), gateway.driver("b")]
    for _ in range(4):
        for worker in workers:
            worker.tick()
        gateway.clock.forward(1)
    assert len(backend.sent) == len({order.token for order in backend.sent}) == 12


def test_the_time_between_looks_grows_with_the_jobs_age(gateway):
    gateway.backends["braket"].word = Snapshot(phase=Phase.QUEUED, word="QUEUED")
    job = run(gateway, ticks=1)
    waits = []
    for _ in range(6):
        gateway.clock.at = NOW + timedelta(seconds=due_in(gateway, job))
        before = due_in(gateway, job)
        gateway.driver().tick()
        waits.append(due_in(gateway, job) - before)
    assert waits == sorted(waits)
    assert waits[0] >= gateway.backends["braket"].poll_floor_s


def test_a_vendor_that_bills_a_cancelled_run_is_paid(gateway):
    gateway.backends["braket"].word = Snapshot(phase=Phase.CANCELLED, word="CANCELLED", usage=Usage(tasks=1))
    assert gateway.see(run(gateway, ticks=4))["cost"]["charged"] == "420"
