"""Is a group of submissions admitted as if each came alone, and durably?"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from broker.domain.errors import BudgetExceeded, IdempotencyInFlight, IdempotencyMismatch
from broker.domain.policy import Policy
from broker.domain.program import Format, Program
from broker.services.market import Market
from broker.services.prepare import Preparation
from broker.services.submit import Admitter, Submission
from broker.services.writer import Writer
from broker.store import tables
from tests.support.databases import opened
from tests.support.gateway import BELL, NOW, furnish, member_id
from tests.support.inspected import inspected_now

KRW = 1_000_000
PROGRAM = Program.of(Format.OPENQASM2, BELL)


@pytest.fixture
def room(store):
    """A store with the small hubs and what turns a member's wish into a submission."""
    furnish(store)
    return store


def submission(store, name="bob", *, key=None, fingerprint="f", shots=100):
    preparation = Preparation(store, Market(store))
    with store.read() as work:
        member = work.people.member(member_id(name))
    inspected = inspected_now(preparation, PROGRAM, "member")
    decided = preparation.decide(
        member, inspected.requirement, Policy(device="local/aer"), shots=shots, points=0, at=NOW
    )
    return Submission(
        member=member, program=PROGRAM, requirement_text=inspected.text, decided=decided, shots=shots, points=(),
        name="", tags=(), seed=None, options={}, deadline=None, idempotency_key=key, fingerprint=fingerprint,
        trace=None, at=NOW,
    )  # fmt: skip


def limit(store, owner, micros):
    with store.write() as work:
        budgets = tables.budgets
        work.connection.execute(budgets.update().where(budgets.c.owner == owner).values(limit_micros=micros))


def count(store, table=tables.jobs):
    with store.read() as work:
        return len(work.connection.execute(select(table)).all())


def admit(store, *group):
    return Admitter(store, lambda: NOW).admit(group)


def test_a_group_is_admitted_up_to_the_budget_and_no_further(room):
    limit(room, "member:bob", 30 * KRW)
    answers = admit(room, *(submission(room) for _ in range(5)))
    assert [type(answer).__name__ for answer in answers] == ["Admitted"] * 3 + ["BudgetExceeded"] * 2
    assert count(room) == 3


def test_every_ancestor_is_asked(room):
    limit(room, "organisation:university", 10 * KRW)
    _, refused = admit(room, submission(room, "ada"), submission(room, "cyd"))
    assert isinstance(refused, BudgetExceeded)
    assert refused.budget.startswith("organisation:")


def test_a_refusal_leaves_no_trace(room):
    limit(room, "member:bob", 0)
    before = count(room, tables.audit)
    (answer,) = admit(room, submission(room))
    assert isinstance(answer, BudgetExceeded)
    assert [count(room, table) for table in (tables.jobs, tables.events, tables.entries, tables.programs)] == [
        0,
        0,
        0,
        0,
    ]
    assert count(room, tables.audit) == before


def test_the_same_key_twice_in_one_group_is_one_job(room):
    first, second = admit(room, submission(room, key="once"), submission(room, key="once"))
    assert (first.repeated, second.repeated, first.job.id) == (False, True, second.job.id)
    assert count(room) == 1


def test_the_same_key_with_another_body_in_one_group_is_a_mismatch(room):
    _, second = admit(room, submission(room, key="once"), submission(room, key="once", fingerprint="g"))
    assert isinstance(second, IdempotencyMismatch)


def test_a_known_key_is_answered_although_the_budget_is_spent(room):
    limit(room, "member:bob", 10 * KRW)
    admit(room, submission(room, key="once"))
    (again,) = admit(room, submission(room, key="once"))
    assert again.repeated


def test_the_job_its_moves_its_hold_and_its_audit_row_are_one_transaction(room):
    before = count(room, tables.audit)
    admit(room, submission(room), submission(room, "ada"))
    assert [count(room, table) for table in (tables.jobs, tables.events, tables.entries)] == [2, 4, 4]
    assert count(room, tables.audit) == before + 1


