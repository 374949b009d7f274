"""Is a version of a device's specifications its content, and its content what was published?"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from math import nan

import pytest

from broker.domain import specs_document
from broker.domain.specs import Angle, GateSpecs, Qubit, Specs
from broker.domain.specs_document import sealed, specs_of

SPECS = Specs(
    device="braket/garnet",
    gate=GateSpecs(
        native=("rx", "cz"),
        supported=("h", "cnot"),
        qubits=("1", "2", "10"),
        edges=(("1", "2"), ("2", "10")),
        one_qubit=(("1", Qubit(error=0.001, t1=4e-5, readout=0.02)),),
        two_qubit=((("1", "2"), (("cz", 0.005),)),),
        angles=(("rx", (Angle(values=(-1.5, 1.5)),)), ("ms", (None, Angle(least=0.0, most=1.5)))),
    ),
    vendor='{"a": 1}',
    as_of=datetime(2026, 11, 1, tzinfo=UTC),
)


def test_the_document_has_the_shape_of_the_interface():
    body = json.loads(sealed(SPECS)[0])
    assert body == {
        "device": "braket/garnet",
        "gate": {
            "native": ["rx", "cz"],
            "supported": ["h", "cnot"],
            "qubits": ["1", "2", "10"],
            "edges": [["1", "2"], ["2", "10"]],
            "one_qubit": {"1": {"error": 0.001, "t1": 4e-5, "t2": None, "readout": 0.02}},
            "two_qubit": {"1-2": {"cz": 0.005}},
            "angles": {"rx": [{"values": [-1.5, 1.5]}], "ms": [None, {"min": 0.0, "max": 1.5}]},
        },
        "analog": None,
        "photonic": None,
        "vendor": {"a": 1},
        "as_of": "2026-11-01T00:00:00+00:00",
    }


def test_what_is_loaded_equals_what_was_written():
    text, sha256 = sealed(SPECS)
    assert sealed(specs_of(json.loads(text))) == (text, sha256)
    assert sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [{"device": "braket/other"}, {"analog": "{}"}, {"vendor": '{"a": 2}'}, {"gate": GateSpecs()}, {"as_of": None}],
    ids=lambda change: next(iter(change)),
)
def test_another_content_is_another_version(change):
    assert sealed(replace(SPECS, **change))[1] != sealed(SPECS)[1]


def test_all_to_all_is_not_the_same_as_no_pair_at_all():
    assert sealed(replace(SPECS, gate=GateSpecs(edges=())))[1] != sealed(replace(SPECS, gate=GateSpecs()))[1]


def test_the_vendors_own_document_is_left_out_where_it_alone_is_too_long(monkeypatch):
    monkeypatch.setattr(specs_document, "MOST_BYTES", 2000)
    long = replace(SPECS, vendor=json.dumps("x" * 2001))
    assert json.loads(sealed(long)[0]) == json.loads(sealed(replace(SPECS, vendor=None))[0])
    with pytest.raises(ValueError, match="2000 bytes"):
        sealed(replace(SPECS, analog="y" * 2001))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("device",), 7),
        (("gate", "native"), "cz"),
        (("gate", "edges"), [["1"]]),
        (("gate", "edges"), [["1", "2", "3"]]),
        (("gate", "qubits"), [1]),
        (("gate", "one_qubit"), {"1": {"error": "0.1", "t1": None, "t2": None, "readout": None}}),
        (("gate", "one_qubit"), {"1": {"error": nan, "t1": None, "t2": None, "readout": None}}),
        (("gate", "one_qubit"), {"1": {"error": True, "t1": None, "t2": None, "readout": None}}),
        (("gate", "two_qubit"), {"12": {"cz": 0.1}}),
        (("gate", "angles"), {"rx": [{"min": 0}]}),
        (("as_of",), "yesterday"),
        (("analog",), {}),
    ],
)
def test_a_document_of_another_shape_is_none(place, value):
    body = json.loads(sealed(SPECS)[0])
    part = body if len(place) == 1 else body[place[0]]
    part[place[-1]] = value
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        specs_of(body)
