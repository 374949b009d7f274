"""Are programs composed and results read as promised, in the child that may open Perceval's texts?"""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from backends.child import Child, ChildError
from backends.errors import Refused
from backends.quandela import desk
from backends.quandela.outcomes import outcome_of
from backends.quandela.request import create_request
from tests.support import quandela_programs as programs


@pytest.fixture(scope="module")
def child():
    one = Child(desk.TARGET, desk.LIMITS)
    yield one
    one.close()


def compose(child, text, *, commands="probs,sample_count,samples", points=({},)):
    order = programs.order(text, shots=100, points=points, on=programs.device(commands=commands))
    return create_request(order, child.call, max_duration_s=60, process="p")


def read(child, results, shots=None):
    return child.call({"ask": "read", "text": json.dumps(results), "shots": shots, "bits": None})


def counted(**states):
    return ":PCVL:BSCount:{" + ";".join(f"{key}={n}" for key, n in states.items()) + "}"


def zipped(text):
    return ":PCVL:zip:" + base64.b64encode(zlib.compress(text.encode())).decode()


def test_a_request_is_what_the_vendor_s_api_asks_for(child):
    body = compose(child, programs.source())
    assert body["platform_name"] == "sim:slos"
    work = body["payload"]
    assert (work["command"], work["max_shots"], work["max_samples"]) == ("sample_count", 100, 100)
    assert work["experiment"].startswith(":PCVL:")
    assert work["job_context"] is None
    assert "iterator" not in work


def test_a_sweep_is_one_request(child):
    text = programs.source(programs.INTERFEROMETER)
    points = [{"phi": 0.1 * n} for n in range(100)]
    iterator = compose(child, text, points=points)["payload"]["iterator"]
    assert iterator == [{"circuit_params": point} for point in points]


def test_probabilities_have_no_samples(child):
    work = compose(child, programs.source(command="probs"))["payload"]
    assert work["command"] == "probs"
    assert "max_samples" not in work


@pytest.mark.parametrize(
    ("wanted", "available", "sent"),
    [
        ("probs", ["sample_count", "samples"], "sample_count"),
        ("probs", ["samples"], "samples"),
        ("sample_count", ["probs"], "probs"),
        ("samples", ["probs", "sample_count"], "sample_count"),
    ],
)
def test_what_a_platform_lacks_is_replaced_without_asking_for_a_conversion(child, wanted, available, sent):
    work = compose(child, programs.source(command=wanted), commands=",".join(available))["payload"]
    assert work["command"] == sent
    assert work["job_context"] is None


UNFIT = [
    ("{", None),
    ("[]", ""),
    ("{}", "/circuit"),
    ('{"experiment": "x"}', "/experiment"),
    (programs.source(circuit=7), "/circuit"),
    (programs.source(circuit=":PCVL:ACircuit:%%%"), "/circuit"),
    (programs.source(circuit=":PCVL:BSCount:{|1,0>=1}"), "/circuit"),
    (programs.source(circuit="pcvlar 0 1 0 QuandelaRPCHandler"), "/circuit"),
    (programs.source(circuit=":PCVL:zip:AAAA"), "/circuit"),
    (programs.source(input_state="|1,x>"), "/input_state"),
    (programs.source(input_state="|1,1,1>"), "/input_state"),
    (programs.source(input_state=None), "/input_state"),
    (programs.source(noise={"brightness": 2}), "/noise"),
    (programs.source(noise={"colour": 1}), "/noise"),
    (programs.source(command="tomography"), "/command"),
]


@pytest.mark.parametrize(("text", "pointer"), UNFIT)
def test_a_program_that_cannot_be_sent_is_located(child, text, pointer):
    with pytest.raises((ChildError, Refused)) as caught:
        compose(child, text)
    assert (caught.value.code, caught.value.pointer) == ("program_invalid", pointer)


