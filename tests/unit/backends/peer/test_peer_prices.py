"""Is a peer's bill our bill, to the micro-unit, and is a price row never changed?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backends.peer.prices import PriceBook, row_of, usage_of
from backends.peer.probes import Figures
from broker.domain.money import Money
from broker.domain.price import Component, Price, Unit, Usage, charge, flat

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FLAT = flat(per_task=300_000, per_shot=1_450)
ROW = Price(id="p1", device="", currency="USD", components=FLAT, as_of=NOON, source="page")


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


SHOWN = {"id": "p1", "currency": "KRW", "as_of": "2026-11-20T12:00:00Z", "source": "page"}
JOB = {"points": 2, "shots": 100, "cost": {"charged": "0.7", "currency": "KRW"}, "latency": {"run_s": 1.5}}


def test_a_peer_of_the_release_before_shows_four_figures():
    row = row_of(SHOWN | {"per_task": "0.3", "per_shot": "0.00145", "per_second": "2", "minimum_s": "3"})
    assert row.components == flat(per_task=300_000, per_shot=1_450, per_second=2_000_000, minimum_ms=3_000)


def test_a_peer_that_shows_components_is_read_by_them_alone():
    part = {"unit": "ms", "rate": "0.02", "per": 10, "step": 10}
    nulls = {"per_task": None, "per_shot": None, "per_second": None, "minimum_s": None}
    row = row_of(SHOWN | nulls | {"components": [part], "minimum": "0.5"})
    assert row.components == (Component(unit=Unit.MS, rate=20_000, per=10, step=10),)
    assert row.minimum == 500_000


def test_a_peers_tiers_are_held_at_the_dearest():
    tiers = [[14_400_000, "517.88"]]
    part = {"unit": "ms", "rate": "3106.4", "per": 3_600_000, "tiers": tiers}
    row = row_of(SHOWN | {"components": [part], "counter": "pasqal/qpu"})
    price = PriceBook("seoul", clock=Clock()).price("peer/seoul-x", row, None)
    assert (price.components, price.counter) == ((Component(unit=Unit.MS, rate=3_106_400_000, per=3_600_000),), "")


def test_what_the_peer_has_charged_is_the_bill_whatever_the_formula_says(book):
    price = book.price("peer/seoul-x", replace(ROW, currency="KRW"), None)
    usage = usage_of(JOB, None)
    assert (usage.tasks, usage.shots, usage.run_ms) == (1, 200, 1_500)
    assert charge(price, usage) == Money(currency="KRW", micros=700_000)


def test_a_peer_that_has_not_charged_yet_or_in_other_money_is_reckoned_by_its_row(book):
    price = book.price("peer/seoul-x", ROW, None)
    for cost in ({"charged": None, "currency": "KRW"}, JOB["cost"]):
        usage = usage_of(JOB | {"cost": cost}, None)
        assert charge(price, usage) == Money(currency="USD", micros=300_000 + 200 * 1_450)


def test_a_row_in_the_peers_currency_keeps_its_date_and_amounts(book):
    listed = Money(currency="USD", micros=5)
    price = book.price("peer/seoul-x", ROW, Figures(cost=listed, listed=listed, run_s=1.0))
    assert (price.currency, price.as_of, price.components) == ("USD", NOON, FLAT)
    assert price == book.price("peer/seoul-x", ROW, None)


def test_the_same_row_of_two_devices_has_two_ids(book):
    assert book.price("peer/seoul-x", ROW, None).id != book.price("peer/seoul-y", ROW, None).id
    assert len(book.price("peer/seoul-x", ROW, None).id) <= 64


def test_a_converted_row_stays_the_same_until_the_rate_moves_and_is_then_the_later_one(book, clock):
    first = book.price("d", ROW, figures(1_400_000_000))
    assert (first.currency, first.components) == ("KRW", flat(per_task=420_000_000, per_shot=2_030_000))
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
    free = replace(ROW, components=())
    nothing = Figures(cost=Money(currency="KRW", micros=0), listed=Money(currency="USD", micros=0), run_s=1.0)
    assert charge(book.price("d", free, nothing), Usage(shots=1000)) == Money(currency="KRW", micros=0)
