"""Who takes a job that its device has refused, and for how much money at most?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from backends.errors import OutcomeUnknown, Refused
from broker.services.seed import seed_id
from broker.store import tables
from tests.support.gateway import NOW
from tests.support.routing_world import price
from tests.support.scripted import QUEUED

KRW = 1_000_000
FIRST, SECOND, FREE = "braket/garnet", "pasqal/gates", "local/aer"


@pytest.fixture
def rivals(both):
    """Two QPUs; the first is the cheaper and refuses."""
    with both.store.write() as work:
        line = {"id": "second", "hub_id": seed_id("hub", "daejeon"), "pattern": SECOND, "source": "test"}
        work.people.put(tables.agreements, line)
        work.catalogue.put_prices([replace(price(SECOND, "USD", task="1.0"), as_of=NOW, id="second")], "operator")
    both.clock.forward(10)
    both.backends["braket"].reply = Refused("the device was retired", code="device_retired")
    both.backends["pasqal"].word = QUEUED
    return both


def ask(world, **fields):
    return world.job(
        **(
            {"device": None, "kind": "qpu", "prefer": "cheapest", "max_cost": {"amount": "5000", "currency": "KRW"}}
            | fields
        )
    )["id"]


def decision(world, job):
    return world.call("ada", "GET", f"/v1/jobs/{job}/decision").json()


def held(world):
    return {name: row[0] for name, row in world.budgets().items() if row[0]}


def test_the_next_offer_takes_it_and_the_hold_is_exchanged(rivals):
    job = ask(rivals)
    assert held(rivals)["project:physics"] == 560 * KRW
    rivals.drive(ticks=3)
    view = rivals.see(job)
    assert (view["device"], view["state"]) == (SECOND, "submitted")
    assert (view["cost"]["quoted"], view["cost"]["held"]) == ("1400", "1400")
    assert set(held(rivals).values()) == {1400 * KRW}
    assert rivals.sums() == {0}
    assert [len(rivals.backends[name].sent) for name in ("braket", "pasqal")] == [0, 1]


def test_the_timeline_and_the_decision_tell_why(rivals):
    job = ask(rivals)
    rivals.drive(ticks=3)
    moves = [(move["state"], move["reason"]) for move in rivals.see(job)["timeline"]]
    assert (
        "queued",
        "braket/garnet refused it (the device was retired); next is pasqal/gates",
    ) in moves
    found = decision(rivals, job)
    assert found["choice"] == SECOND
    [refusal] = [each for each in found["refusals"] if each["device"] == FIRST]
    assert (refusal["rule"], refusal["reason"]) == ("refused", "has refused this job: the device was retired")


def test_both_attempts_are_kept(rivals):
    job = ask(rivals)
    rivals.drive(ticks=3)
    with rivals.store.read() as work:
        assert [(a.device, a.end) for a in work.attempts.of(job)] == [(FIRST, "refused"), (SECOND, None)]


def test_without_a_maximum_nothing_dearer_than_the_quote_is_taken(rivals):
    job = ask(rivals, max_cost=None)
    rivals.drive(ticks=3)
    view = rivals.see(job)
    assert (view["state"], view["error"]["code"]) == ("failed", "device_retired")
    assert held(rivals) == {}


def test_a_named_device_has_no_second(rivals):
    job = ask(rivals, device=FIRST, kind=None, prefer=None)
    rivals.drive(ticks=3)
    assert rivals.see(job)["state"] == "failed"
    assert rivals.backends["pasqal"].sent == []


def test_a_budget_that_has_too_little_left_lets_the_job_fail(rivals):
    job = ask(rivals)
    with rivals.store.write() as work:
        mine = update(tables.budgets).where(tables.budgets.c.owner == "project:physics")
        work.connection.execute(mine.values(limit_micros=1000 * KRW))
    rivals.drive(ticks=3)
    view = rivals.see(job)
    assert (view["state"], view["error"]["message"]) == ("failed", "the device was retired")
    assert held(rivals) == {}
    assert rivals.sums() == {0}


def test_after_the_last_offer_the_job_fails_with_the_last_words(rivals):
    rivals.backends["pasqal"].reply = Refused("no such gate", code="program_invalid")
    job = ask(rivals)
    rivals.drive(ticks=5)
    view = rivals.see(job)
    assert (view["state"], view["error"]["code"], view["error"]["message"]) == (
        "failed", "program_invalid", "no such gate",
    )  # fmt: skip
    assert held(rivals) == {}


def test_three_refusals_are_enough(rivals):
    for name in ("pasqal", "local"):
        rivals.backends[name].reply = Refused("no")
    job = ask(rivals, kind=None, prefer="best")
    rivals.drive(ticks=9)
    with rivals.store.read() as work:
        tried = work.attempts.of(job)
    assert rivals.see(job)["state"] == "failed"
    assert len({attempt.device for attempt in tried}) == len(tried) == 3


def test_a_refusal_after_a_doubt_moves_on_too(rivals):
    braket = rivals.backends["braket"]
    braket.reply = OutcomeUnknown("reset")
    job = ask(rivals)
    rivals.drive(ticks=1)
    braket.reply = Refused("no")
    rivals.drive(ticks=40, step=30)
    assert rivals.see(job)["device"] == SECOND
    assert held(rivals)["project:physics"] == 1400 * KRW


def test_what_was_cancelled_meanwhile_is_not_sent_elsewhere(rivals):
    job = ask(rivals)

    def cancelled(_):
        rivals.call("ada", "POST", f"/v1/jobs/{job}/cancel")
        raise Refused("no")

    rivals.backends["braket"].reply = cancelled
    rivals.drive(ticks=4, step=70)
    assert rivals.see(job)["state"] in {"failed", "cancelled"}
    assert rivals.backends["pasqal"].sent == []
    assert held(rivals) == {}


def test_nothing_else_of_the_batch_waits_for_it(rivals):
    """The refused job's second decision cannot be read; the others are recorded all the same."""
    braket = rivals.backends["braket"]
    refused = ask(rivals)
    taken = ask(rivals)

    def reply(order):
        if order.job == refused:
            raise Refused("no")
        return "remote-7"

    braket.reply, braket.word = reply, QUEUED
    driver = rivals.driver()
    driver._failover._market = None
    driver.tick()
    assert rivals.see(taken)["state"] == "submitted"
    assert rivals.see(refused)["state"] == "failed"
    with rivals.store.read() as work:
        assert work.connection.execute(select(tables.attempts.c.remote_id)).scalars().all().count("remote-7") == 1
