"""Is every repetition bounded? Creates, runs, events and doubts of jobs whose vendor never does what it should."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from backends.base import Phase, Snapshot
from backends.errors import BackendError, Busy, NotTried, OutcomeUnknown, Refused, Unauthorized
from broker.domain.recovery import Recovery
from broker.services.apply import KEPT_RETURNS
from broker.services.invariants import verify
from broker.services.worn import MOST_LOST
from broker.store import tables
from tests.support.scripted import DONE, QUEUED

GARNET = "braket/garnet"


def rows(world, table, job):
    with world.store.read() as work:
        return work.connection.execute(select(func.count()).where(table.c.job_id == job)).scalar_one()


def asked(backend):
    """Every create request, whatever became of it."""
    calls, submit = [], backend.submit

    def counted(order):
        calls.append(order)
        return submit(order)

    backend.submit = counted
    return calls


def drive(world, *, minutes, step):
    driver = world.driver()
    for _ in range(int(minutes * 60 / step)):
        driver.tick()
        world.clock.forward(step)


def free_of_breakers(world):
    """So that the job's own back-off is what is seen."""
    with world.store.write() as work:
        work.connection.execute(tables.breakers.delete())


def test_a6_a_vendor_that_asks_for_no_patience_gets_it(both):
    backend = both.backends["braket"]
    calls = asked(backend)
    backend.reply = Busy("at once", retry_after=0)
    both.job("ada", device=GARNET)
    drive(both, minutes=1 / 3, step=0.05)
    assert len(calls) <= 6


@pytest.mark.parametrize("asked_s", [float("nan"), float("inf"), 1e300, -3])
def test_a6_an_absurd_wish_parks_nobody(gateway, asked_s):
    gateway.backends["braket"].reply = Busy("?", retry_after=asked_s)
    job = gateway.job("ada", device=GARNET)["id"]
    gateway.drive(ticks=1)
    assert gateway.see(job)["state"] == "queued"
    gateway.backends["braket"].reply = None
    gateway.drive(ticks=8, step=1000)
    assert gateway.see(job)["state"] == "succeeded"


def test_a6_a_look_that_is_refused_for_being_busy_is_not_made_every_moment(gateway):
    backend = gateway.backends["braket"]
    backend.word = QUEUED
    gateway.job("ada", device=GARNET)
    gateway.drive(ticks=1)
    looks = []

    def poll(ids):
        looks.append(ids)
        raise Busy("at once", retry_after=0)

    backend.poll = poll
    drive(gateway, minutes=5, step=0.5)
    assert len(looks) < 60


def test_a6_a_run_that_is_always_lost_ends_with_a_code_and_its_hold_goes_back(both):
    backend = both.backends["local"]
    backend.recovery, backend.word = Recovery.RERUN, Snapshot(phase=Phase.LOST, word="gone")
    job = both.job("ada")["id"]
    drive(both, minutes=20, step=5)
    view = both.see(job)
    assert (view["state"], view["error"]["code"]) == ("failed", "too_many_attempts")
    assert len(backend.sent) == MOST_LOST
    assert view["cost"]["held"] == "0"
    assert both.sums() == {0}


def test_a6_a_thousand_tries_leave_a_bounded_number_of_rows(both):
    """And a chain of moves that holds, a reader that misses nothing, and a job that ends in the end."""
    backend = both.backends["braket"]
    backend.reply = Busy("closed")
    job = both.job("ada", device=GARNET)["id"]
    driver, seen, cursor = both.driver(), [], 0
    for _ in range(120):
        both.clock.forward(6000)
        free_of_breakers(both)
        driver.tick()
        with both.store.read() as work:
            new = work.events.after(cursor, 100, job=job)
        cursor, seen = (new[-1].seq if new else cursor), [*seen, *new]
    assert rows(both, tables.events, job) <= 2 * KEPT_RETURNS + 4
    assert rows(both, tables.attempts, job) <= KEPT_RETURNS + 1
    assert len(seen) == 2 + 2 * 120
    assert all(one.after == two.before for one, two in pairwise(seen))
    backend.reply, backend.word = None, DONE
    both.clock.forward(6000)
    free_of_breakers(both)
    both.drive(ticks=3)
    assert both.see(job)["state"] == "succeeded"
    assert [found for found in verify(both.store, both.clock()) if not found.holds] == []


@pytest.mark.parametrize("reply", [OutcomeUnknown("503"), BackendError("?"), Busy("closed", retry_after=0)])
def test_a6_a_vendor_that_fails_is_left_alone_and_its_jobs_stay_queued(both, reply):
    backend = both.backends["braket"]
    backend.recovery = Recovery.BLIND
    calls = asked(backend)
    backend.reply = reply
    jobs = [both.job("ada", device=GARNET)["id"] for _ in range(12)]
    drive(both, minutes=2, step=1)
    states = [both.see(job)["state"] for job in jobs]
    assert len(calls) <= 6
    assert states.count("attention") <= 5
    assert states.count("queued") >= 7
    assert both.call("ada", "POST", f"/v1/jobs/{jobs[-1]}/cancel").status_code in (200, 202)


