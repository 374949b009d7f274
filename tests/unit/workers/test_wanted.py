"""Is anything ever sent for a job that its owner has cancelled, or whose deadline has passed?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from backends.errors import BackendError, Busy, OutcomeUnknown
from broker.domain.recovery import Recovery
from broker.domain.terms import Terms
from broker.services.invariants import verify
from broker.store import tables
from tests.support.scripted import QUEUED
from workers import send as sending

GARNET = "braket/garnet"


@pytest.fixture
def vendor(gateway):
    """A token vendor whose create got lost."""
    backend = gateway.backends["braket"]
    backend.reply, backend.found, backend.word = OutcomeUnknown("reset"), [], QUEUED
    return backend


def lost(world, *, deadline_s=None, device=GARNET):
    deadline = None if deadline_s is None else (world.clock() + timedelta(seconds=deadline_s)).isoformat()
    job = world.job("ada", device=device, deadline=deadline)["id"]
    world.drive(ticks=1)
    return job


def cancel(world, job):
    answer = world.call("ada", "POST", f"/v1/jobs/{job}/cancel")
    assert answer.status_code in (200, 202), answer.text


def is_sound(world):
    assert [found for found in verify(world.store, world.clock()) if not found.holds] == []
    return True


def ends(world, job):
    view = world.see(job)
    return view["state"], view["cost"]["held"], view["cost"]["charged"]


@pytest.mark.parametrize("recovery", [Recovery.TOKEN, Recovery.TAG])
def test_a4_what_was_cancelled_in_doubt_ends_once_its_absence_is_proved(gateway, vendor, recovery):
    vendor.recovery = recovery
    job = lost(gateway)
    cancel(gateway, job)
    vendor.reply = None
    gateway.drive(ticks=10, step=30)
    assert gateway.see(job)["state"] == "unknown"  # a late request may still land
    gateway.drive(ticks=30, step=30)
    assert ends(gateway, job) == ("cancelled", "0", "0")
    assert vendor.sent == []
    assert is_sound(gateway)


@pytest.mark.parametrize("recovery", [Recovery.TOKEN, Recovery.TAG])
def test_a4_a_deadline_that_passes_in_doubt_ends_the_job_once_its_absence_is_proved(gateway, vendor, recovery):
    vendor.recovery = recovery
    job = lost(gateway, deadline_s=30)
    gateway.clock.forward(31)
    vendor.reply = None
    gateway.drive(ticks=50, step=30)
    assert ends(gateway, job) == ("expired", "0", "0")
    assert gateway.see(job)["error"]["code"] == "expired"
    assert vendor.sent == []
    assert is_sound(gateway)


def test_a4_what_landed_all_the_same_is_adopted_and_cancelled_there(gateway, vendor):
    job = lost(gateway)
    cancel(gateway, job)
    vendor.found = ["landed"]
    gateway.drive(ticks=4, step=30)
    assert gateway.see(job)["state"] == "submitted"
    assert set(vendor.cancelled) == {"landed"}


def test_a4_a_cancel_between_the_vendors_list_and_the_resend_is_seen(gateway, vendor):
    job = lost(gateway)
    vendor.reply, listed = None, vendor.find

    def find(token):
        cancel(gateway, job)
        return listed(token)

    vendor.find = find
    gateway.clock.forward(60)
    gateway.drive(ticks=1)
    vendor.find = listed
    gateway.drive(ticks=30, step=60)
    assert vendor.sent == []
    assert ends(gateway, job) == ("cancelled", "0", "0")


def test_a4_a_blind_vendors_doubt_says_that_the_member_has_cancelled(gateway, vendor):
    vendor.recovery = Recovery.BLIND
    job = lost(gateway)
    cancel(gateway, job)
    gateway.drive(ticks=3, step=60)
    view = gateway.see(job)
    assert view["state"] == "attention"
    assert "not wanted any more: cancelled" in view["timeline"][-1]["reason"]
    answer = gateway.call("olga", "POST", f"/v1/jobs/{job}/release", json={"reason": "not in the console"})
    assert answer.status_code == 200
    assert ends(gateway, job) == ("cancelled", "0", "0")


def test_a4_a_cancel_of_a_job_that_waits_in_attention_is_told_there(gateway, vendor):
    vendor.recovery = Recovery.BLIND
    job = lost(gateway)
    gateway.drive(ticks=3, step=60)
    cancel(gateway, job)
    gateway.drive(ticks=2, step=60)
    with gateway.store.read() as work:
        assert "not wanted any more" in work.attempts.latest([job])[job].detail


def test_a4_a_tag_job_in_attention_that_nobody_wants_ends(gateway, vendor):
    """Its absence is proved; only the project's leave to send it again was missing."""
    vendor.recovery = Recovery.TAG
    with gateway.store.write() as work:
        work.connection.execute(update(tables.projects).values(allow_resubmit=False))
    job = lost(gateway)
    gateway.drive(ticks=30, step=60)
    assert gateway.see(job)["state"] == "attention"
    cancel(gateway, job)
    gateway.drive(ticks=3, step=70)
    assert ends(gateway, job) == ("cancelled", "0", "0")


