"""Do budgets and journal say the same, whoever writes at the same time?"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from broker.domain.budget import Entry
from broker.store import tables
from tests.support.databases import opened

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def tree(store):
    """A hub with 1,000 and a project with 100 micro-units."""
    rows = [("hub:h", None, 1000), ("project:p", "hub:h", 100)]
    with store.write() as work:
        for name, parent, limit in rows:
            row = {"id": name, "parent_id": parent, "owner": name, "currency": "KRW", "limit_micros": limit}
            work.people.put(tables.budgets, row | {"held": 0, "spent": 0})
    return store


def budgets(store):
    with store.read() as work:
        return {name: (each.held, each.spent) for name, each in work.ledger.budgets(["hub:h", "project:p"]).items()}


def entry(account, micros, currency="KRW"):
    return Entry(account=account, currency=currency, micros=micros, kind="hold", job="job-1")


def test_adjustments_add_up(tree):
    with tree.write() as work:
        work.ledger.adjust({"hub:h": (30, 5), "project:p": (30, 5)})
        work.ledger.adjust({"hub:h": (-10, 1), "project:p": (0, 0)})
    assert budgets(tree) == {"hub:h": (20, 6), "project:p": (30, 5)}


def test_a_budget_that_would_pass_its_limit_takes_the_whole_transaction_back(tree):
    with pytest.raises(IntegrityError), tree.write() as work:
        work.ledger.adjust({"hub:h": (101, 0), "project:p": (101, 0)})
    assert budgets(tree) == {"hub:h": (0, 0), "project:p": (0, 0)}


def test_concurrent_adjustments_are_all_there(tree, database_url):
    def hold() -> None:
        with opened(database_url) as mine:
            for _ in range(10):
                with mine.write() as work:
                    work.ledger.budgets(["project:p", "hub:h"], lock=True)
                    work.ledger.adjust({"project:p": (1, 0), "hub:h": (1, 0)})

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert budgets(tree) == {"hub:h": (40, 0), "project:p": (40, 0)}


def test_the_journal_sums_per_currency(store):
    with store.write() as work:
        work.ledger.post([entry("a", 5), entry("b", -5), entry("c", 7, "USD"), entry("d", -6, "USD")], NOW)
    with store.read() as work:
        assert work.ledger.sums() == {"KRW": 0, "USD": 1}
        assert work.ledger.balances()["a", "KRW"] == 5


def test_sums_are_exact_beyond_floating_point(store):
    with store.write() as work:
        work.ledger.post([entry("a", 2**62), entry("a", 1), entry("b", -(2**62))], NOW)
    with store.read() as work:
        assert work.ledger.sums() == {"KRW": 1}
        assert work.ledger.balances()["a", "KRW"] == 2**62 + 1


def test_decayed_spend_is_set_and_set_again(store):
    with store.write() as work:
        work.ledger.put_decayed_spend({"org": 5, "member": 6}, NOW)
        work.ledger.put_decayed_spend({"org": 7}, NOW + timedelta(seconds=1))
    with store.read() as work:
        assert {scope: micros for scope, (micros, _) in work.ledger.decayed_spend(["org", "member", "x"]).items()} == {
            "org": 7,
            "member": 6,
        }


def test_two_workers_may_note_the_first_spend_of_one_scope(store, database_url):
    failed, ready = [], threading.Barrier(2)

    def use() -> None:
        try:
            with opened(database_url) as mine:
                ready.wait()
                for number in range(20):
                    with mine.write() as work:
                        work.ledger.put_decayed_spend({f"org-{number}": 1, f"member-{number}": 1}, NOW)
        except Exception as error:  # noqa: BLE001  the assertion below shows it
            failed.append(error)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
