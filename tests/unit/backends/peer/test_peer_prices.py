"""Is a peer's bill our bill, to the micro-unit, and is a price row never changed?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.peer.prices import PriceBook, Row, billed_ms
from backends.peer.probes import Figures
from broker.domain.money import Money
from broker.domain.price import Price, Usage, charge

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROW = Row(id="p1", currency="USD", amounts=(300_000, 1_450, 0), minimum_ms=0, as_of=NOON, source="page")
amounts = st.integers(0, 10**9)


def figures(rate, listed=1_000_000):
    cost = Money(currency="KRW", micros=-(-listed * rate // 1_000_000))
    return Figures(cost=cost, listed=Money(currency="USD", micros=listed), run_s=1.0)


class Clock:
    def __init__(self):
        self.at = NOON

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def book(clock):
    return PriceBook("seoul", clock=clock)


@given(per_task=amounts, per_shot=amounts, per_second=st.integers(1, 10**9), usage=st.builds(
    Usage, tasks=st.integers(1, 100), shots=st.integers(0, 10**6), run_ms=st.integers(0, 10**8)))  # fmt: skip
def test_the_run_time_read_from_a_bill_gives_the_bill_again(per_task, per_shot, per_second, usage):
    price = Price(id="p", device="d", currency="KRW", per_task=per_task, per_shot=per_shot, per_second=per_second,
                  as_of=NOON, source="s")  # fmt: skip
    bill = charge(price, usage)
    read = billed_ms((per_task, per_shot, per_second), bill.micros, usage)
    assert charge(price, replace(usage, run_ms=read)) == bill


def test_where_time_costs_nothing_a_bill_tells_no_time():
    assert billed_ms((10, 1, 0), 100, Usage(shots=5)) is None


def test_a_row_in_the_peers_currency_keeps_its_date_and_amounts(book):
    listed = Money(currency="USD", micros=5)
    price = book.price("peer/seoul-x", ROW, Figures(cost=listed, listed=listed, run_s=1.0))
    assert (price.currency, price.as_of, price.per_task) == ("USD", NOON, 300_000)
    assert price == book.price("peer/seoul-x", ROW, None)


def test_the_same_row_of_two_devices_has_two_ids(book):
    assert book.price("peer/seoul-x", ROW, None).id != book.price("peer/seoul-y", ROW, None).id
    assert len(book.price("peer/seoul-x", ROW, None).id) <= 64


def test_a_converted_row_stays_the_same_until_the_rate_moves_and_is_then_the_later_one(book, clock):
    first = book.price("d", ROW, figures(1_400_000_000))
    assert (first.currency, first.per_task, first.per_shot) == ("KRW", 420_000_000, 2_030_000)
    assert first.as_of == NOON.replace(hour=0)
    clock.at += timedelta(minutes=5)
    assert book.price("d", ROW, figures(1_400_000_000)) == first
    second = book.price("d", ROW, figures(1_500_000_000))
    assert second.as_of == clock.at
    assert second.id != first.id


def test_a_worker_that_starts_on_the_same_day_finds_the_same_row(clock, book):
    first = book.price("d", ROW, figures(1_400_000_000))
    clock.at += timedelta(hours=3)
    assert PriceBook("seoul", clock=clock).price("d", ROW, figures(1_400_000_000)) == first


def test_what_is_free_stays_free_in_any_currency(book):
    free = replace(ROW, amounts=(0, 0, 0))
    nothing = Figures(cost=Money(currency="KRW", micros=0), listed=Money(currency="USD", micros=0), run_s=1.0)
    assert charge(book.price("d", free, nothing), Usage(shots=1000)) == Money(currency="KRW", micros=0)
