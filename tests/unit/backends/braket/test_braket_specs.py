"""Does a capabilities document say of a device, qubit by qubit, what its vendor meant?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import pi

import pytest

from backends.braket.devices import name_of
from backends.braket.sandbox.cards import AQUILA, CARDS
from backends.braket.sandbox.devices import capabilities
from backends.braket.specs import specs_of
from broker.domain.specs import Angle, Qubit
from broker.domain.specs_document import sealed
from broker.domain.specs_document import specs_of as loaded

GATES = {"braket.ir.openqasm.program": {"supportedOperations": ["h", "cnot"]}}


def specs(provider="IQM", **parts):
    return specs_of("braket/x", provider, json.dumps({"action": GATES} | parts))


def paradigm(graph, *, full=False, native=("cz",), count=3):
    connectivity = {"fullyConnected": full, "connectivityGraph": graph}
    return {"qubitCount": count, "nativeGateSet": list(native), "connectivity": connectivity}


@pytest.mark.parametrize("card", [card for card in CARDS if card.arn != AQUILA], ids=lambda card: card.name)
def test_each_card_has_specs_that_can_be_stored(card):
    found = specs_of(name_of(card.arn), "P", capabilities(card.arn))
    assert loaded(json.loads(sealed(found)[0])) == found
    assert found.gate.native == tuple(card.native)
    assert len(found.gate.qubits) == (card.width if card.is_qpu else 0)
    assert (found.gate.edges is None) is (not card.side)
    if card.side:
        assert len(found.gate.edges) == 2 * card.width - card.side - card.width // card.side


def test_an_atom_array_has_no_gates_and_its_vendors_own_document():
    found = specs_of(name_of(AQUILA), "QuEra", capabilities(AQUILA))
    assert found.gate is None
    assert "rydberg" in json.loads(found.vendor)["paradigm"]


def test_labels_begin_where_they_begin_and_may_have_holes():
    found = specs(paradigm=paradigm({"1": ["2", "10"], "2": ["1"], "10": ["4"], "4": []})).gate
    assert found.qubits == ("1", "2", "4", "10")
    assert found.edges == (("1", "2"), ("1", "10"), ("4", "10"))


def test_all_to_all_has_every_label_and_no_list_of_pairs():
    found = specs(paradigm=paradigm({}, full=True)).gate
    assert (found.qubits, found.edges) == (("0", "1", "2"), None)


def test_a_simulator_has_neither():
    found = specs(paradigm={"qubitCount": 34}).gate
    assert (found.qubits, found.edges, found.native) == ((), None, ())


def test_figures_are_those_of_each_qubit_and_each_pair():
    standard = {
        "updatedAt": "2026-11-02T06:00:00Z",
        "oneQubitProperties": {
            "1": {
                "T1": {"value": 4e-5, "unit": "S"},
                "T2": {"value": 2e-5, "unit": "us"},
                "oneQubitFidelity": [
                    {"fidelityType": {"name": "READOUT"}, "fidelity": 0.97},
                    {"fidelityType": {"name": "RANDOMIZED_BENCHMARKING"}, "fidelity": 0.999},
                    {"fidelityType": {"name": "SIMULTANEOUS_RANDOMIZED_BENCHMARKING"}, "fidelity": 0.99},
                ],
            },
            "2": {"oneQubitFidelity": []},
        },
        "twoQubitProperties": {
            "2-1": {
                "twoQubitGateFidelity": [
                    {"gateName": "CZ", "fidelity": 0.99},
                    {"gateName": "CZ", "fidelity": 0.5},
                    {"gateName": "ISwap", "fidelity": 0.98},
                ]
            },
            "1-3": {"twoQubitGateFidelity": []},
        },
    }
    found = specs(standardized=standard, paradigm=paradigm({"1": ["2"]}))
    assert found.as_of == datetime(2026, 11, 2, 6, tzinfo=UTC)
    assert found.gate.one_qubit == (("1", Qubit(error=0.001, readout=0.03, t1=4e-5)), ("2", Qubit()))
    assert found.gate.two_qubit == ((("1", "2"), (("cz", 0.01), ("iswap", 0.02))),)
    assert found.gate.qubits == ("1", "2", "3")


@pytest.mark.parametrize(
    ("provider", "native", "angles"),
    [
        ("Rigetti", "rx", (Angle(values=(-pi, -pi / 2, pi / 2, pi)),)),
        ("IonQ", "MS", (None, None, Angle(least=0.0, most=pi / 2))),
    ],
)
def test_angles_are_told_where_a_machine_has_only_some(provider, native, angles):
    assert specs(provider, paradigm=paradigm({}, native=(native, "rz"))).gate.angles == ((native, angles),)
    assert specs("IQM", paradigm=paradigm({}, native=(native,))).gate.angles == ()
