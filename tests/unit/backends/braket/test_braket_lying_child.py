"""Whatever a child returns: is the task on the wire the order's, or is nothing sent?"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import Order
from backends.braket.layout import bits_of
from backends.braket.parts import Budget, folder_of, part_of
from backends.braket.request import create_request
from backends.braket.settings import settings_from
from backends.braket.translate import translate
from backends.errors import Refused, Unreadable
from backends.translation import CODE
from broker.domain.device import Device, Kind
from broker.domain.program import Format, Program
from tests.contract.promises import asymmetric, requirement

SETTINGS = settings_from({"QSUBMIT_BRAKET_SANDBOX_URL": "http://127.0.0.1:9"})
GARNET = Device(
    name="braket/iqm-garnet",
    backend="braket",
    vendor_id="arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet",
    kind=Kind.QPU,
    accepts=frozenset(Format),
    max_points=100,
    extra=(("operations", "h x rx ry rz cz cnot"),),
)
NEED = requirement(Format.OPENQASM3, width=2, registers=(("c", 2),), parameters=("a",))
ORDER = Order(
    job="job-1",
    project="project-1",
    attempt="attempt-1",
    token="qsub-attempt-1",
    device=GARNET,
    program=Program.of(Format.OPENQASM3, 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'),
    requirement=NEED,
    shots=10,
    points=({"a": 0.5},),
)
HEAD = "OPENQASM 3.0;\ninput float a;\nqubit[2] q;\nbit[2] b;\n"
TAIL = "b[0] = measure q[0];\nb[1] = measure q[1];\n"
TRUTH = HEAD + "rx(2*a + pi/2) q[0];\ncnot q[0], q[1];\nrz(1e-05) q[1];\n" + TAIL


def sent(source=TRUTH, *, order=ORDER, qubits=2, bits=(0, 1), **more):
    answer = {"source": source, "qubits": qubits, "bits": list(bits), **more}
    return create_request(order, SETTINGS, lambda wish: answer)


def test_a_true_translation_is_sent_as_it_is():
    assert json.loads(sent()["action"])["source"] == TRUTH


LINES = {
    "a pragma": "#pragma braket result expectation x(q[0])",
    "a verbatim box": "#pragma braket verbatim",
    "an include": 'include "/etc/passwd";',
    "a gate on a third qubit": "x q[2];",
    "a gate on a physical qubit": "x $0;",
    "another register": "qubit[20] r;",
    "a gate that is none": "delay[1h] q[0];",
    "a calibration": "defcal x $0 { }",
    "two gates in a line": "x q[0]; x q[2];",
    "a loop": "for int i in [0:1000000] { x q[0]; }",
    "an angle of another name": "rx(b) q[0];",
    "an angle that is a call": "rx(eval(a)) q[0];",
    "an angle with a statement": "rx(0); x q[1]; rx(0) q[0];",
    "a measurement in between": "b[0] = measure q[0];",
    "an extern": "extern f(float) -> float;",
}


@pytest.mark.parametrize("line", LINES)
def test_a3_a_line_that_is_no_gate_of_the_order_s_qubits_is_not_sent(line):
    with pytest.raises(Refused) as caught:
        sent(HEAD + LINES[line] + "\n" + TAIL)
    assert caught.value.code == CODE


@pytest.mark.parametrize(
    "answer",
    [
        {"qubits": 3},
        {"qubits": True},
        {"bits": (0,)},
        {"bits": (0, 1, 1)},
        {"bits": (0, "1")},
        {"bits": (0, 10**9)},
        {"bits": (1, 0)},
        {"source": 7},
        {"source": ""},
        {"source": TRUTH.replace("qubit[2]", "qubit[20]")},
        {"source": TRUTH.replace("input float a;", "input float z;")},
        {"source": TRUTH + "x q[0];\n"},
        {"deviceArn": "arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1"},
        {"shots": 100_000},
    ],
)
def test_a3_an_answer_that_is_not_the_order_s_is_not_sent(answer):
    with pytest.raises(Refused) as caught:
        sent(**answer)
    assert caught.value.code == CODE


def test_a3_more_than_a_program_is_too_much():
    with pytest.raises(Refused) as caught:
        sent("x" * (4 << 20))
    assert caught.value.code == "limit_exceeded"


OWN = (
    "OPENQASM 3.0;\nqubit[2] q;\nbit[1] a;\nbit[1] c;\n#pragma braket result probability q[0]\nh q[0];\n"
    "cnot q[0], q[1];\na[0] = measure q[0];\nc[0] = measure q[1];\n"
)
GATHERED = translate(
    {"source": OWN, "bits": 2, "verbatim": False, "format": "openqasm3", "operations": [], "parameters": []}
)
BRAKETS = replace(
    ORDER, program=Program.of(Format.OPENQASM3, OWN), points=({},), requirement=replace(NEED, parameters=())
)


def test_a_program_of_braket_s_own_goes_as_it_is_with_one_register_for_its_bits():
    assert GATHERED["source"] != OWN
    assert json.loads(sent(GATHERED["source"], order=BRAKETS)["action"])["source"] == GATHERED["source"]
    assert json.loads(sent(OWN, order=BRAKETS)["action"])["source"] == OWN


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("h q[0];", "h q[0]; x q[1];"),
        ("probability q[0]", "probability q[1]"),
        ("h q[0];", "#pragma braket result probability\nh q[0];"),
        ("qubit[2]", "qubit[30]"),
        ("b[0] = measure q[0];", "b[0] = measure f(q[0]);"),
        ("b[0] = measure q[0];", "x q[0] measure;"),
        ("bit[2] b;", "bit[2] b = f(1);"),
    ],
)
def test_a3_a_program_of_braket_s_own_is_not_changed_on_the_way(old, new):
    changed = GATHERED["source"].replace(old, new)
    assert changed != GATHERED["source"]
    with pytest.raises(Refused):
        sent(changed, order=BRAKETS)


@pytest.mark.parametrize("form", [Format.OPENQASM2, Format.OPENQASM3])
def test_what_the_translator_writes_passes(form):
    program, need = asymmetric(form)
    order = replace(ORDER, program=program, requirement=need, points=({},))
    action = json.loads(create_request(order, SETTINGS, translate)["action"])
    assert action["source"].startswith("OPENQASM 3.0;\nqubit[3] q;")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(TRUTH),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(["source", "qubits", "bits", "shots", "deviceArn", "tags", "action"])
FORM = st.fixed_dictionaries({"source": JSON, "qubits": JSON, "bits": JSON | st.just([0, 1])})


@given(answer=st.dictionaries(WORDS, JSON, max_size=5) | FORM, shots=st.integers(1, 10**6), points=st.integers(1, 5))
def test_a3_whatever_a_child_returns_the_task_is_the_order_s_or_none(answer, shots, points):
    order = replace(ORDER, shots=shots, points=({"a": 0.5},) * points)
    device = replace(GARNET, sweeps=True)
    try:
        made = create_request(replace(order, device=device), SETTINGS, lambda wish: answer)
    except Refused:
        return
    assert (made["deviceArn"], made["shots"], made["clientToken"]) == (GARNET.vendor_id, shots * points, order.token)
    assert made["tags"] == {"qsubmit:token": order.token, "qsubmit:job": "job-1", "qsubmit:bits-0": "0+2"}
    assert "associations" not in made
    assert TRUTH in json.loads(made["action"]).get("source", TRUTH)


# --------------------------------------------------------------------------------------- atoms

SERIES = {"time_series": {"times": ["0", "1E-6"], "values": ["0", "0.5"]}, "pattern": "uniform"}
ATOMS = {
    "braketSchemaHeader": {"name": "braket.ir.ahs.program", "version": "1"},
    "setup": {"ahs_register": {"sites": [["0", "0"], ["0.000005", "0"]], "filling": [1, 1]}},
    "hamiltonian": {
        "drivingFields": [{"amplitude": SERIES, "detuning": SERIES, "phase": SERIES}],
        "localDetuning": [],
    },
}
PULSER = replace(
    ORDER,
    program=Program.of(Format.PULSER, "{}"),
    points=({},),
    requirement=requirement(Format.PULSER, width=2),
)


def drawn(program):
    return create_request(PULSER, SETTINGS, lambda wish: {"source": json.dumps(program)})


def test_a_true_drawing_is_sent():
    assert json.loads(drawn(ATOMS)["action"]) == ATOMS


LONG = {"time_series": {"times": ["0", "1"], "values": ["0", "0"]}, "pattern": "uniform"}
DRAWINGS = [
    [],
    {},
    {**ATOMS, "shots": 7},
    {**ATOMS, "braketSchemaHeader": {"name": "braket.ir.openqasm.program", "version": "1"}},
    {**ATOMS, "setup": {"ahs_register": {"sites": [["0", "0"]] * 9, "filling": [1] * 9}}},
    {**ATOMS, "setup": {"ahs_register": {"sites": [["0", "0"], [0, 1]], "filling": [1, 1]}}},
    {**ATOMS, "setup": {"ahs_register": {"sites": [["0", "0"], ["nan", "0"]], "filling": [1, 1]}}},
    {**ATOMS, "hamiltonian": {**ATOMS["hamiltonian"], "localDetuning": [{}]}},
    {**ATOMS, "hamiltonian": {"drivingFields": ATOMS["hamiltonian"]["drivingFields"] * 2, "localDetuning": []}},
    {**ATOMS, "hamiltonian": {"drivingFields": [{"amplitude": LONG, "detuning": LONG, "phase": LONG}]}},
]


@pytest.mark.parametrize("program", DRAWINGS)
def test_a3_a_drawing_of_other_atoms_or_fields_is_not_sent(program):
    with pytest.raises(Refused) as caught:
        drawn(program)
    assert caught.value.code == CODE


@pytest.mark.parametrize("answer", [{}, {"source": 7}, {"source": "[" * 10**5}, {"source": "{}", "shots": 1}])
def test_a3_what_is_no_drawing_is_not_sent(answer):
    with pytest.raises(Refused):
        create_request(PULSER, SETTINGS, lambda wish: answer)


def test_a3_a_member_s_program_does_not_say_what_kind_of_action_it_is():
    source = json.dumps({**ATOMS, "braketSchemaHeader": {"name": "braket.ir.openqasm.program", "version": "1"}})
    made = create_request(replace(PULSER, program=Program.of(Format.AHS, source)), SETTINGS, translate)
    assert json.loads(made["action"])["braketSchemaHeader"]["name"] == "braket.ir.ahs.program"


# -------------------------------------------------------------------------------------- results

ARN = "arn:aws:braket:eu-north-1:1:quantum-task/abc"


@pytest.mark.parametrize("folder", ["", "abc", "others/def", "tasks/abc/../def", "abc/"])
def test_a3_a_folder_that_is_not_the_task_s_is_not_read(folder):
    with pytest.raises(Unreadable):
        folder_of({"outputS3Directory": folder, "quantumTaskArn": ARN})


@pytest.mark.parametrize("path", ["", "/x", "../x", "a/../b", "a//b", "x\x00", 7, None, "a" * 300, "s3://b/k", "."])
def test_a3_a_part_outside_the_folder_is_not_read(path):
    with pytest.raises(Unreadable):
        part_of(path)
    assert part_of("programs/0/result.json") == "programs/0/result.json"


def test_a3_parts_of_a_result_share_one_budget():
    budget = Budget(10)
    budget.spend(6)
    with pytest.raises(Refused):
        budget.spend(5)


@pytest.mark.parametrize("run", ["x999999999", "0+999999999", "x" + "9" * 5000, "0 " * 70000])
def test_a3_a_layout_that_comes_back_is_no_larger_than_one_that_was_sent(run):
    with pytest.raises(Refused):
        bits_of({"qsubmit:bits-0": run})