def test_a6_everybody_sees_that_a_device_is_left_alone(both):
    both.backends["braket"].reply = Busy("closed", retry_after=0)
    for _ in range(3):
        both.job("ada", device=GARNET)
    drive(both, minutes=1 / 3, step=1)
    devices = {each["name"]: each for each in both.call("ada", "GET", "/v1/devices").json()["devices"]}
    assert "failures in a row" in devices[GARNET]["notes"]
    assert devices[GARNET]["available_now"] is False
    assert devices["pasqal/gates"]["available_now"] is True


def test_a6_one_probe_tells_that_the_vendor_works_again(both):
    backend = both.backends["braket"]
    backend.reply = Busy("closed", retry_after=0)
    jobs = [both.job("ada", device=GARNET)["id"] for _ in range(6)]
    drive(both, minutes=2, step=1)
    backend.reply, backend.word = None, DONE
    drive(both, minutes=10, step=5)
    assert {both.see(job)["state"] for job in jobs} == {"succeeded"}
    with both.store.read() as work:
        assert work.breakers.all() == {}


def test_a6_an_outage_of_one_device_leaves_the_others_alone(both):
    both.backends["braket"].reply = OutcomeUnknown("503")
    for _ in range(6):
        both.job("ada", device=GARNET)
    near = both.job("ada")["id"]
    drive(both, minutes=1, step=2)
    assert both.see(near)["state"] == "succeeded"
    with both.store.read() as work:
        assert set(work.breakers.all()) == {GARNET, "braket"}


def test_a6_what_we_did_not_send_is_no_failure_of_the_vendor(both):
    driver = both.driver()
    for _ in range(4):
        both.job("ada", device=GARNET)
    driver._terms = replace(driver._terms, lease=driver._terms.send_timeout)
    for _ in range(10):
        driver.tick()
        both.clock.forward(60)
    with both.store.read() as work:
        assert work.breakers.all() == {}


def test_a6_a_key_that_is_refused_again_and_again_opens_the_breaker(both):
    both.backends["braket"].reply = Unauthorized("bad key")
    calls = asked(both.backends["braket"])
    for _ in range(6):
        both.job("ada", device=GARNET)
    drive(both, minutes=30, step=10)
    assert len(calls) <= 12


def test_a6_jobs_in_doubt_keep_their_places(both):
    """30 of 30 jobs came into attention because each made room for the next."""
    backend = both.backends["braket"]
    backend.recovery = Recovery.BLIND
    backend.reply = OutcomeUnknown("503")
    for _ in range(8):
        both.job("ada", device=GARNET)
    driver = both.driver()
    for _ in range(60):
        free_of_breakers(both)
        driver.tick()
        both.clock.forward(30)
    states = [job["state"] for job in both.call("ada", "GET", "/v1/jobs").json()["jobs"]]
    assert states.count("attention") == 2  # the device's room


def test_a6_a_result_that_cannot_be_read_keeps_its_place_for_a_while_only(both):
    """It is asked for during a week; its device must not stand still as long, nor be sent everything meanwhile."""
    backend = both.backends["braket"]
    backend.result = BackendError("garbled")
    for _ in range(5):
        both.job("ada", device=GARNET)
    drive(both, minutes=9, step=10)
    assert len(backend.sent) == 2  # the device's room
    drive(both, minutes=4, step=10)
    assert len(backend.sent) == 4


def test_a6_runs_that_the_host_never_took_do_not_use_up_their_tries_within_half_a_minute(both):
    """A host that fails for a moment must not end everybody's jobs: six doubts came in eighteen seconds."""
    backend = both.backends["local"]
    backend.recovery, backend.reply = Recovery.RERUN, OutcomeUnknown("the local host failed")
    job = both.job("ada")["id"]
    drive(both, minutes=0.4, step=1)
    assert both.see(job)["state"] in ("queued", "unknown")
    backend.reply = None
    drive(both, minutes=2, step=5)
    assert both.see(job)["state"] == "succeeded"


def test_a6_programs_that_take_us_too_long_close_no_device_to_the_others(both):
    both.backends["braket"].reply = NotTried("preparing the sequence took too long; nothing was sent")
    for _ in range(8):
        both.job("ada", device=GARNET)
    drive(both, minutes=1, step=5)
    with both.store.read() as work:
        assert work.breakers.all() == {}


def test_a6_programs_that_we_refuse_ourselves_do_not_open_a_device_that_is_down(both):
    backend = both.backends["braket"]
    backend.reply = Busy("closed")
    for _ in range(3):
        both.job("ada", device=GARNET)
    drive(both, minutes=0.4, step=2)
    with both.store.read() as work:
        before = work.breakers.all()[GARNET]
    assert before.open_until is not None
    backend.reply = Refused("no translation", code="program_invalid")
    backend.reply.asked = False
    bad = both.job("ada", device=GARNET)["id"]
    drive(both, minutes=2, step=5)
    assert both.see(bad)["state"] == "failed"
    with both.store.read() as work:
        after = work.breakers.all()[GARNET]
    assert (after.failures, after.trips, after.probing) == (before.failures, before.trips, False)
    assert after.room(5, both.clock()) == 1  # the probe was given back: the next may ask at once
