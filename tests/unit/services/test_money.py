"""Where does the money go at every kind of end?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from backends.base import Phase, Snapshot
from backends.errors import Refused
from broker.domain.bill import bill
from broker.domain.money import Money, Rate, convert
from broker.domain.price import Component, Unit, Usage, charge
from broker.services.invariants import verify
from broker.store import tables
from broker.store.catalogue import OPERATOR, VENDOR
from broker.store.rows import micros
from tests.support.gateway import NOW
from tests.support.routing_world import price
from tests.support.scripted import QUEUED, outcome

KRW = 1_000_000
RATE = Rate(id="r", base="USD", quote="KRW", micros=1400 * KRW, as_of=NOW, source="test")
PRICE = price("braket/garnet", "USD", task="0.3", shot="0.001", second="0.01")
usages = st.builds(Usage, tasks=st.integers(1, 5), shots=st.integers(0, 10**6), run_ms=st.integers(0, 10**7))


@given(usages, st.integers(0, 10**12))
def test_a_member_never_pays_more_than_was_held_and_the_rest_is_the_platforms(usage, held):
    found = bill(Money(currency="KRW", micros=held), PRICE, RATE, usage)
    assert found.listed == charge(PRICE, usage)
    assert found.due == convert(found.listed, RATE)
    assert 0 <= found.charged.micros <= held
    assert found.loss.micros >= 0
    assert found.charged + found.loss == found.due


def books(world, owner="ada"):
    budgets = world.budgets()
    return {
        name: budgets[name][:2]
        for name in ("hub:daejeon", "organisation:university", "project:physics", f"member:{owner}")
    }


def balances(world):
    with world.store.read() as work:
        return work.ledger.balances()


def in_order(world):
    assert world.sums() <= {0}
    for held, spent, limit in world.budgets().values():
        assert held >= 0
        assert limit is None or held + spent <= limit


def run(world, **fields):
    return world.job("ada", device="braket/garnet", shots=100, **fields)["id"]


def test_a_job_that_cost_less_than_its_hold_gives_the_rest_back(both):
    both.backends["braket"].result = outcome(shots=50)
    job_id = run(both)
    both.drive()
    assert both.see(job_id)["cost"]["charged"] == "490"
    assert set(books(both).values()) == {(0, 490 * KRW)}
    in_order(both)


def test_a_vendor_that_bills_more_than_the_hold_costs_the_platform(both):
    both.backends["braket"].result = outcome(shots=1000)
    job_id = run(both)
    both.drive()
    assert both.see(job_id)["cost"]["charged"] == "560"
    assert set(books(both).values()) == {(0, 560 * KRW)}
    assert balances(both)["platform:loss", "KRW"] == (1820 - 560) * KRW
    assert balances(both)["vendor:braket:payable", "USD"] == -1_300_000
    in_order(both)


def refused(world):
    world.backends["braket"].reply = Refused("no")
    return run(world), "failed"


def failed(world):
    world.backends["braket"].word = Snapshot(phase=Phase.FAILED, word="FAILED", message="broke")
    return run(world), "failed"


def cancelled(world):
    job_id = run(world)
    world.call("ada", "POST", f"/v1/jobs/{job_id}/cancel")
    return job_id, "cancelled"


def expired(world):
    with world.store.write() as work:
        device = work.catalogue.device("braket/garnet")
        work.catalogue.put_devices("braket", "token", [replace(device, concurrency=1)], NOW)
    world.backends["braket"].word = QUEUED
    run(world)
    world.clock.forward(0.01)
    job_id = run(world, deadline=(NOW + timedelta(seconds=60)).isoformat())
    world.drive(ticks=1)
    world.backends["braket"].word = Snapshot(phase=Phase.CANCELLED, word="CANCELLED")
    world.clock.forward(61)
    return job_id, "expired"


@pytest.mark.parametrize("end", [refused, failed, cancelled, expired])
def test_a_job_that_was_never_run_returns_its_hold(both, end):
    job_id, state = end(both)
    both.drive(ticks=3, step=30)
    view = both.see(job_id)
    assert (view["state"], view["cost"]["held"], view["cost"]["charged"]) == (state, "0", "0")
    assert set(books(both).values()) == {(0, 0)}
    in_order(both)


def test_a_failed_run_that_the_vendor_bills_is_paid(both):
    both.backends["braket"].word = Snapshot(phase=Phase.FAILED, word="FAILED", usage=Usage(tasks=1))
    job_id = run(both)
    both.drive()
    assert both.see(job_id)["cost"]["charged"] == "420"
    assert set(books(both).values()) == {(0, 420 * KRW)}
    in_order(both)


def test_a_hold_lives_exactly_as_long_as_its_job(both):
    both.backends["braket"].word = QUEUED
    member = both.see(run(both))["member"]
    both.drive(ticks=2)
    assert set(books(both).values()) == {(560 * KRW, 0)}
    assert balances(both)[f"member:{member}:held", "KRW"] == 560 * KRW
    in_order(both)


def test_a_job_is_billed_at_the_price_it_was_admitted_at(both):
    job_id = run(both)
    newer = replace(price("braket/garnet", "USD", task="9"), id="newer", as_of=NOW - timedelta(seconds=1))
    with both.store.write() as work:
        work.catalogue.put_prices([newer], "operator")
        work.catalogue.put_rate(replace(RATE, id="newer", micros=9999 * KRW, as_of=NOW))
    both.drive()
    assert both.see(job_id)["cost"]["charged"] == "560"


def test_every_move_of_money_names_its_job(both):
    job_id = run(both)
    both.drive()
    with both.store.read() as work:
        rows = work.connection.execute(select(tables.entries.c.kind, tables.entries.c.job_id)).all()
    assert {row.kind for row in rows} == {"hold", "release", "settle"}
    assert {row.job_id for row in rows} == {job_id}


def charged(world):
    with world.store.read() as work:
        return [dict(row) for row in work.connection.execute(select(tables.charges)).mappings()]


def test_each_end_with_a_bill_is_one_row_of_charges(both):
    both.backends["braket"].result = outcome(shots=50)
    job_id = run(both)
    both.drive()
    (row,) = charged(both)
    assert (row["job_id"], row["device"], row["backend"], row["remote_id"]) == (
        job_id, "braket/garnet", "braket", "remote-0",
    )  # fmt: skip
    # 0.30 USD + 50 x 0.001 at 1,400 won
    assert json.loads(row["components"]) == [["task", 1, 300_000], ["shot", 50, 50_000]]
    assert json.loads(row["usage"]) == {"tasks": 1, "shots": 50, "run_ms": 1000}
    assert (row["contract_currency"], row["contract"]) == ("USD", 350_000)
    assert (row["currency"], row["billed"], row["loss"]) == ("KRW", 490 * KRW, 0)
    assert (row["rate_id"], row["counter"], row["counted"]) == ("usd-krw-1", None, None)
    assert row["booked_at"] >= row["ended_at"] >= micros(NOW)


def test_what_the_vendor_lists_stands_beside_what_the_contract_says(both):
    listed = replace(price("braket/garnet", "USD", task="0.4", shot="0.002"), id="listed")
    with both.store.write() as work:
        work.catalogue.put_prices([listed], VENDOR)
    both.backends["braket"].result = outcome(shots=50)
    run(both)
    both.drive()
    (row,) = charged(both)
    assert (row["contract"], row["list_currency"], row["listed"]) == (350_000, "USD", 500_000)


def test_what_a_vendor_bills_beyond_the_hold_stands_in_the_row_too(both):
    both.backends["braket"].result = outcome(shots=1000)
    run(both)
    both.drive()
    (row,) = charged(both)
    assert (row["billed"], row["loss"]) == (560 * KRW, (1820 - 560) * KRW)


def test_a_job_that_nobody_bills_has_no_row(both):
    both.backends["braket"].reply = Refused("no")
    run(both)
    both.drive()
    assert charged(both) == []


def test_a_row_that_says_something_else_than_the_journal_is_found(both):
    run(both)
    both.drive()
    assert [each.invariant for each in verify(both.store, both.clock()) if each.violations] == []
    with both.store.write() as work:
        work.connection.execute(tables.charges.update().values(billed=1))
    assert [each.invariant for each in verify(both.store, both.clock()) if each.violations] == ["13"]


GATES = (Component(unit=Unit.GATE1_SHOT, rate=100), Component(unit=Unit.GATE2_SHOT, rate=1_000))


def test_gates_are_the_programs_in_the_hold_and_in_the_bill(both):
    by_gates = replace(price("braket/garnet", "KRW"), id="gates", components=GATES, as_of=NOW)
    with both.store.write() as work:
        work.catalogue.put_prices([by_gates], OPERATOR)
    both.room.market._posted = None
    both.backends["braket"].result = outcome(shots=50)
    job_id = run(both)
    # A Bell pair: one gate on one qubit, one on two; 100 shots are held, 50 are billed.
    assert both.see(job_id)["cost"]["held"] == "0.11"
    both.drive()
    assert both.see(job_id)["cost"]["charged"] == "0.055"
    (row,) = charged(both)
    assert json.loads(row["components"]) == [["gate1_shot", 50, 5_000], ["gate2_shot", 50, 50_000]]
    assert [each.invariant for each in verify(both.store, both.clock()) if each.violations] == []
