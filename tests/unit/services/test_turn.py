"""Does every member who waits get a turn, and does a turn cost what it used, however it ended?"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from backends.base import Phase, Snapshot
from backends.errors import Busy
from broker.domain.attempt import AttemptEnd
from broker.domain.change import Change, begin
from broker.domain.fairshare import CORE_SECOND, LEAST_COST, Share, Waiting, decay, entry_cost, rank
from broker.domain.lifecycle import JobState
from broker.domain.price import Usage
from broker.services.claim import Claim, claim
from broker.services.turn import charge_turns, in_turn
from broker.store import tables
from broker.store.rows import micros
from tests.support.databases import opened
from tests.support.gateway import NOW, furnish
from tests.support.jobs import job
from tests.support.scripted import outcome

GARNET, AER = "braket/garnet", "local/aer"


def look(gateway, *, room, limit=100):
    terms = Claim(owner="a", backends=("braket", "local"), lease=timedelta(seconds=90), limit=limit, room=room)
    return [each.id for each, _ in claim(gateway.store, terms, at=gateway.clock()).begun]


def jobs(gateway, member, count, device=GARNET):
    return [gateway.job(member, device=device)["id"] for _ in range(count)]


def usage_of(gateway, job_id):
    with gateway.store.read() as work:
        found = work.jobs.get(job_id)
        used = work.ledger.decayed_spend([found.organisation, found.project, found.member])
    return {spent for spent, _ in used.values()}


# ------------------------------------------------------------------------------------ whose turn


@pytest.mark.parametrize(("device", "room"), [(GARNET, 2), (AER, 4)])
def test_a9_a_flood_hides_neither_a_project_mate_nor_another_organisation(gateway, device, room):
    jobs(gateway, "ada", 120, device)
    late = [*jobs(gateway, "bob", 1, device), *jobs(gateway, "cyd", 1, device), *jobs(gateway, "dan", 1, device)]
    started = []
    for number in range(1, 4):
        started += look(gateway, room={device: room * number})
        gateway.clock.forward(1)
    assert set(late) <= set(started[:6])


def test_a9_a_class_of_thirty_gets_one_turn_each_before_anybody_gets_two():
    line = {f"m{n:02}": 1 + 40 * (n == 0) for n in range(30)}
    work = Queue([waiting(member, number) for member, count in line.items() for number in range(count)])
    turns = in_turn(work, AER, 30, at=NOW)
    assert {name.partition("-")[0] for name in turns} == set(line)


def test_a9_one_look_serves_every_device_that_has_room(gateway):
    jobs(gateway, "ada", 20, AER)
    (other,) = jobs(gateway, "ada", 1, GARNET)
    begun = look(gateway, room={AER: 100, GARNET: 2}, limit=8)
    assert other in begun
    assert len(begun) == 8


def test_a9_jobs_begin_however_many_are_due(gateway):
    jobs(gateway, "ada", 12, AER)
    assert len(look(gateway, room={AER: 8}, limit=8)) == 8
    gateway.clock.forward(100)  # the leases are over: eight are due, as many as one look takes
    assert len(look(gateway, room={AER: 100}, limit=8)) == 2


# ------------------------------------------------------------------------------------ the ranking that reads little


@dataclass
class Queue:
    """A queue in memory with the questions of the store's, and how many rows were read."""

    line: list[Waiting]
    tree: dict[str, Share]
    read: int = 0

    def __init__(self, line, tree=None):
        self.line, self.tree = sorted(line, key=lambda each: each.job), tree or {}
        self.jobs = self.people = self.ledger = self

    def first_in_line(self, _device, _at):
        heads = {}
        for each in self.line:
            heads.setdefault(each.member, each)
        self.read += len(heads)
        return list(heads.values())

    def next_in_line(self, _device, last, _at, depth):
        found = []
        for name in last:
            (member,) = {each.member for each in self.line if each.job == name}
            found += [each for each in self.line if each.member == member and each.job > name][:depth]
        self.read += len(found)
        return found

    def shares(self, scopes):
        return {scope: self.tree[scope].shares for scope in scopes if scope in self.tree}

    def decayed_spend(self, scopes):
        return {scope: (int(self.tree[scope].usage), micros(NOW)) for scope in scopes if scope in self.tree}


def waiting(member, number, cost=1_000):
    return Waiting(
        job=f"{member}-{number:06}", organisation="A", project="A/p", member=member, queued_at=NOW, cost=cost
    )


rows = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 9), st.integers(0, 10**6)), min_size=1, max_size=20)
trees = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(Share, shares=st.integers(1, 4), usage=st.integers(0, 10**6), as_of=st.just(NOW)),
)


@given(rows, trees, st.integers(1, 40))
def test_a9_the_turns_are_those_of_a_ranking_over_the_whole_queue(made, tree, most):
    line = [waiting(m, 100 * n + k, cost) for n, (m, count, cost) in enumerate(made) for k in range(count)]
    whole = [each.job for each in rank(line, tree, at=NOW)][:most]
    assert in_turn(Queue(line, tree), AER, most, at=NOW) == whole


