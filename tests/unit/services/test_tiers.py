"""Two jobs and the last cheap minute: what is held, what is billed, and does it all add up, on both databases?"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from backends.errors import Busy
from broker.domain.price import Component, Tier, Unit
from broker.services.invariants import verify
from broker.store import tables
from broker.store.catalogue import OPERATOR
from tests.support.routing_world import GATE, price, qpu
from tests.support.scripted import DONE, RUNNING, outcome

KRW, MINUTE = 1_000_000, 60_000
CHEAP, DEAR = 1_000 * KRW, 6_000 * KRW
DEVICE = "braket/fresnel"
# Ten cheap minutes a month at 1,000 won, then 6,000; a run takes a minute at most.
TERMS = (Component(unit=Unit.MS, rate=DEAR, per=MINUTE, tiers=(Tier(10 * MINUTE, CHEAP),)),)


@pytest.fixture
def cliff(both):
    """A gateway with one device at a tiered price."""
    row = replace(price(DEVICE, "KRW"), components=TERMS, counter="pasqal/qpu")
    device = qpu(DEVICE, GATE, width=20, concurrency=10, max_run_ms=MINUTE)
    with both.store.write() as work:
        work.catalogue.put_devices("braket", "token", [device], both.clock())
        work.catalogue.put_prices([row], OPERATOR)
    both.room.market._posted = None
    both.backends["braket"].offered = (device,)
    return both


def stand(world, used, month="2026-11"):
    """Bring the counter to ``used``, as a job of before would have."""
    with world.store.write() as work:
        work.counters.lock("pasqal/qpu", month)
        work.counters.set({("pasqal/qpu", month): used})


def counter(world, month="2026-11"):
    query = select(tables.counters.c.used).where(tables.counters.c.month == month)
    with world.store.read() as work:
        return work.connection.execute(query).scalar()


def charges(world):
    columns = (tables.charges.c.job_id, tables.charges.c.billed, tables.charges.c.counted_from, tables.charges.c.month)
    with world.store.read() as work:
        return {row.job_id: tuple(row)[1:] for row in work.connection.execute(select(*columns))}


def held(world, job):
    return world.see(job)["cost"]["held"]


def run(world, member="ada"):
    return world.job(member, device=DEVICE)["id"]


def finish(world, run_ms=MINUTE, ended=None):
    stamp = None if ended is None else ended.timestamp()
    world.backends["braket"].result = replace(outcome(run_ms=run_ms), run_ended_at=stamp)
    world.drive(ticks=4)


def found(world):
    """The invariants that do not hold."""
    return {each.invariant: each.sample for each in verify(world.store, world.clock()) if each.violations}


def test_the_first_job_of_a_month_holds_and_pays_the_cheap_tier(cliff):
    job = run(cliff)
    assert held(cliff, job) == "1000"
    finish(cliff, run_ms=MINUTE // 2)
    assert cliff.see(job)["cost"]["charged"] == "500"
    assert charges(cliff) == {job: (500 * KRW, 0, "2026-11")}
    assert counter(cliff) == MINUTE // 2
    assert found(cliff) == {}


def test_two_jobs_that_race_for_the_last_cheap_minute_both_hold_the_dear_one(cliff):
    stand(cliff, 9 * MINUTE)
    cliff.key("ada"), cliff.key("bob")
    cliff.secrets |= {name: cliff.key(name) for name in ("ada", "bob")}
    answers, start = [], threading.Barrier(2)

    def ask(name):
        start.wait()
        answers.append(cliff.submit(name, device=DEVICE))

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [202, 202]
    assert [answer.json()["cost"]["held"] for answer in answers] == ["6000", "6000"]
    finish(cliff)
    # One of them gets the cheap minute, whichever ended first, and the other pays the dear one; nobody loses.
    assert sorted(billed for billed, _, _ in charges(cliff).values()) == [1_000 * KRW, 6_000 * KRW]
    assert counter(cliff) == 11 * MINUTE
    assert cliff.sums() == {0}
    with cliff.store.read() as work:
        assert ("platform:loss", "KRW") not in work.ledger.balances()


def test_a_job_reckons_with_the_worst_of_those_that_are_live_and_no_longer_with_those_that_ended(cliff):
    stand(cliff, 7 * MINUTE)
    first, second, third = run(cliff), run(cliff, "bob"), run(cliff)
    # 7 + (0, 1, 2 live) + 1 for one more like it; the last of the three may begin at 10.
    assert [held(cliff, job) for job in (first, second, third)] == ["1000", "1000", "6000"]
    finish(cliff, run_ms=MINUTE // 4)
    assert counter(cliff) == 7 * MINUTE + 3 * MINUTE // 4
    assert held(cliff, run(cliff)) == "1000"


def test_a_bill_is_made_where_the_counter_stands_in_the_order_of_vendor_completion(cliff):
    stand(cliff, 9 * MINUTE)
    early, late = run(cliff), run(cliff, "bob")
    cliff.backends["braket"].result = None
    ends = {early: datetime(2026, 11, 20, 9, 0, 50, tzinfo=UTC), late: datetime(2026, 11, 20, 9, 0, 30, tzinfo=UTC)}
    remote = {}

    def fetch(remote_id):
        return replace(outcome(run_ms=MINUTE), run_ended_at=ends[remote[remote_id]].timestamp())

    cliff.backends["braket"].fetch = fetch
    cliff.backends["braket"].reply = lambda order: remote.setdefault(f"r-{order.job}", order.job) and f"r-{order.job}"
    cliff.backends["braket"].word = RUNNING
    cliff.drive()
    cliff.clock.forward(120)
    cliff.backends["braket"].word = DONE
    cliff.drive(ticks=3)
    found_at = {job: at for job, (_, at, _) in charges(cliff).items()}
    assert found_at == {late: 9 * MINUTE, early: 10 * MINUTE}


def test_a_result_that_comes_in_the_next_month_counts_in_the_month_of_its_run(cliff):
    cliff.clock.at = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    cliff.room.market._posted = None
    stand(cliff, 10 * MINUTE)
    job = run(cliff)
    cliff.backends["braket"].result = Busy("later", retry_after=1.0)
    cliff.drive()
    cliff.clock.at = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
    finish(cliff, ended=datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    assert charges(cliff) == {job: (6_000 * KRW, 10 * MINUTE, "2026-11")}
    assert (counter(cliff), counter(cliff, "2026-12")) == (11 * MINUTE, None)


def test_a_run_that_ends_in_the_next_month_begins_its_counter(cliff):
    cliff.clock.at = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    cliff.room.market._posted = None
    stand(cliff, 10 * MINUTE)
    job = run(cliff)
    assert held(cliff, job) == "6000"
    cliff.backends["braket"].result = Busy("later", retry_after=1.0)
    cliff.drive()
    cliff.clock.at = datetime(2026, 12, 1, 0, 1, tzinfo=UTC)
    finish(cliff, ended=datetime(2026, 12, 1, 0, 0, 30, tzinfo=UTC))
    assert charges(cliff) == {job: (1_000 * KRW, 0, "2026-12")}
    assert (counter(cliff), counter(cliff, "2026-12")) == (10 * MINUTE, MINUTE)
    assert cliff.sums() == {0}


def test_a_member_s_maximum_holds_where_the_counter_has_moved_since_the_quote(cliff):
    quoted = cliff.submit(device=DEVICE, max_cost={"amount": "1000", "currency": "KRW"})
    assert quoted.status_code == 202
    stand(cliff, 10 * MINUTE)  # the snapshot of routing does not know it yet
    refused = cliff.submit("bob", device=DEVICE, max_cost={"amount": "1000", "currency": "KRW"})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_device")
    assert "costs up to 6,000 KRW" in refused.json()["detail"]
    with cliff.store.read() as work:
        assert work.connection.execute(select(func.count()).select_from(tables.tier_holds)).scalar_one() == 1


def test_a_counter_that_does_not_add_up_is_found(cliff):
    run(cliff)
    finish(cliff)
    assert found(cliff) == {}
    stand(cliff, 3 * MINUTE)
    assert found(cliff) == {"13": ("pasqal/qpu 2026-11",)}
