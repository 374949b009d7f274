"""Is a create the same for the same order, and inside the service's limits?"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from backends.base import Order
from backends.braket.request import create_request, region_of
from backends.braket.settings import settings_from
from backends.child import ChildError, ChildKilled
from backends.errors import Refused
from broker.domain.device import Device, Kind
from broker.domain.program import Format, Program
from tests.contract.promises import requirement

SETTINGS = settings_from({"QSUBMIT_BRAKET_SANDBOX_URL": "http://127.0.0.1:9"})
GARNET = Device(
    name="braket/iqm-garnet",
    backend="braket",
    vendor_id="arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet",
    kind=Kind.QPU,
    accepts=frozenset({Format.OPENQASM3}),
    max_points=100,
    extra=(("operations", "rx cz"), ("max_total_shots", "200000")),
)
SOURCE = Program.of(Format.OPENQASM3, "OPENQASM 3.0;")
NEED = requirement(Format.OPENQASM3, width=1, registers=(("c", 1),), parameters=("a",))
ORDER = Order(
    job="job-1", project="project-1", attempt="attempt-1", token="qsub-attempt-1", device=GARNET, program=SOURCE,
    requirement=NEED,
    shots=10, points=({"a": 0.5},),
)  # fmt: skip


SPOKEN = "OPENQASM 3.0;\ninput float a;\nqubit[1] q;\nbit[1] b;\nrx(2*a) q[0];\nb[0] = measure q[0];\n"


def spoken(wish):
    assert wish["operations"] == ["rx", "cz"]
    return {"source": SPOKEN, "qubits": 1, "bits": [0]}


def request(order=ORDER, translate=spoken):
    return create_request(order, SETTINGS, translate)


def test_the_same_order_is_the_same_request():
    assert request() == request()


def test_token_tags_and_place_of_results_name_the_attempt():
    made = request()
    assert made["clientToken"] == "qsub-attempt-1"
    assert made["tags"] == {"qsubmit:token": "qsub-attempt-1", "qsubmit:job": "job-1", "qsubmit:bits-0": "0"}
    assert made["outputS3KeyPrefix"] == "qsubmit/qsub-attempt-1"
    assert made["outputS3Bucket"] == "amazon-braket-qsubmit-eu-north-1"


def test_one_point_is_a_program_and_more_are_a_set():
    one = json.loads(request()["action"])
    assert (one["source"], one["inputs"]) == (SPOKEN, {"a": 0.5})
    made = request(replace(ORDER, points=({"a": 0.5}, {"a": 1.5})))
    many = json.loads(made["action"])
    assert many["braketSchemaHeader"]["name"] == "braket.ir.openqasm.program_set"
    assert many["programs"][0]["inputs"] == {"a": [0.5, 1.5]}
    assert made["shots"] == 20


def test_actions_and_parameters_parse_with_the_vendors_schemas():
    from braket.device_schema.simulators import GateModelSimulatorDeviceParameters
    from braket.ir.openqasm import Program as OpenQasm
    from braket.ir.openqasm import ProgramSet

    assert OpenQasm.parse_raw_schema(request()["action"]).source == SPOKEN
    many = request(replace(ORDER, points=({"a": 0.5}, {"a": 1.5})))
    assert ProgramSet.parse_raw_schema(many["action"]).num_executables == 2
    GateModelSimulatorDeviceParameters.parse_raw_schema(many["deviceParameters"])


@pytest.mark.parametrize("provider", ["ionq", "rigetti"])
def test_providers_with_parameters_of_their_own_get_those(provider):
    from braket.schema_common import BraketSchemaBase

    device = replace(GARNET, vendor_id=f"arn:aws:braket:us-east-1::device/qpu/{provider}/Some-1")
    parameters = request(replace(ORDER, device=device))["deviceParameters"]
    assert provider in type(BraketSchemaBase.parse_raw_schema(parameters)).__name__.lower()


def test_a_reservation_travels_as_an_association():
    arn = "arn:aws:braket:eu-north-1:111122223333:reservation/1"
    made = request(replace(ORDER, options={"reservation_arn": arn}))
    assert made["associations"] == [{"arn": arn, "type": "RESERVATION_TIME_WINDOW_ARN"}]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"points": ({"a": 1.0},) * 101}, "takes 100 points"),
        ({"points": ({"a": 1.0},) * 100, "shots": 3000}, "takes 200000 shots"),
        ({"device": replace(GARNET, sweeps=False), "points": ({"a": 1.0},) * 2}, "one parameter set"),
        ({"device": replace(GARNET, accepts=frozenset({Format.AHS}))}, "does not accept"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_before_anything_is_sent(changes, reason):
    with pytest.raises(Refused, match=reason):
        request(replace(ORDER, **changes))


def test_simulators_run_at_home():
    simulator = replace(GARNET, vendor_id="arn:aws:braket:::device/quantum-simulator/amazon/sv1")
    assert region_of(replace(ORDER, device=simulator), SETTINGS) == "us-east-1"
    assert region_of(ORDER, SETTINGS) == "eu-north-1"


def test_a_translator_that_fails_refuses_the_program():
    def raises(wish):
        where = {"code": "program_invalid", "line": 3}
        raise ChildError(kind="Refused", message="no such gate", where=where, tail="")

    with pytest.raises(Refused, match="no such gate") as caught:
        request(translate=raises)
    assert (caught.value.code, caught.value.line) == ("program_invalid", 3)

    def killed(wish):
        raise ChildKilled("cpu")

    with pytest.raises(Refused, match="processor time"):
        request(translate=killed)


def test_an_analog_program_gets_its_header():
    device = replace(GARNET, accepts=frozenset({Format.AHS}))
    program = Program.of(Format.AHS, '{"setup": {}, "hamiltonian": {}}')
    made = request(replace(ORDER, device=device, program=program))
    assert json.loads(made["action"])["braketSchemaHeader"]["name"] == "braket.ir.ahs.program"
    assert "deviceParameters" not in made
    with pytest.raises(Refused, match="no JSON"):
        request(replace(ORDER, device=device, program=Program.of(Format.AHS, "{")))
