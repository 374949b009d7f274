"""Does the fake store behave like the real one? One script of operations on both, and every answer compared."""

from __future__ import annotations

import inspect
from contextlib import suppress

import pytest

from broker.domain.recovery import Recovery
from broker.store import (
    archive,
    attempts,
    audit,
    breakers,
    catalogue,
    events,
    hosts,
    jobs,
    leases,
    ledger,
    orphans,
    people,
    spoiled,
)
from broker.store.engine import WRITE, open_engine
from broker.store.tables import agreements, budgets, metadata, projects
from broker.store.unit_of_work import Store
from tests.simulation import fake_books, fake_jobs, fake_watch
from tests.simulation.fake_store import Deadlock, FakeStore
from tests.simulation.run import crew
from tests.simulation.scenery import PIECE, START, furnish
from tests.simulation.stage import Crash, Stage
from tests.simulation.store_script import DEVICE, LATER, NAMES, STEPS, Silent, admit

RAISING = {"admit_twice", "save_stale", "overspend", "hold_less_than_nothing"}


def answers(store):
    found = []
    for step in STEPS:
        answer = "raised"
        with suppress(Exception), store.write() as work:
            answer = step(work)
        assert answer != "raised" or step.__name__ in RAISING, step
        found.append((step.__name__, answer))
    return found


def fake(dialect="sqlite", stage=None):
    store = FakeStore(stage or Stage(crew()), Silent(), dialect=dialect)
    furnish(store, Recovery.TAG, DEVICE, piece=PIECE, affords=1, may_resubmit=True)
    return store


def real(path):
    engine = open_engine(f"sqlite:///{path}/fake.db")
    metadata.create_all(engine)
    rows = fake().tables
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.execute(
            budgets.insert(),
            [
                {"id": b.id, "parent_id": b.parent, "owner": b.owner, "currency": b.currency,
                 "limit_micros": b.limit_micros, "held": b.held, "spent": b.spent}
                for b in rows["budgets"].values()
            ],
        )  # fmt: skip
        connection.exec_driver_sql("INSERT INTO hubs VALUES ('hub', 'hub', 'hub', 'KRW', 'test')")
        connection.exec_driver_sql("INSERT INTO organisations VALUES ('kaist', 'hub', 'k', 'k', 'u', 1, 'test')")
        row = {"id": "all", "hub_id": "hub", "pattern": "*", "source": "test"}
        connection.execute(agreements.insert(), row)
        row = {"id": "project", "organisation_id": "kaist", "slug": "p", "name": "p", "shares": 1}
        connection.execute(projects.insert(), row | {"allow_resubmit": True})
    store = Store(engine, Silent())
    with store.write() as work:
        work.catalogue.put_devices("pasqal", "tag", [DEVICE], START)
    return store


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_answer_is_the_real_stores(tmp_path, dialect):
    store = real(tmp_path)
    try:
        for (step, theirs), (_, ours) in zip(answers(store), answers(fake(dialect)), strict=True):
            assert ours == theirs, step
    finally:
        store.engine.dispose()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (fake_jobs.Jobs, jobs.Jobs), (fake_jobs.Attempts, attempts.Attempts), (fake_books.Ledger, ledger.Ledger),
        (fake_books.Archive, archive.Archive), (fake_books.Events, events.Events), (fake_books.Audit, audit.Audit),
        (fake_books.Leases, leases.Leases), (fake_books.People, people.People),
        (fake_books.Catalogue, catalogue.Catalogue), (fake_books.Orphans, orphans.Orphans),
        (fake_watch.Breakers, breakers.Breakers), (fake_watch.Spoiled, spoiled.Spoiled),
        (fake_watch.Hosts, hosts.Hosts),
    ],
)  # fmt: skip
def test_every_method_takes_what_the_real_one_takes(ours, theirs):
    for name, method in inspect.getmembers(ours, inspect.isfunction):
        if name.startswith("_"):
            continue
        wanted = inspect.signature(getattr(theirs, name)).parameters
        assert inspect.signature(method).parameters.keys() == wanted.keys(), name


def test_a_crash_leaves_nothing_behind():
    store = fake()

    def die():
        with store.write() as work:
            admit(work)
            raise Crash

    with pytest.raises(Crash):
        die()
    assert not store.tables["jobs"]
    assert not store.logs["entries"]
    assert not store.locks


def two_writers(dialect, first, second):
    """Two transactions at once: the first sleeps in its midst while the second one runs."""
    stage, seen = Stage(crew()), []
    store = fake(dialect, stage)
    with store.write() as work:
        admit(work)

    def slow():
        with store.write() as work:
            first(work)
            stage.sleep(5_000_000)
            seen.append("first ends")

    def quick():
        with store.write() as work:
            seen.append(second(work))
        seen.append("second ends")

    stage.at(0, "slow", slow)
    stage.at(1_000_000, "quick", quick)
    stage.run(until=10**9, most=100)
    return seen, stage.failure, store


def test_sqlite_has_one_writer():
    seen, failure, _ = two_writers("sqlite", lambda work: work.jobs.get(NAMES[0]), lambda work: "second begins")
    assert failure is None
    assert seen == ["first ends", "second begins", "second ends"]


def test_postgresql_passes_by_locked_rows():
    seen, failure, _ = two_writers(
        "postgresql",
        lambda work: work.jobs.take(NAMES[:1], LATER[9]),
        lambda work: [job.id for job in work.jobs.take(NAMES, LATER[9])],
    )
    assert failure is None
    assert seen == [list(NAMES[1:]), "second ends", "first ends"]


def test_postgresql_waits_for_a_budget_and_reads_it_anew():
    seen, failure, _ = two_writers(
        "postgresql",
        lambda work: work.ledger.adjust({"hub:hub": (7, 0)}),
        lambda work: work.ledger.budgets(["hub:hub"], lock=True)["hub:hub"].held,
    )
    assert failure is None
    assert seen == ["first ends", 3_007, "second ends"]


def test_postgresql_does_not_show_what_is_not_committed():
    seen, failure, store = two_writers(
        "postgresql",
        lambda work: work.jobs.request_cancel(NAMES[0]),
        lambda work: work.jobs.get(NAMES[0]).cancel_requested,
    )
    assert failure is None
    assert seen == [False, "second ends", "first ends"]
    assert store.tables["jobs"][NAMES[0]].cancel_requested


def test_postgresql_ends_a_deadlock():
    stage = Stage(crew())
    store = fake("postgresql", stage)
    victims = []

    def take(*names):
        try:
            with store.write() as work:
                for name in names:
                    work.ledger.budgets([name], lock=True)
                    stage.sleep(1_000_000)
        except Deadlock:
            victims.append(names)

    stage.at(0, "one", lambda: take("hub:hub", "member:member"))
    stage.at(1, "two", lambda: take("member:member", "hub:hub"))
    stage.run(until=10**9, most=100)
    assert stage.failure is None
    assert len(victims) == 1