def test_a9_the_work_grows_with_members_and_turns_not_with_the_length_of_the_queue():
    flood = [waiting("flood", number) for number in range(5_000)]
    work = Queue([*flood, *(waiting(f"m{n:03}", 0) for n in range(200))])
    assert len(in_turn(work, AER, 128, at=NOW)) == 128
    assert work.read < 1_000


# ------------------------------------------------------------------------------------ what a turn costs


def test_a9_a_paid_turn_is_charged_the_hold_and_then_what_was_charged(gateway):
    (made,) = jobs(gateway, "ada", 1)
    look(gateway, room={GARNET: 2})
    with gateway.store.read() as work:
        held = work.jobs.get(made).held.micros
    assert usage_of(gateway, made) == {held}
    gateway.backends["braket"].result = outcome(shots=10)
    gateway.clock.forward(100)
    gateway.drive()
    with gateway.store.read() as work:
        charged = work.jobs.get(made).charged.micros
    assert 0 < charged < held
    ((spent),) = usage_of(gateway, made)
    assert spent == pytest.approx(charged, rel=0.01)


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.CANCELLED])
def test_a9_a_killed_run_is_charged_for_what_it_used_and_says_so(gateway, phase):
    (made,) = jobs(gateway, "ada", 1, AER)
    gateway.backends["local"].word = Snapshot(phase=phase, word="killed", usage=Usage(run_ms=30_000))
    gateway.drive()
    with gateway.store.read() as work:
        ended = work.jobs.get(made)
    assert ended.run_ms == 30_000
    (spent,) = usage_of(gateway, made)
    assert spent == pytest.approx(max(30 * CORE_SECOND, ended.charged.micros), rel=0.01)


def test_a9_a_turn_that_was_given_back_costs_nothing(gateway):
    (made,) = jobs(gateway, "ada", 1)
    gateway.backends["braket"].reply = Busy("full", retry_after=600.0)
    gateway.drive(ticks=1)
    assert usage_of(gateway, made) == {0}


def test_a9_a_job_cancelled_before_its_turn_costs_nothing(gateway):
    (made,) = jobs(gateway, "ada", 1)
    with gateway.store.write() as work:
        work.jobs.request_cancel(made)
    look(gateway, room={GARNET: 2})
    assert usage_of(gateway, made) == set()


def test_a9_an_end_does_not_make_an_account_look_served_just_now(gateway):
    (made,) = jobs(gateway, "ada", 1)
    look(gateway, room={GARNET: 2})
    begun = gateway.clock()
    gateway.clock.forward(3 * 86_400)
    gateway.drive()
    with gateway.store.read() as work:
        found = work.jobs.get(made)
        ((spent, as_of),) = work.ledger.decayed_spend([found.member]).values()
    assert as_of == micros(begun)
    assert decay(spent, begun, gateway.clock()) == pytest.approx(found.charged.micros, rel=0.01)


def test_a9_what_a_free_turn_is_charged_at_once_is_its_expected_seconds():
    assert entry_cost(0, 2.0) == 2 * CORE_SECOND
    assert entry_cost(0, 0.0) == LEAST_COST
    assert entry_cost(5_000_000, 2.0) == 5_000_000


def test_a9_a_turn_is_fixed_at_admission(gateway):
    (made,) = jobs(gateway, "ada", 1)
    with gateway.store.read() as work:
        row = work.connection.execute(select(tables.jobs.c.turn_micros, tables.jobs.c.held)).one()
        assert work.jobs.get(made).turn == row.turn_micros == row.held


def test_a9_two_workers_that_charge_one_member_at_once_add_up(postgres_url):
    @dataclass
    class Begun:
        job: object
        begins: bool = True
        attempt: object = None

    with opened(postgres_url) as store:
        furnish(store)
        with store.write() as work:
            work.ledger.put_decayed_spend({"org-1": 0, "project-1": 0, "member-1": 0}, NOW)

    def charge():
        with opened(postgres_url) as mine:
            for _ in range(20):
                with mine.write() as work:
                    charge_turns(work, [Begun(job(turn=5_000))], at=NOW)

    threads = [threading.Thread(target=charge) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with opened(postgres_url) as store, store.read() as work:
        assert work.ledger.decayed_spend(["member-1"])["member-1"][0] == 3 * 20 * 5_000


def test_a9_a_free_run_that_was_killed_weighs_its_seconds_and_not_its_entry(store):
    queued = job(id="01920000-0000-7000-8000-00000000000d", turn=5_000)
    begun = begin(queued, at=NOW)
    free_of_charge = replace(begun.job, state=JobState.FAILED, run_ms=30_000, charged=replace(queued.held, micros=0))
    killed = Change(job=free_of_charge, attempt=replace(begun.attempt, end=AttemptEnd.FAILED))
    with store.write() as work:
        charge_turns(work, [begun], at=NOW)
        assert work.ledger.decayed_spend([queued.member])[queued.member][0] == 5_000
        charge_turns(work, [killed], at=NOW)
        assert work.ledger.decayed_spend([queued.member])[queued.member][0] == 30 * CORE_SECOND