@pytest.mark.parametrize("device", [GARNET, "local/aer"])
@pytest.mark.parametrize("unwant", ["cancel", "deadline"])
def test_a4_the_flag_is_looked_at_once_more_just_before_the_request(gateway, device, unwant, monkeypatch):
    """Between the claim and the request anything may take its time."""
    backend = gateway.backends[device.split("/")[0]]
    made = [gateway.job(device=device, deadline=_in(gateway, 60) if unwant == "deadline" else None) for _ in range(2)]

    def meanwhile(point):
        if point == "submit.before_send" and unwant == "cancel":
            cancel(gateway, made[0]["id"])
        elif point == "submit.before_send":
            gateway.clock.forward(70)
            monkeypatch.setattr(Terms, "may_send", lambda *_: True)

    monkeypatch.setattr(sending, "crashpoint", meanwhile)
    gateway.driver().tick()
    ended = "cancelled" if unwant == "cancel" else "expired"
    assert ends(gateway, made[0]["id"]) == (ended, "0", "0")
    assert made[0]["id"] not in {order.job for order in backend.sent}
    assert len(backend.sent) == (1 if unwant == "cancel" else 0)
    assert is_sound(gateway)


def _in(world, seconds):
    return (world.clock() + timedelta(seconds=seconds)).isoformat()


def test_a4_each_of_a_group_is_looked_at_just_before_its_own_request(gateway):
    backend = gateway.backends["braket"]
    first, second = (gateway.job(device=GARNET)["id"] for _ in range(2))

    def reply(order):
        cancel(gateway, second if order.job == first else first)
        return "remote-9"

    backend.reply = reply
    gateway.driver().tick()
    assert len(backend.sent) == 1
    other = second if backend.sent[0].job == first else first
    assert ends(gateway, other) == ("cancelled", "0", "0")


def test_a4_orders_that_go_in_one_call_are_each_asked_about(gateway, monkeypatch):
    backend = gateway.backends["local"]
    backend.word = QUEUED
    taken = []

    def submit_many(orders):
        taken.extend(orders)
        return [f"run-{order.job}" for order in orders]

    backend.at_once, backend.submit_many = 10, submit_many
    kept, stopped = (gateway.job()["id"] for _ in range(2))
    monkeypatch.setattr(sending, "crashpoint", lambda point: point == "submit.before_send" and cancel(gateway, stopped))
    gateway.driver().tick()
    assert [order.job for order in taken] == [kept]
    assert (gateway.see(kept)["state"], gateway.see(stopped)["state"]) == ("submitted", "cancelled")


