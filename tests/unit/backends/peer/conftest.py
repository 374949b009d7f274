"""A peer without a network: the adapter's requests go to a real gateway in this process."""

import pytest

from backends.environment import Secret
from backends.peer.hub import Hub
from backends.peer.settings import Peer
from broker.services import seed
from broker.store import tables
from tests.support.gateway import NOW
from tests.support.peer_wire import DEVICES, Wire


@pytest.fixture
def world(gateway):
    with gateway.store.write() as work:
        for backend in sorted({device.backend for device in DEVICES}):
            mine = [device for device in DEVICES if device.backend == backend]
            work.catalogue.put_devices(backend, "token", mine, NOW)
        loan = {"id": "loan", "hub_id": seed.seed_id("hub", "daejeon"), "pattern": "peer/*", "source": "test"}
        work.people.put(tables.agreements, loan | {"starts": None, "ends": None})
    return gateway


@pytest.fixture
def wire(world):
    return Wire(world)


@pytest.fixture
def hub(wire):
    made = Hub(Peer(name="seoul", url="http://127.0.0.1:1", key=Secret("k")), timeout_s=1.0)
    made._transport = wire
    return made
