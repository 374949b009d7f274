"""Does every booking sum to zero, and does no hold pass a limit anywhere in the tree?"""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.budget import (
    Budget,
    first_short,
    hold_entries,
    orphan_entries,
    release_entries,
    settle_entries,
)
from broker.domain.money import Money
from tests.support.jobs import job
from tests.support.values import currencies, micros


def won(amount):
    return Money(currency="KRW", micros=amount)


def balances(entries):
    sums = defaultdict(int)
    for entry in entries:
        sums[entry.account, entry.currency] += entry.micros
    return {account: total for account, total in sums.items() if total}


def per_currency(entries):
    sums = defaultdict(int)
    for entry in entries:
        sums[entry.currency] += entry.micros
    return set(sums.values()) - {0}


def budget(name="b", *, limit=100, held=0, spent=0, currency="KRW"):
    return Budget(id=name, owner=name, parent=None, currency=currency, limit_micros=limit, held=held, spent=spent)


def test_the_first_ancestor_that_lacks_the_money_is_named():
    chain = [budget("hub", limit=None), budget("org", limit=50), budget("project", limit=10)]
    assert first_short(chain, won(10)) is None
    assert first_short(chain, won(11)).id == "project"
    assert first_short(chain, won(51)).id == "org"


def test_what_is_held_and_spent_is_no_longer_there():
    assert first_short([budget(limit=100, held=40, spent=30)], won(30)) is None
    assert first_short([budget(limit=100, held=40, spent=30)], won(31)) is not None


def test_nothing_can_always_be_held():
    assert first_short([budget(limit=0)], won(0)) is None


def test_a_budget_in_another_currency_is_a_bug():
    with pytest.raises(ValueError, match="EUR"):
        first_short([budget(currency="EUR")], won(1))


@given(limits=st.lists(st.none() | st.integers(0, 100), max_size=5), amount=st.integers(0, 120))
def test_a_hold_that_is_allowed_passes_no_limit(limits, amount):
    chain = [budget(str(number), limit=limit) for number, limit in enumerate(limits)]
    short = first_short(chain, won(amount))
    assert (short is None) == all(limit is None or amount <= limit for limit in limits)


@given(held=micros, charged=micros, listed=micros, currency=currencies, loss=micros)
def test_every_booking_sums_to_zero_per_currency(held, charged, listed, currency, loss):
    of = job(held=won(held))
    for entries in (
        hold_entries(of),
        release_entries(of),
        settle_entries(of, charged=won(charged), listed=Money(currency=currency, micros=listed), loss=won(loss)),
        orphan_entries("pasqal", Money(currency=currency, micros=listed)),
    ):
        assert per_currency(entries) == set()
        assert all(entry.micros != 0 for entry in entries)


@given(held=micros)
def test_a_release_undoes_the_hold(held):
    of = job(held=won(held))
    assert balances(hold_entries(of) + release_entries(of)) == {}


@given(held=st.integers(1, 10**12), part=st.floats(0, 1), loss=micros, listed=st.integers(1, 10**9))
def test_after_the_bill_nothing_is_held_and_the_vendor_is_owed_what_it_lists(held, part, loss, listed):
    of = job(held=won(held))
    charged = won(int(held * part))
    dollars = Money(currency="USD", micros=listed)
    books = balances(hold_entries(of) + settle_entries(of, charged=charged, listed=dollars, loss=won(loss)))
    assert ("member:member-1:held", "KRW") not in books
    assert books.get(("member:member-1:spent", "KRW"), 0) == charged.micros
    assert books.get(("hub:daejeon:commitments", "KRW"), 0) == -charged.micros
    assert books.get(("hub:daejeon:vendor-cost", "KRW"), 0) == charged.micros
    assert books.get(("platform:loss", "KRW"), 0) == loss
    assert books.get(("clearing:KRW", "KRW"), 0) == -(charged.micros + loss)
    assert books["vendor:braket:payable", "USD"] == -listed
    assert books["clearing:USD", "USD"] == listed


def test_in_one_currency_the_clearing_account_is_empty():
    of = job(held=won(10))
    books = balances(settle_entries(of, charged=won(7), listed=won(7), loss=won(0)))
    assert ("clearing:KRW", "KRW") not in books


def test_an_orphan_is_the_platforms_loss_and_no_members():
    books = balances(orphan_entries("quandela", Money(currency="QCR", micros=5)))
    assert books == {("platform:loss", "QCR"): 5, ("vendor:quandela:payable", "QCR"): -5}
    assert {entry.job for entry in orphan_entries("quandela", Money(currency="QCR", micros=5))} == {None}


def test_entries_name_the_job_and_the_move():
    of = job(held=won(10))
    assert {(entry.job, entry.kind) for entry in hold_entries(of)} == {("job-1", "hold")}
    settled = settle_entries(of, charged=won(4), listed=won(6), loss=won(2))
    assert {entry.kind for entry in settled} == {"release", "settle", "loss"}
