"""Who pays for a run that the vendor bills and of which nobody ever sees the result?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from backends.base import Phase, Snapshot
from backends.errors import BackendError, UnknownJob
from broker.domain.price import Usage
from broker.domain.recovery import Recovery
from broker.services.invariants import verify
from broker.store import tables
from tests.support.scripted import DONE, QUEUED, RUNNING

KRW = 1_000_000
GARNET = "braket/garnet"
GONE = Snapshot(phase=Phase.LOST, word="404")
SAID = Usage(tasks=1, shots=40)
DAY = 86_400


def run(world, *, ticks=3, step=2.0):
    job = world.job(device=GARNET)["id"]
    world.drive(ticks=ticks, step=step)
    return job


def balance(world, account, currency):
    with world.store.read() as work:
        return work.ledger.balances().get((account, currency), 0)


def lost(world, *, won, usd):
    """The platform has lost so much, and the vendor is owed it."""
    assert balance(world, "platform:loss", "KRW") == won * KRW
    assert balance(world, "vendor:braket:payable", "USD") == round(-usd * 1_000_000)
    assert [found for found in verify(world.store, world.clock()) if not found.holds] == []
    assert set(world.budgets()["project:physics"][:2]) == {0}
    return True


def fails_for_nothing(world, job, code):
    view = world.see(job)
    assert (view["state"], view["error"]["code"]) == ("failed", code)
    assert (view["cost"]["charged"], view["cost"]["held"]) == ("0", "0")
    assert "you pay nothing" in view["error"]["message"]
    return True


def test_a7_a_result_that_the_vendor_lost_costs_the_platform_the_worst_case(both):
    both.backends["braket"].result = UnknownJob("purged")
    job = run(both)
    assert fails_for_nothing(both, job, "result_lost")
    assert lost(both, won=560, usd=0.4)


def test_a7_if_the_vendor_says_what_it_bills_that_is_booked(both):
    backend = both.backends["braket"]
    backend.word, backend.result = replace(DONE, usage=SAID), UnknownJob("purged")
    job = run(both)
    assert fails_for_nothing(both, job, "result_lost")
    assert lost(both, won=476, usd=0.34)
    with both.store.read() as work:
        assert work.attempts.latest([job])[job].usage == SAID


def test_a7_a_result_that_stays_unreadable_is_given_up_after_a_week_and_booked(both):
    both.backends["braket"].result = BackendError("garbled")
    job = run(both)
    both.drive(ticks=6, step=DAY)
    assert both.see(job)["state"] == "fetching"
    both.drive(ticks=3, step=DAY)
    assert fails_for_nothing(both, job, "result_lost")
    assert lost(both, won=560, usd=0.4)


def test_a7_the_week_begins_when_the_run_has_ended(both):
    """It had waited in the vendor's queue for longer."""
    backend = both.backends["braket"]
    backend.word = QUEUED
    job = run(both)
    both.clock.forward(9 * DAY)
    backend.word, backend.result = DONE, BackendError("not yet")
    both.drive(ticks=2)
    assert both.see(job)["state"] == "fetching"
    backend.result = None
    both.clock.forward(DAY)
    both.drive(ticks=2)
    assert both.see(job)["state"] == "succeeded"


@pytest.mark.parametrize("word", [RUNNING, DONE])
def test_a7_a_job_that_the_vendor_forgets_after_it_ran_is_booked(both, word):
    backend = both.backends["braket"]
    backend.word, backend.result = word, BackendError("not yet")
    job = run(both)
    assert both.see(job)["state"] in {"running", "fetching"}
    backend.word = GONE
    both.drive(ticks=2, step=700)
    assert fails_for_nothing(both, job, "lost_at_vendor")
    assert lost(both, won=560, usd=0.4)


def test_a7_a_job_that_the_vendor_forgets_in_its_queue_costs_nobody_anything(both):
    backend = both.backends["braket"]
    backend.word = QUEUED
    job = run(both)
    backend.word = GONE
    both.drive(ticks=2, step=700)
    assert both.see(job)["error"]["code"] == "lost_at_vendor"
    assert lost(both, won=0, usd=0)


