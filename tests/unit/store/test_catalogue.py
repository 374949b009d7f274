"""What is on offer, and is a row that decisions were made on ever changed?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from broker.domain.money import Rate
from broker.domain.price import flat
from broker.store.catalogue import OPERATOR, VENDOR
from tests.support.routing_world import GATE, price, qpu, simulator
from tests.support.values import devices

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
DAY = timedelta(days=1)
AER = simulator("local/aer", GATE, width=30)
GARNET = qpu("braket/garnet", GATE, width=20, price=price("braket/garnet", "USD", task="0.3"))


def put(store, *seen, backend="braket", at=NOW):
    with store.write() as work:
        work.catalogue.put_devices(backend, "token", seen, at)


def look(store, verb, *arguments):
    with store.read() as work:
        return getattr(work.catalogue, verb)(*arguments)


def test_devices_come_back_equal(store):
    put(store, GARNET)
    assert look(store, "devices") == [GARNET]
    assert look(store, "device", "braket/garnet") == GARNET
    assert look(store, "device", "braket/other") is None


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(devices)
def test_every_device_survives_the_store(file_store, device):
    put(file_store, device, backend="b")
    assert look(file_store, "devices") == [device]


def test_a_device_that_the_vendor_no_longer_lists_is_gone_and_other_backends_stay(store):
    put(store, GARNET, replace(GARNET, name="braket/forte"))
    put(store, AER, backend="local")
    put(store, GARNET)
    assert sorted(device.name for device in look(store, "devices")) == ["braket/garnet", "local/aer"]


def test_recovery_classes_are_known_by_backend(store):
    put(store, GARNET)
    assert look(store, "recoveries") == {"braket": "token"}


def test_a_device_brings_its_price(store):
    put(store, GARNET)
    assert look(store, "prices", NOW) == [(GARNET.price, VENDOR)]
    assert look(store, "price", GARNET.price.id) == GARNET.price


def test_a_known_price_row_is_never_changed(store):
    for task in ("0.3", "0.4"):
        with store.write() as work:
            work.catalogue.put_prices([price("braket/garnet", "USD", task=task)], OPERATOR)
    ((kept, _),) = look(store, "prices", NOW)
    assert kept.components == flat(per_task=300_000)


def test_a_known_rate_row_is_never_changed(store):
    rate = Rate(id="r", base="USD", quote="KRW", micros=1, as_of=NOW, source="s")
    for micros in (1, 2):
        with store.write() as work:
            work.catalogue.put_rate(replace(rate, micros=micros))
    assert look(store, "rate", "r") == rate
    assert look(store, "rate", "absent") is None


def test_rows_are_in_force_from_their_day_on_and_come_oldest_first(store):
    rows = [replace(price("d", "USD"), id=f"p{day}", as_of=NOW + day * DAY) for day in (1, -1, 0, -2)]
    rates = [
        Rate(id=f"r{day}", base="USD", quote="KRW", micros=1, as_of=NOW + day * DAY, source="s") for day in (1, 0, -1)
    ]
    with store.write() as work:
        work.catalogue.put_prices(rows, OPERATOR)
        for rate in rates:
            work.catalogue.put_rate(rate)
    assert [row.id for row, _ in look(store, "prices", NOW)] == ["p-2", "p-1", "p0"]
    assert [row.id for row in look(store, "rates", NOW)] == ["r-1", "r0"]


@pytest.mark.parametrize(("until", "paused"), [(None, True), (NOW + DAY, True), (NOW, False)])
def test_a_pause_holds_until_its_time(store, until, paused):
    with store.write() as work:
        work.catalogue.pause("braket", "why", NOW, until)
    assert look(store, "pauses", NOW) == ({"braket": "why"} if paused else {})


def test_a_pause_can_be_changed_and_lifted(store):
    with store.write() as work:
        work.catalogue.pause("braket", "why", NOW, None)
        work.catalogue.pause("braket", "another", NOW, None)
    assert look(store, "pauses", NOW) == {"braket": "another"}
    with store.write() as work:
        work.catalogue.resume("braket")
    assert look(store, "pauses", NOW) == {}
