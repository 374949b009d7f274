"""Does a peer's device list become ours, with what only its quotes tell?"""

from __future__ import annotations

import pytest

from backends.errors import Unauthorized
from broker.domain.device import Kind, Status
from broker.domain.money import convert
from broker.domain.price import Usage, charge, flat
from tests.support.peer_wire import problem


def offered(hub):
    return {device.vendor_id: device for device in hub.devices()}


def test_only_what_is_open_to_us_and_no_peer_of_the_peer_is_offered(hub):
    shown = offered(hub)
    assert set(shown) == {"local/timed", "local/points", "braket/single", "braket/unpriced"}


def test_a_device_bears_the_hubs_name_and_ours(hub):
    device = offered(hub)["local/timed"]
    assert device.name == "peer/seoul-local-timed"
    assert device.backend == "peer"
    assert device.kind is Kind.SIMULATOR
    assert dict(device.extra)["hub"] == "seoul"


def test_the_worst_case_is_what_the_peer_holds(hub):
    shown = offered(hub)
    assert shown["local/timed"].max_run_ms == 120_000
    assert shown["local/points"].max_run_ms == 10_000


def test_abilities_that_the_list_does_not_tell_come_from_quotes(hub):
    shown = offered(hub)
    assert (shown["local/timed"].dynamic, shown["local/points"].dynamic) == (True, False)
    assert (shown["braket/single"].sweeps, shown["local/points"].sweeps) == (False, True)
    assert (shown["local/timed"].run_per_point, shown["local/points"].run_per_point) == (False, True)
    assert shown["local/timed"].max_memory_bytes == 16 << 26
    assert shown["local/timed"].methods == ("statevector", "stabilizer")


def test_a_price_in_the_peers_own_currency_is_its_row(hub):
    price = offered(hub)["local/timed"].price
    assert (price.currency, price.components) == ("KRW", flat(per_second=5_000_000))
    assert price.device == "peer/seoul-local-timed"
    assert price.source == "hub seoul: invented for this test"


def test_a_price_in_a_vendors_currency_is_what_the_peer_bills(hub, world):
    price = offered(hub)["braket/single"].price
    rate = world.room.market.now(world.clock()).snapshot.rates["USD", "KRW"]
    theirs = next(d for d in world.room.market.now(world.clock()).snapshot.devices if d.name == "braket/single").price
    usage = Usage(tasks=2, shots=2000)
    ours, billed = charge(price, usage), convert(charge(theirs, usage), rate)
    assert ours.currency == billed.currency == "KRW"
    assert 0 <= ours.micros - billed.micros <= 3_000


def test_a_device_without_a_price_there_is_off_here(hub):
    device = offered(hub)["braket/unpriced"]
    assert device.price is None
    assert device.status is Status.OFFLINE
    assert "no price" in device.notes


def test_what_is_no_longer_offered_is_offline(hub, world):
    offered(hub)
    with world.store.write() as work:
        work.catalogue.put_devices("local", "rerun", [], world.clock())
    world.room.market._posted = None
    assert offered(hub)["local/timed"].status is Status.OFFLINE


def test_quotes_are_asked_once_for_a_while(hub, wire):
    hub.devices()
    asked = len(wire.asked)
    hub.devices()
    assert len(wire.asked) == asked + 1


def test_a_key_that_may_not_ask_is_refused(hub, wire):
    wire.reply = problem(403, "forbidden")
    with pytest.raises(Unauthorized, match="our key"):
        hub.devices()