def test_a7_a_local_run_that_was_lost_owes_nobody_anything(both):
    backend = both.backends["local"]
    backend.recovery, backend.word = Recovery.RERUN, GONE
    job = both.job()["id"]
    both.drive(ticks=2)
    backend.word = DONE
    both.drive(ticks=3)
    assert both.see(job)["state"] == "succeeded"
    assert balance(both, "platform:loss", "KRW") == 0
    assert [found for found in verify(both.store, both.clock()) if not found.holds] == []


def test_a7_a_local_result_that_stays_unreadable_owes_nobody_anything(both):
    backend = both.backends["local"]
    backend.recovery, backend.word = Recovery.RERUN, replace(DONE, usage=SAID)
    backend.result = BackendError("garbled")
    job = both.job()["id"]
    both.drive(ticks=10, step=DAY)
    assert both.see(job)["error"]["code"] == "result_lost"
    assert balance(both, "platform:loss", "KRW") == 0
    assert [found for found in verify(both.store, both.clock()) if not found.holds] == []


@pytest.mark.parametrize("phase", [Phase.CANCELLED, Phase.FAILED])
def test_a7_what_a_finished_run_cost_is_booked_though_it_ends_otherwise(both, phase):
    """The vendor said DONE and what it bills, then another word without one."""
    backend = both.backends["braket"]
    backend.word, backend.result = replace(DONE, usage=SAID), BackendError("not yet")
    job = run(both)
    backend.word = Snapshot(phase=phase, word=phase.value.upper())
    both.drive(ticks=2, step=700)
    assert both.see(job)["cost"]["charged"] == "476"
    assert [found for found in verify(both.store, both.clock()) if not found.holds] == []


def booked(world, job):
    """As the release before this one left it: nothing is booked for the run."""
    with world.store.write() as work:
        mine = tables.entries.c.job_id == job
        work.connection.execute(tables.entries.delete().where(mine, tables.entries.c.kind.in_(["settle", "loss"])))
        work.connection.execute(tables.charges.delete().where(tables.charges.c.job_id == job))


@pytest.mark.parametrize("usage", [None, SAID])
@pytest.mark.parametrize("how", ["result_lost", "lost_at_vendor"])
def test_a7_invariant_13_finds_a_lost_run_that_nobody_booked(both, usage, how):
    backend = both.backends["braket"]
    backend.word = replace(DONE, usage=usage)
    backend.result = UnknownJob("purged") if how == "result_lost" else BackendError("not yet")
    job = run(both)
    backend.word = GONE
    both.drive(ticks=2, step=700)
    booked(both, job)
    [found] = [found for found in verify(both.store, both.clock()) if not found.holds]
    assert (found.invariant, found.sample) == ("13", (job,))


@pytest.mark.parametrize("phase", [Phase.CANCELLED, Phase.FAILED])
def test_a7_invariant_13_finds_a_billed_end_that_nobody_booked(both, phase):
    both.backends["braket"].word = Snapshot(phase=phase, word=phase.value.upper(), usage=SAID)
    job = run(both)
    booked(both, job)
    with both.store.write() as work:
        work.connection.execute(update(tables.jobs).where(tables.jobs.c.id == job).values(charged=0))
        work.connection.execute(update(tables.budgets).values(spent=0))
    found = {found.invariant: found for found in verify(both.store, both.clock()) if not found.holds}
    assert found["13"].sample == (job,)


def test_a7_invariant_13_finds_a_usage_that_was_booked_too_low(both):
    job = run(both)
    with both.store.write() as work:
        work.connection.execute(update(tables.attempts).values(usage='{"tasks":2,"shots":100,"run_ms":1000}'))
    found = {found.invariant: found for found in verify(both.store, both.clock()) if not found.holds}
    assert found["13"].sample == (job,)


def test_a7_what_was_consumed_is_kept_with_the_attempt(both):
    job = run(both)
    with both.store.read() as work:
        text = work.connection.execute(select(tables.attempts.c.usage)).scalar_one()
        assert work.attempts.latest([job])[job].usage == Usage(tasks=1, shots=100, run_ms=1000)
    assert text == '{"tasks":1,"shots":100,"run_ms":1000}'
