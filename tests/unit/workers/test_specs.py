"""Do workers write down what devices are made of: what is new, and nothing else?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from backends.errors import Busy
from broker.domain.specs import GateSpecs, Specs
from broker.domain.specs_document import sealed
from broker.reads.specs import present
from tests.support.routing_world import GATE, qpu
from workers.specs import keep_specs

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
GARNET, OTHER = (qpu(name, GATE, width=20) for name in ("braket/garnet", "braket/other"))


@dataclass
class Vendor:
    name: str = "braket"
    says: dict[str, object] = field(default_factory=dict)

    def specs(self, device):
        found = self.says.get(device.name)
        if isinstance(found, Exception):
            raise found
        return found


def specs(device, *native):
    return Specs(device=device.name, gate=GateSpecs(native=native))


@pytest.fixture
def seen(store):
    with store.write() as work:
        work.catalogue.put_devices("braket", "token", [GARNET, OTHER], AT)
    return store


def test_a_version_is_written_once(seen):
    vendor = Vendor(says={GARNET.name: specs(GARNET, "cz"), OTHER.name: None})
    assert keep_specs(seen, vendor, [GARNET, OTHER], AT) == 1
    assert keep_specs(seen, vendor, [GARNET, OTHER], AT) == 0
    assert present(seen, GARNET.name).sha256 == sealed(specs(GARNET, "cz"))[1]
    vendor.says[GARNET.name] = specs(GARNET, "cz", "prx")
    assert keep_specs(seen, vendor, [GARNET, OTHER], AT) == 1
    assert present(seen, GARNET.name).sha256 == sealed(specs(GARNET, "cz", "prx"))[1]


@pytest.mark.parametrize(
    "trouble", [Busy("away"), ValueError("no JSON"), KeyError("gate")], ids=lambda t: type(t).__name__
)
def test_one_device_that_cannot_be_read_keeps_no_other_from_its_own_and_what_was_known_stays(seen, trouble):
    vendor = Vendor(says={GARNET.name: specs(GARNET, "cz")})
    keep_specs(seen, vendor, [GARNET, OTHER], AT)
    vendor.says = {GARNET.name: trouble, OTHER.name: specs(OTHER, "cz")}
    assert keep_specs(seen, vendor, [GARNET, OTHER], AT) == 1
    assert present(seen, GARNET.name).sha256 == sealed(specs(GARNET, "cz"))[1]
    assert present(seen, OTHER.name).sha256 == sealed(specs(OTHER, "cz"))[1]


def test_a_device_that_could_not_be_stored_gets_no_version(seen):
    ghost = qpu("braket/ghost", GATE, width=20)
    assert keep_specs(seen, Vendor(says={ghost.name: specs(ghost, "cz")}), [ghost], AT) == 0
