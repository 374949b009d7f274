"""Does the audit chain show every change that was made behind its back?"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from broker.store.tables import audit
from tests.support.databases import opened

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def act(store, *names, at=NOW):
    with store.write() as work:
        for name in names:
            work.acted({"act": name}, at)


def broken_at(store):
    with store.read() as work:
        return work.audit.broken_at()


def tamper(store, statement):
    with store.write() as work:
        work.connection.execute(statement)


@pytest.fixture
def chain(store):
    for name in ("one", "two", "three"):
        act(store, name)
    return store


def test_an_empty_chain_verifies(store):
    assert broken_at(store) is None


def test_an_untouched_chain_verifies(chain):
    assert broken_at(chain) is None


def test_the_acts_of_one_transaction_are_one_row(store):
    act(store, "one", "two")
    with store.read() as work:
        assert work.connection.execute(select(audit.c.body)).scalars().all() == ['[{"act":"one"},{"act":"two"}]']


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        (update(audit).where(audit.c.seq == 2).values(body='[{"act":"2"}]'), 2),
        (update(audit).where(audit.c.seq == 1).values(at=audit.c.at + 1), 1),
        (update(audit).where(audit.c.seq == 2).values(digest="f" * 64), 2),
        (update(audit).where(audit.c.seq == 3).values(previous="0" * 64), 3),
        (delete(audit).where(audit.c.seq == 2), 3),
        (delete(audit).where(audit.c.seq == 1), 2),
    ],
    ids=["body", "time", "digest", "previous", "deleted", "first deleted"],
)
def test_the_first_changed_row_is_named(chain, statement, row):
    tamper(chain, statement)
    assert broken_at(chain) == row


def test_concurrent_transactions_make_one_chain(store, database_url):
    def work(number: int) -> None:
        with opened(database_url) as mine:
            for count in range(15):
                act(mine, f"{number}-{count}", at=NOW + timedelta(seconds=count))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert broken_at(store) is None
    with store.read() as read:
        assert len(read.connection.execute(select(audit.c.seq)).all()) == 60
