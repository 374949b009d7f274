"""Is what a worker has counted and stored the same as counting anew, and never counted twice?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from broker.metrics import Metrics
from broker.services.count import SETTLED, count, count_journal, count_moves
from broker.store import tables
from broker.store.counts import ENTRIES, EVENTS
from tests.support.books import day
from tests.unit.metrics.test_metrics import samples


@pytest.fixture
def books(tmp_path):
    with day(tmp_path) as made:
        yield made


def told(books):
    """What a gateway tells that starts now, without what is of this moment."""
    found = samples(books, Metrics())
    return {name: rows for name, rows in found.items() if not name.endswith(("_created", "_ahead_seconds"))}


def position(books, name):
    with books.store.read() as work:
        return work.counts.position(name)


def counted(books, most):
    rounds = 1
    while count_moves(books.store, most):
        rounds += 1
    return rounds


@pytest.mark.parametrize("most", [1, 7, 10_000])
def test_a_gateway_that_starts_after_a_count_tells_the_same(books, most):
    books.work(jobs=2)
    before = told(books)
    assert counted(books, most) >= 10 // most
    assert position(books, EVENTS) > 10
    assert told(books) == before
    books.work(jobs=1)
    fresh = told(books)
    with books.store.write() as work:
        work.connection.execute(tables.counts.delete())
    assert told(books) == fresh != before


def test_what_was_counted_is_not_read_again(books):
    books.work(jobs=2)
    counted(books, 10_000)
    before = told(books)
    last = position(books, EVENTS)
    with books.store.write() as work:
        work.connection.execute(tables.events.delete().where(tables.events.c.seq < last))
    assert told(books)["qsubmit_job_transitions_total"] == before["qsubmit_job_transitions_total"]
    assert told(books)["qsubmit_job_wait_seconds_sum"] == before["qsubmit_job_wait_seconds_sum"]
    assert told(books)["qsubmit_spend_krw_total"] == before["qsubmit_spend_krw_total"]


def test_counting_again_adds_nothing(books):
    books.work(jobs=1)
    count(books.store, books.clock())
    with books.store.read() as work:
        stored = work.counts.stored()
    for _ in range(3):
        count(books.store, books.clock())
    with books.store.read() as work:
        assert work.counts.stored() == stored


def test_whoever_counted_the_same_meanwhile_is_not_counted_twice(books):
    books.work(jobs=1)
    with books.store.read() as work:
        found = work.counts.between(0, 3)
    counted(books, 10_000)
    with books.store.write() as work:
        assert not work.counts.stands(EVENTS, 0)
        assert work.counts.stands(EVENTS, work.events.last())
        assert found[("move", "none", "accepted", "braket")] >= 1


def test_lines_of_the_journal_count_once_nothing_can_appear_among_them_any_more(books):
    books.work(jobs=2)
    with books.store.read() as work:
        newest, sums = work.counts.newest_entry(), work.counts.journal(0)
    assert sums["journal", "KRW"] == 0
    at = books.clock()
    count_journal(books.store, at)
    count_journal(books.store, at + SETTLED - timedelta(seconds=1))
    assert position(books, ENTRIES) == 0
    count_journal(books.store, at + SETTLED)
    assert position(books, ENTRIES) == newest
    before = told(books)
    with books.store.write() as work:
        work.connection.execute(tables.entries.delete().where(tables.entries.c.seq <= newest))
    assert told(books)["qsubmit_platform_loss_krw"] == before["qsubmit_platform_loss_krw"]
    assert set(told(books)["qsubmit_unaccounted_krw"].values()) == {0}


def test_an_imbalance_shows_whether_it_was_counted_or_not(books):
    def spoil(micros):
        row = {"account": "x", "currency": "KRW", "micros": micros, "kind": "hold", "job_id": None, "at": 0}
        with books.store.write() as work:
            work.connection.execute(tables.entries.insert(), row)

    spoil(-3_000_000)
    at = books.clock()
    count_journal(books.store, at)
    count_journal(books.store, at + SETTLED)
    assert position(books, ENTRIES) > 0
    assert set(told(books)["qsubmit_unaccounted_krw"].values()) == {3}
    spoil(1_000_000)
    assert set(told(books)["qsubmit_unaccounted_krw"].values()) == {2}