def test_a4_if_nobody_can_be_asked_nothing_is_sent_and_no_reply_is_lost(gateway, monkeypatch):
    first, second = (gateway.job(device=GARNET)["id"] for _ in range(2))
    backend, driver = gateway.backends["braket"], gateway.driver()
    backend.word = QUEUED
    asked, disturbed = [], type(_jobs(gateway)).disturbed

    def broken(self, claimed, at):
        asked.append(claimed)
        if len(asked) == 2:
            raise OSError("the database is away")
        return disturbed(self, claimed, at)

    monkeypatch.setattr(type(_jobs(gateway)), "disturbed", broken)
    driver.tick()
    assert len(backend.sent) == 1
    assert sorted(gateway.see(job)["state"] for job in (first, second)) == ["queued", "submitted"]


def _jobs(world):
    with world.store.read() as work:
        return work.jobs


@pytest.mark.parametrize("scope", ["braket", GARNET])
def test_a4_nothing_is_sent_while_its_device_or_backend_is_paused(gateway, vendor, scope):
    waiting = gateway.job(device=GARNET)["id"]
    with gateway.store.write() as work:
        work.catalogue.pause(scope, "broken laser", gateway.clock(), None)
    vendor.reply = None
    gateway.drive(ticks=3, step=30)
    assert gateway.see(waiting)["state"] == "queued"
    assert vendor.sent == []
    with gateway.store.write() as work:
        work.catalogue.resume(scope)
    gateway.drive(ticks=1)
    assert len(vendor.sent) == 1


def test_a4_a_pause_stops_a_resend_too(gateway, vendor):
    job = lost(gateway)
    with gateway.store.write() as work:
        work.catalogue.pause("braket", "broken laser", gateway.clock(), None)
    vendor.reply = None
    gateway.drive(ticks=4, step=60)
    assert (gateway.see(job)["state"], vendor.sent) == ("unknown", [])
    with gateway.store.write() as work:
        work.catalogue.resume("braket")
    vendor.found = None
    gateway.drive(ticks=4, step=60)
    assert gateway.see(job)["state"] == "submitted"


@pytest.mark.parametrize("state", ["queued", "unknown"])
def test_a4_a_job_whose_hold_is_not_whole_is_not_sent(gateway, vendor, state):
    job = lost(gateway) if state == "unknown" else gateway.job(device=GARNET)["id"]
    vendor.reply = None
    with gateway.store.write() as work:
        work.connection.execute(update(tables.jobs).values(held=tables.jobs.c.held - 1))
        held = tables.budgets.c.held
        work.connection.execute(update(tables.budgets).where(held > 0).values(held=held - 1))
    gateway.drive(ticks=40, step=40)
    view = gateway.see(job)
    assert (view["state"], view["error"]["code"], vendor.sent) == ("failed", "hold_lost", [])


def test_a4_a_local_run_that_was_lost_is_not_run_again_for_a_cancelled_job(gateway):
    backend = gateway.backends["local"]
    backend.recovery, backend.reply = Recovery.RERUN, OutcomeUnknown("the host went away")
    job = gateway.job()["id"]
    gateway.drive(ticks=1)
    cancel(gateway, job)
    backend.reply = None
    gateway.drive(ticks=4, step=30)
    assert ends(gateway, job) == ("cancelled", "0", "0")
    assert backend.sent == []


def test_a4_a_busy_vendor_is_not_asked_again_for_a_cancelled_job(gateway):
    backend = gateway.backends["braket"]
    job = gateway.job(device=GARNET)["id"]

    def busy(_):
        cancel(gateway, job)
        raise Busy("slow down", retry_after=5)

    backend.reply = busy
    gateway.drive(ticks=1)
    backend.reply = None
    gateway.drive(ticks=4, step=30)
    assert ends(gateway, job) == ("cancelled", "0", "0")
    assert len(backend.sent) == 1  # the one that was refused as busy


def test_a4_while_the_vendor_does_not_answer_a_cancelled_job_waits(gateway, vendor):
    job = lost(gateway)
    cancel(gateway, job)
    vendor.reply, vendor.found = None, BackendError("503")
    gateway.drive(ticks=40, step=60)
    assert (gateway.see(job)["state"], vendor.sent) == ("unknown", [])