@pytest.mark.parametrize("points", [[{}], [{"psi": 1.0}], [{"phi": 1.0}, {}]])
def test_points_bind_exactly_the_circuit_s_parameters(child, points):
    with pytest.raises(Refused) as caught:
        compose(child, programs.source(programs.INTERFEROMETER), points=points)
    assert caught.value.code == "program_invalid"


def test_a_zipped_bomb_is_not_unpacked(child):
    bomb = zipped(":PCVL:ACircuit:" + "A" * (70 << 20))
    with pytest.raises(ChildError, match="more than") as caught:
        compose(child, programs.source(circuit=bomb))
    assert caught.value.code == "program_invalid"


def test_counts_are_read(child):
    answer = read(child, {"results": counted(**{"|2,0>": 60, "|0,2>": 40}), "global_perf": 1.0})
    assert answer["points"] == [{"counts": {"|2,0>": 60, "|0,2>": 40}}]
    assert answer["warnings"] == []


def test_samples_are_tallied(child):
    answer = read(child, {"results": ":PCVL:BSSamples:|2,0>;|0,2>/0;1;0"})
    assert answer["points"][0]["counts"] == {"|2,0>": 2, "|0,2>": 1}


def test_probabilities_become_counts_that_sum_to_the_shots_every_time_alike(child):
    thirds = ":PCVL:BSDistribution:{|1,0,0>=0.333;|0,1,0>=0.333;|0,0,1>=0.334}"
    first, second = (read(child, {"results": thirds}, shots=100) for _ in range(2))
    assert first == second
    counts = first["points"][0]["counts"]
    assert counts == {"|1,0,0>": 33, "|0,1,0>": 33, "|0,0,1>": 34}
    assert first["warnings"]


def test_a_sweep_s_points_keep_their_order_and_their_bindings(child):
    entries = [{"results": counted(**{"|1,1>": n}), "iteration": {"circuit_params": {"phi": n / 10}}} for n in (1, 2)]
    results = {"results_list": entries}
    result = {"results": json.dumps(results), "duration": 1, "shots": 3}
    points = outcome_of(read(child, results), result, {}, shots=100).points
    assert [(dict(point.bindings), dict(point.counts)) for point in points] == [
        ({"phi": 0.1}, {"|1,1>": 1}),
        ({"phi": 0.2}, {"|1,1>": 2}),
    ]


def test_a_function_that_the_server_names_is_never_looked_up(child, tmp_path):
    context = {"result_mapping": ["this_module_does_not_exist", "run"]}
    answer = read(child, {"results": counted(**{"|1,1>": 5}), "job_context": context})
    assert answer["points"][0]["counts"] == {"|1,1>": 5}
    assert any("result_mapping" in warning for warning in answer["warnings"])


@pytest.mark.parametrize(
    "results",
    [
        {},
        [],
        {"results": 7},
        {"results": "|1,1>=5"},
        {"results": programs.BEAM_SPLITTER},
        {"results": "pcvlar 0 1 0 QuandelaRPCHandler"},
        {"results": {"header": "pcvlar"}},
        {"results": zipped(programs.BEAM_SPLITTER)},
        {"results": zipped(zipped(counted(**{"|1,1>": 1})))},
        {"results": ":PCVL:BSCount:{|1,1>=x}"},
        {"results": ":PCVL:NoiseModel:{}"},
        {"results": ":PCVL:BSDistribution:{|1,1>=1.0}"},
        {"results_list": {}},
        {"results_list": [{}]},
    ],
)
def test_anything_but_outcomes_is_refused(child, results):
    with pytest.raises(ChildError):
        read(child, results)


def test_what_intake_admits_is_composed(child):
    from broker.intake.inspect import inspect

    for more in ({}, {"command": "probs", "noise": {"g2": 0.1}, "min_detected_photons": 1}, {"noise": None}):
        order = programs.order(programs.source(programs.INTERFEROMETER, ":PCVL:FockState:|1,1>", **more))
        need = inspect(order.program)
        assert (need.width, need.photons, need.parameters) == (2, 2, ("phi",))
        assert compose(child, order.program.source, points=[{"phi": 0.5}])["payload"]
