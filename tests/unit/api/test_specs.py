"""Can a client read what a device is made of, and does it load that once per version?"""

from __future__ import annotations

import hashlib
import json

import pytest

from broker.api.schemas import SpecsView
from broker.domain.specs import GateSpecs, Qubit, Specs
from broker.domain.specs_document import sealed
from tests.support.gateway import NOW

NAME = "braket/garnet"
SPECS = Specs(
    device=NAME,
    gate=GateSpecs(
        native=("cz", "prx"),
        supported=("h", "cnot"),
        qubits=("1", "2"),
        edges=(("1", "2"),),
        one_qubit=(("1", Qubit(error=0.001)),),
        two_qubit=((("1", "2"), (("cz", 0.01),)),),
    ),
    vendor='{"paradigm": {}}',
)


@pytest.fixture
def published(both):
    body, sha256 = sealed(SPECS)
    with both.store.write() as work:
        work.specs.put(NAME, sha256, body, NOW)
    return both


def read(world, name=NAME, **headers):
    return world.call("ada", "GET", f"/v1/devices/{name}/specs", headers=headers)


def test_a_device_says_what_it_is_made_of(published):
    answer = read(published)
    body = answer.json()
    assert answer.status_code == 200
    assert SpecsView(**body).sha256 == sealed(SPECS)[1]
    assert body["gate"]["edges"] == [["1", "2"]]
    assert body["gate"]["one_qubit"] == {"1": {"error": 0.001, "t1": None, "t2": None, "readout": None}}
    assert body["vendor"] == {"paradigm": {}}


def test_the_hash_is_that_of_the_rest(published):
    body = read(published).json()
    sha256 = body.pop("sha256")
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == sha256


def test_a_version_that_is_known_is_not_sent_again(published):
    tag = read(published).headers["etag"]
    again = read(published, **{"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert read(published, **{"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("name", ["pasqal/gates", "nowhere/at-all", "nowhere"])
def test_what_is_not_published_is_not_found(published, name):
    answer = read(published, name)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_list_of_devices_stands_as_before(published):
    names = {device["name"] for device in published.call("ada", "GET", "/v1/devices").json()["devices"]}
    assert NAME in names


def test_a_key_without_the_scope_reads_nothing(published):
    key = published.key("ada", ["jobs:read"])
    answer = published.call("ada", "GET", f"/v1/devices/{NAME}/specs", key=key)
    assert answer.status_code == 403