def test_equal_programs_and_decisions_are_stored_once(room):
    one = submission(room)
    admit(room, one, replace(one, shots=100), replace(one, name="again"))
    assert [count(room, table) for table in (tables.programs, tables.decisions, tables.cut_snapshots)] == [1, 1, 1]


def test_ids_are_version_7_and_differ(room):
    answers = admit(room, *(submission(room) for _ in range(20)))
    ids = [answer.job.id for answer in answers]
    assert len(set(ids)) == 20
    assert all(name[14] == "7" and name.startswith(ids[0][:13]) for name in ids)


def test_two_gateways_never_admit_one_key_twice(room, database_url):
    ready, answers = threading.Barrier(2), []

    def gateway() -> None:
        with opened(database_url) as mine:
            wish = [submission(mine, key=f"key-{n}") for n in range(15)]
            admitter = Admitter(mine, lambda: NOW)
            ready.wait()
            for each in wish:
                answers.extend(admitter.admit([each]))

    threads = [threading.Thread(target=gateway) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert count(room) == 15
    assert sorted(answer.repeated for answer in answers) == [False] * 15 + [True] * 15


def test_two_gateways_never_overspend(room, database_url):
    limit(room, "project:physics", 100 * KRW)
    ready, admitted = threading.Barrier(2), []

    def gateway() -> None:
        with opened(database_url) as mine:
            one = submission(mine, "ada")
            admitter = Admitter(mine, lambda: NOW)
            ready.wait()
            for _ in range(5):
                admitted.extend(not isinstance(answer, BudgetExceeded) for answer in admitter.admit([one] * 3))

    threads = [threading.Thread(target=gateway) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(admitted), sum(admitted), count(room)) == (30, 10, 10)


def test_every_admitted_backend_is_rung_once_after_the_commit(room, bell):
    admit(room, submission(room), submission(room))
    assert bell.rung == [("local", None)]


# -- the writer ----------------------------------------------------------------------------------------------------


def submit_all(writer, *wishes):
    async def run():
        return await asyncio.gather(*(writer.submit(each) for each in wishes), return_exceptions=True)

    writer.start()
    try:
        return asyncio.run(run())
    finally:
        writer.stop()


def test_submissions_that_wait_together_share_one_commit(room):
    writer = Writer(Admitter(room, lambda: NOW))
    before = count(room, tables.audit)
    answers = submit_all(writer, *(submission(room) for _ in range(40)))
    assert {answer.repeated for answer in answers} == {False}
    assert count(room) == 40
    assert count(room, tables.audit) - before <= 5


def test_one_key_can_only_be_admitted_once_at_a_time(room):
    first, second = submit_all(
        Writer(Admitter(room, lambda: NOW)), submission(room, key="k"), submission(room, key="k")
    )
    assert not first.repeated
    assert isinstance(second, IdempotencyInFlight)


def test_one_submission_that_the_database_refuses_does_not_take_the_others_along(room):
    poison = replace(submission(room), shots=None)
    answers = submit_all(Writer(Admitter(room, lambda: NOW)), submission(room), poison, submission(room))
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]
    assert count(room) == 2


def test_a_writer_that_stops_commits_what_waits(room):
    writer = Writer(Admitter(room, lambda: NOW))

    async def run():
        waiting = [asyncio.ensure_future(writer.submit(submission(room))) for _ in range(3)]
        await asyncio.sleep(0)
        writer.start()
        await asyncio.to_thread(writer.stop)
        return await asyncio.gather(*waiting)

    assert len(asyncio.run(run())) == 3
    assert count(room) == 3


def test_a_caller_that_leaves_does_not_stop_its_commit(room):
    writer = Writer(Admitter(room, lambda: NOW))

    async def run():
        task = asyncio.ensure_future(writer.submit(submission(room, key="k")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        writer.start()
        again = await writer.submit(submission(room, key="k"))
        await asyncio.to_thread(writer.stop)
        return again

    assert asyncio.run(run()).repeated
    assert count(room) == 1


def test_a_job_is_due_at_once(room):
    (answer,) = admit(room, submission(room))
    assert answer.job.due_at == NOW
    with room.read() as work:
        assert work.jobs.next_due(["local"]) == NOW
    assert answer.job.created_at + timedelta(0) == NOW
