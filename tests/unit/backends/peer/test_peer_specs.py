"""Is what a peer's device is made of passed on, under our name, and asked no more often than it changes?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from backends.exchange import Unsent
from backends.peer import specs as desk
from broker.domain.device import Status
from broker.domain.specs import GateSpecs, Specs
from broker.domain.specs_document import sealed
from tests.support.gateway import NOW

MADE = GateSpecs(native=("cz",), qubits=("1", "2"), edges=(("1", "2"),))


def publish(world, name, gate=MADE):
    body, sha256 = sealed(Specs(device=name, gate=gate))
    with world.store.write() as work:
        work.specs.put(name, sha256, body, NOW)


@pytest.fixture
def device(hub):
    return next(each for each in hub.devices() if each.vendor_id.startswith("braket/"))


@pytest.fixture
def asked(wire, monkeypatch):
    found, ask = [], wire.ask

    def noted(method, path, **more):
        reply = ask(method, path, **more)
        found.append((path, reply.status))
        return reply

    monkeypatch.setattr(wire, "ask", noted)
    return found


def test_a_peers_specs_are_ours_under_our_name(world, hub, device):
    publish(world, device.vendor_id)
    assert hub.specs(device) == Specs(device=device.name, gate=MADE)


def test_they_are_asked_again_after_a_while_and_sent_only_if_they_changed(world, hub, device, asked, monkeypatch):
    publish(world, device.vendor_id)
    path = f"/v1/devices/{device.vendor_id}/specs"
    assert hub.specs(device) == hub.specs(device)
    assert asked == [(path, 200)]
    monkeypatch.setattr(desk, "LAST_S", -1.0)
    hub._specs = desk.SpecsDesk("seoul")
    first = hub.specs(device)
    assert hub.specs(device) == first
    publish(world, device.vendor_id, replace(MADE, native=("prx",)))
    assert hub.specs(device).gate.native == ("prx",)
    assert asked[1:] == [(path, 200), (path, 304), (path, 200)]


def test_where_the_peer_publishes_nothing_there_is_nothing(hub, device, asked):
    assert hub.specs(device) is None
    assert [status for _, status in asked] == [404]


def test_a_peer_that_is_away_is_left_alone_and_what_it_said_last_stands(world, hub, device, wire, monkeypatch):
    publish(world, device.vendor_id)
    known, tries = hub.specs(device), []

    def away(*asked, **_):
        tries.append(asked)
        raise Unsent("away")

    monkeypatch.setattr(wire, "ask", away)
    hub._specs._told = {name: replace(told, until=0.0) for name, told in hub._specs._told.items()}
    others = [each for each in hub._seen.values() if each.name != device.name]
    assert hub.specs(device) == known
    assert [hub.specs(each) for each in others] == [None] * len(others)
    assert len(tries) == 1
    assert hub.specs(replace(device, status=Status.OFFLINE)) == known
