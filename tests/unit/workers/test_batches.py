"""Does one spoiled row stop anybody? Each batch on a job's way, with one bad member and one good, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from backends.base import Phase, Snapshot
from backends.errors import BackendError, OutcomeUnknown, UnknownJob
from broker.domain.ids import TOKEN_PREFIX
from broker.domain.price import Usage
from broker.services.invariants import verify
from broker.store import tables
from broker.store.archive import Archive
from tests.support.gateway import BELL
from tests.support.scripted import DONE, QUEUED, outcome
from workers.sweep import sweep

GARNET = "braket/garnet"


def two(world, **fields):
    jobs = [world.job("ada", device=GARNET, **fields)["id"] for _ in range(2)]
    world.clock.forward(0.01)
    return jobs


def sent(world):
    """Both at the vendor; the ids of the one that will go wrong and of the other."""
    bad, good = two(world)
    world.backends["braket"].word = QUEUED
    world.drive(ticks=1)
    return bad, good, world.see(bad)["attempt"]["remote_id"]


def counts(world):
    with world.store.read() as work:
        return work.spoiled.counts()


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d", "\udc00", "x" * 70_000])
def test_a5_a_failure_text_that_no_database_takes_ends_its_job_and_no_other_waits(both, text):
    bad, good, remote = sent(both)
    failed = Snapshot(phase=Phase.FAILED, word=text, message=text)
    both.backends["braket"].poll = lambda ids: {each: failed if each == remote else DONE for each in ids}
    both.drive(ticks=2, step=40)
    assert (both.see(bad)["state"], both.see(good)["state"]) == ("failed", "succeeded")
    assert both.see(bad)["error"]["code"] == "run_failed"


@pytest.mark.parametrize("figure", [2**40, 2**70])
def test_a5_a_number_that_no_column_takes_stops_no_other(both, figure):
    bad, good, remote = sent(both)
    odd = Snapshot(phase=Phase.FAILED, word="FAILED", message="no", queue_position=figure, usage=Usage(run_ms=figure))
    both.backends["braket"].poll = lambda ids: {each: odd if each == remote else DONE for each in ids}
    both.drive(ticks=2, step=40)
    assert (both.see(bad)["state"], both.see(good)["state"]) == ("failed", "succeeded")


def test_a5_what_the_database_refuses_is_put_off_with_a_code_and_the_rest_is_written(both):
    """A hold that was spoiled by hand: giving it back would make its budgets negative."""
    bad, good, remote = sent(both)
    with both.store.write() as work:
        work.connection.execute(update(tables.jobs).where(tables.jobs.c.id == bad).values(held=tables.jobs.c.held * 99))
    both.backends["braket"].word = DONE
    both.drive(ticks=2, step=40)
    view = both.see(bad)
    assert both.see(good)["state"] == "succeeded"
    assert view["state"] == "submitted"
    assert counts(both) == {"settle": 1}
    with both.store.read() as work:
        row = work.connection.execute(select(tables.jobs).where(tables.jobs.c.id == bad)).one()
    assert (row.error_code, row.remote_id, row.lease_owner) == ("unstorable", remote, None)


def test_a7_a_result_that_cannot_be_stored_costs_its_member_nothing_and_is_booked(both, monkeypatch):
    bad, good, _ = sent(both)
    keep = Archive.keep_results

    def keeps(self, results, at):
        if any(job == bad for job, *_ in results):
            raise ValueError("larger than any field")
        keep(self, results, at)

    monkeypatch.setattr(Archive, "keep_results", keeps)
    both.backends["braket"].word = DONE
    both.drive(ticks=2, step=40)
    view = both.see(bad)
    assert (view["state"], view["error"]["code"], view["cost"]["charged"]) == ("failed", "unstorable", "0")
    assert both.see(good)["state"] == "succeeded"
    with both.store.read() as work:
        lost = work.ledger.balances()["platform:loss", "KRW"]
    assert str(lost // 1_000_000) == both.see(good)["cost"]["charged"].partition(".")[0]
    assert [found for found in verify(both.store, both.clock()) if not found.holds] == []


@pytest.mark.parametrize("surprise", [KeyError("status"), ValueError("malformed"), UnknownJob("which?")])
def test_a5_an_answer_that_the_adapter_stumbles_over_hides_no_other(both, surprise):
    bad, good, remote = sent(both)

    def poll(ids):
        if remote in ids:
            raise surprise
        return dict.fromkeys(ids, DONE)

    both.backends["braket"].poll = poll
    both.drive(ticks=2, step=40)
    assert (both.see(bad)["state"], both.see(good)["state"]) == ("submitted", "succeeded")


def test_a5_a_result_that_cannot_be_judged_hides_no_other(both):
    bad, good, remote = sent(both)
    both.backends["braket"].word = DONE
    both.backends["braket"].fetch = lambda each: replace(outcome(), points=None) if each == remote else outcome()
    both.drive(ticks=2, step=40)
    assert (both.see(bad)["state"], both.see(good)["state"]) == ("submitted", "succeeded")
    assert counts(both)["look"] >= 1


def test_a5_a_wholesale_fetch_that_breaks_gives_the_others_their_results(both):
    bad, good, remote = sent(both)
    backend = both.backends["braket"]
    backend.word = DONE

    def fetch_many(ids):
        if remote in ids:
            raise KeyError("counts")
        return [outcome() for _ in ids]

    backend.fetch_many = fetch_many
    both.drive(ticks=2, step=40)
    assert (both.see(bad)["state"], both.see(good)["state"]) == ("fetching", "succeeded")


def test_a5_a_price_that_is_not_stored_hides_no_other(both):
    bad, good, _ = sent(both)
    with both.store.write() as work:
        work.connection.execute(update(tables.jobs).where(tables.jobs.c.id == bad).values(price_id="gone"))
    both.backends["braket"].word = DONE
    both.drive(ticks=2, step=40)
    assert (both.see(bad)["state"], both.see(good)["state"]) == ("submitted", "succeeded")


def test_a5_an_order_that_cannot_be_made_ends_after_three_tries_and_the_others_are_sent(both):
    bad = both.job("ada", device=GARNET, program={"format": "openqasm2", "source": BELL + "// another\n"})["id"]
    good = both.job("ada", device=GARNET)["id"]
    with both.store.write() as work:
        program = work.jobs.get(bad).program
        odd = update(tables.programs).where(tables.programs.c.sha256 == program)
        work.connection.execute(odd.values(requirement='{"format": "runes"}'))
    both.drive(ticks=2)
    assert both.see(good)["state"] == "succeeded"
    both.drive(ticks=40, step=60)
    with both.store.read() as work:
        job = work.jobs.get(bad)
        assert (job.state.value, job.error_code, job.attempt, job.held.micros) == ("failed", "order_unreadable", 3, 0)
    assert [order.job for order in both.backends["braket"].sent] == [good]


def test_a5_an_id_that_cannot_be_kept_is_a_doubt_and_the_others_are_recorded(both):
    bad, good = two(both)
    both.backends["braket"].word = QUEUED
    both.backends["braket"].reply = lambda order: "x" * 300 if order.job == bad else "fine"
    both.drive(ticks=1)
    assert (both.see(bad)["state"], both.see(good)["state"]) == ("unknown", "submitted")


def test_a5_a_doubt_that_cannot_be_settled_stops_no_other(both):
    backend = both.backends["braket"]
    bad, good = two(both)
    backend.reply = OutcomeUnknown("reset")
    both.drive(ticks=1)
    with both.store.write() as work:
        work.connection.execute(update(tables.jobs).where(tables.jobs.c.id == bad).values(program="gone"))
    backend.reply, backend.word = None, QUEUED
    both.drive(ticks=2, step=60)
    with both.store.read() as work:
        assert work.jobs.get(bad).state.value == "unknown"
    assert both.see(good)["state"] == "submitted"
    assert [job["id"] for job in both.call("ada", "GET", "/v1/jobs").json()["jobs"]] == [good]
    assert counts(both)["reconcile"] >= 1


def test_a5_one_backend_that_breaks_keeps_no_other_from_its_turn(both):
    near = both.job("ada")["id"]
    far = both.job("ada", device=GARNET)["id"]
    both.backends["braket"].recovery = None  # what compares it with a class of its own finds nothing
    both.backends["braket"].poll_floor_s = "soon"
    both.drive(ticks=3)
    assert both.see(near)["state"] == "succeeded"
    assert both.see(far)["state"] == "submitting"


def test_a5_a_claim_that_cannot_be_written_takes_the_others(both):
    """The end of a cancelled job whose hold was spoiled: its budgets would become negative."""
    bad = both.job("ada", device=GARNET)["id"]
    good = both.job("ada", device=GARNET)["id"]
    with both.store.write() as work:
        spoil = update(tables.jobs).where(tables.jobs.c.id == bad)
        work.connection.execute(spoil.values(held=tables.jobs.c.held * 99, cancel_requested=True))
    both.drive(ticks=2)
    assert both.see(good)["state"] == "succeeded"
    assert both.see(bad)["state"] == "queued"
    assert counts(both) == {"claim": 1}


@pytest.mark.parametrize("error", [BackendError("no"), KeyError("bug")])
def test_a5_one_orphan_that_cannot_be_stopped_leaves_none_running(both, error):
    backend = both.backends["braket"]
    backend.found, backend.word = ["bad", "good"], QUEUED
    stopped = []

    def cancel(remote):
        if remote == "bad":
            raise error
        stopped.append(remote)

    def poll(ids):
        if "bad" in ids:
            raise error
        return dict.fromkeys(ids, QUEUED)

    backend.cancel, backend.poll = cancel, poll
    backend.find = lambda token: ["bad", "good"] if token == TOKEN_PREFIX else []
    assert sweep(both.store, backend, both.clock()) == 2
    assert stopped == ["good"]
