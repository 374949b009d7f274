"""What becomes of a vendor's job that nobody answers for?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from backends.base import Phase, Snapshot
from backends.errors import BackendError, Busy, OutcomeUnknown, UnknownJob
from broker.domain.price import Usage
from broker.domain.recovery import Recovery
from broker.services.invariants import verify
from tests.support.scripted import DONE, QUEUED, RUNNING, outcome
from workers.sweep import sweep

GARNET = "braket/garnet"
STOPPED = Snapshot(phase=Phase.CANCELLED, word="CANCELLED", usage=Usage(tasks=1))


@pytest.fixture
def vendor(both):
    """A tag vendor's request landed after its attempt had been given up: ``stray`` bears that attempt's token."""
    backend = both.backends["braket"]
    backend.recovery, backend.reply, backend.found = Recovery.TAG, OutcomeUnknown("reset"), []
    job = both.job(device=GARNET)["id"]
    both.drive(ticks=4, step=400)
    backend.reply, backend.found, backend.word = None, None, QUEUED
    both.drive(ticks=2)
    with both.store.read() as work:
        [given_up, _] = work.attempts.of(job)
    both.stray = given_up.token
    mine = backend.find

    def find(token):
        return [*mine(token), *(["stray"] if both.stray.startswith(token) else [])]

    backend.find = find
    return backend


def loss(world):
    with world.store.read() as work:
        found = {account: micros for (account, _), micros in work.ledger.balances().items() if micros}
    return found.get("platform:loss", 0), found.get("vendor:braket:payable", 0)


def swept(world, vendor):
    return sweep(world.store, vendor, world.clock())


def test_an_orphan_is_stopped_and_its_cost_is_the_platforms(both, vendor):
    vendor.word = STOPPED
    assert swept(both, vendor) == 0
    assert vendor.cancelled == ["stray"]
    assert loss(both) == (300_000, -300_000)
    assert both.sums() == {0}
    assert {found.invariant: found.violations for found in verify(both.store, both.clock())}["13"] == 0


def test_it_is_booked_once(both, vendor):
    vendor.word = STOPPED
    for _ in range(3):
        swept(both, vendor)
    assert loss(both) == (300_000, -300_000)
    assert vendor.cancelled == ["stray"]


@pytest.mark.parametrize("word", [QUEUED, RUNNING])
def test_one_that_does_not_stop_is_asked_again_and_booked_when_it_ends(both, vendor, word):
    vendor.word = word
    assert swept(both, vendor) == 1
    assert loss(both) == (0, 0)
    vendor.word, vendor.result = DONE, outcome(shots=100)
    assert swept(both, vendor) == 0
    assert vendor.cancelled == ["stray", "stray"]
    assert loss(both) == (400_000, -400_000)


def test_one_that_was_stopped_before_it_ran_costs_nothing(both, vendor):
    vendor.word = Snapshot(phase=Phase.CANCELLED, word="CANCELLED")
    assert swept(both, vendor) == 0
    assert loss(both) == (0, 0)


def test_one_whose_attempt_nobody_remembers_stays_noted(both, vendor):
    both.stray, vendor.word = "qsub-of-a-lost-database", STOPPED
    assert swept(both, vendor) == 1
    assert vendor.cancelled == ["stray"]
    assert loss(both) == (0, 0)


def test_one_whose_cost_cannot_be_seen_yet_is_asked_again(both, vendor):
    vendor.word, vendor.result = DONE, BackendError("no result yet")
    assert swept(both, vendor) == 1
    vendor.result = outcome(shots=100)
    assert swept(both, vendor) == 0
    assert loss(both) == (400_000, -400_000)


def test_a_jobs_own_task_is_no_orphan(both, vendor):
    both.stray = "no-token-of-ours"
    assert swept(both, vendor) == 0
    assert vendor.cancelled == []


GONE = Snapshot(phase=Phase.LOST, word="404")


@pytest.mark.parametrize("lost", ["result", "job"])
def test_a7_one_of_which_the_vendor_says_nothing_any_more_costs_its_worst_case(both, vendor, lost):
    vendor.word, vendor.result = RUNNING, UnknownJob("purged")
    assert swept(both, vendor) == 1
    vendor.word = DONE if lost == "result" else GONE
    assert swept(both, vendor) == 0
    assert loss(both) == (400_000, -400_000)
    assert both.sums() == {0}
    assert {found.invariant: found.violations for found in verify(both.store, both.clock())}["13"] == 0


def test_a7_what_the_vendor_says_that_it_bills_is_booked_without_its_result(both, vendor):
    vendor.word, vendor.result = replace(DONE, usage=Usage(tasks=1, shots=40)), BackendError("too big")
    assert swept(both, vendor) == 0
    assert loss(both) == (340_000, -340_000)


def test_a7_what_stands_in_the_result_alone_is_booked(both, vendor):
    """The status of a simulator's task says the least that is billed; what it ran for is in the result."""
    vendor.word, vendor.result = replace(DONE, usage=Usage(tasks=1, shots=40)), Busy("not now")
    assert swept(both, vendor) == 1
    vendor.result = outcome(shots=70)
    assert swept(both, vendor) == 0
    assert loss(both) == (370_000, -370_000)


def test_a7_a_lost_orphan_whose_worst_case_nobody_knows_stays_noted_and_stops_no_other(both, vendor):
    """Two landed under one token; one of them is written on the attempt, of the other only the device is known."""
    find, attempt = vendor.find, both.stray
    vendor.find = lambda token: [*find(token), *(["twin"] if attempt.startswith(token) else [])]
    vendor.word = RUNNING
    assert swept(both, vendor) == 2
    vendor.word = GONE
    assert swept(both, vendor) == 1
    assert loss(both) == (400_000, -400_000)


def test_a7_one_whose_result_stays_unreadable_for_a_week_costs_its_worst_case(both, vendor):
    vendor.word, vendor.result = DONE, BackendError("garbled")
    assert swept(both, vendor) == 1
    both.clock.forward(6 * 86_400)
    assert swept(both, vendor) == 1
    both.clock.forward(2 * 86_400)
    assert swept(both, vendor) == 0
    assert loss(both) == (400_000, -400_000)


def test_a7_a_lost_local_orphan_costs_nothing(both, vendor):
    vendor.word = RUNNING
    assert swept(both, vendor) == 1
    vendor.recovery, vendor.word = Recovery.RERUN, GONE
    assert swept(both, vendor) == 0
    assert loss(both) == (0, 0)
