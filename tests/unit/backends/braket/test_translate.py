"""Does a translated program do what the user's does? Each gate as a state, each layout, each refusal."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from backends.braket.gates import _EQUALS
from backends.braket.sandbox.devices import _QPU_GATES, _SIMULATOR_GATES
from backends.braket.translate import translate
from backends.errors import Refused
from backends.openqasm.parse import circuit_of

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def spoken(source, *, form="openqasm3", bits=0, parameters=(), operations=_SIMULATOR_GATES, verbatim=False):
    return translate(
        {
            "format": form,
            "source": source,
            "bits": bits,
            "parameters": list(parameters),
            "operations": list(operations),
            "verbatim": verbatim,
        }
    )


def state_of(source: str, inputs=None):
    """The state that Braket's own simulator gives for Braket's OpenQASM, measurements taken away."""
    from braket.default_simulator import StateVectorSimulator
    from braket.ir.openqasm import Program

    lines = [line for line in source.splitlines() if "measure" not in line and not line.startswith("bit[")]
    text = "\n".join([*lines, "#pragma braket result state_vector"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return StateVectorSimulator().run(Program(source=text, inputs=inputs), shots=0).resultTypes[0].value


def measured(source: str):
    """Which qubits one shot reads, and what it reads."""
    from braket.default_simulator import StateVectorSimulator
    from braket.ir.openqasm import Program

    result = StateVectorSimulator().run(Program(source=source), shots=1)
    return result.measuredQubits, result.measurements[0]


def same(answer, circuit, inputs=None):
    """Equal up to a global phase; Braket's first qubit is the leftmost."""
    from qiskit.quantum_info import Statevector

    ours = state_of(answer["source"], inputs)
    theirs = Statevector(circuit.reverse_bits()).data
    order = answer["bits"]
    tensor = np.asarray(ours).reshape([2] * len(order))
    return abs(abs(np.vdot(np.transpose(tensor, order).ravel(), theirs)) - 1) < 1e-9


def prepared(width: int):
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(width)
    for qubit in range(width):
        circuit.u(0.3 + qubit, 0.7 * qubit + 0.2, 1.1 - qubit, qubit)
    for qubit in range(width - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


@pytest.mark.parametrize("operations", [_SIMULATOR_GATES, _QPU_GATES, ["rx", "ry", "rz", "cz", "h"]], ids=len)
@pytest.mark.parametrize("name", sorted(_EQUALS))
def test_each_gate_of_the_table_is_the_same_gate(name, operations, monkeypatch):
    from inspect import Parameter, signature

    from qiskit.circuit.library import standard_gates

    kind = getattr(standard_gates, name)
    empty = [each for each in signature(kind.__init__).parameters.values() if each.default is Parameter.empty]
    gate = kind(*[0.4 + 0.3 * place for place in range(len(empty) - 1)])
    circuit = prepared(3)
    circuit.append(gate, [2, 0, 1][: gate.num_qubits])
    read = replace(circuit_of("openqasm3", "qubit[3] q;"), plain=circuit)
    monkeypatch.setattr("backends.braket.translate._read", lambda *_: read)
    answer = spoken("", operations=operations)
    assert same(answer, circuit)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Qiskit's importer calls its own old signature
def test_modifiers_and_own_gates_are_taken_apart():
    from qiskit import qasm3

    source = HEAD + (
        "gate mine(a) p, q { h p; ctrl @ rx(a) p, q; }\nqubit[3] q;\n"
        "h q[0]; h q[1]; mine(0.7) q[0], q[2]; inv @ s q[1]; pow(2) @ t q[0]; negctrl @ x q[0], q[1];\n"
        "ctrl(2) @ ry(0.4) q[0], q[1], q[2];\n"
    )
    assert same(spoken(source), qasm3.loads(source))


def test_a_users_gate_with_a_known_name_keeps_its_own_meaning():
    source = "OPENQASM 2.0;\ngate h a { U(pi,0,pi) a; }\nqreg q[1];\nh q[0];\n"
    state = state_of(spoken(source, form="openqasm2")["source"])
    assert abs(state[1]) == pytest.approx(1)


def test_registers_keep_their_order_whatever_the_order_of_measurement():
    source = HEAD + "bit[1] a;\nbit[2] b;\nqubit[3] q;\nx q[2];\nb[1] = measure q[0];\na[0] = measure q[2];\n"
    answer = spoken(source, bits=3)
    first, last = answer["bits"][0], answer["bits"][2]
    assert answer["bits"][1] is None
    assert {first, last} == {0, 1}
    assert f"x q[{first}];" in answer["source"]
    assert answer["source"].count("measure") == 2


def test_idle_qubits_are_left_out_and_measured_ones_kept():
    answer = spoken(HEAD + "qubit[50] q;\nbit[2] b;\nh q[40];\nb[0] = measure q[40];\nb[1] = measure q[7];\n", bits=2)
    assert answer["qubits"] == 2
    assert "qubit[2] q;" in answer["source"]


def test_without_measurements_every_qubit_is_measured():
    answer = spoken(HEAD + "qubit[3] q;\nh q[2];\n")
    assert sorted(answer["bits"]) == [0, 1, 2]
    assert answer["source"].count("measure") == 3


def test_parameters_become_inputs():
    source = HEAD + "input float theta;\ninput float q;\nqubit[1] r;\nrx(2 * theta + q / 3) r[0];\n"
    answer = spoken(source, parameters=("theta", "q"))
    assert "input float theta;\ninput float q;\nqubit[1] q_;" in answer["source"]
    state = state_of(answer["source"], {"theta": 0.5, "q": 0.3})
    assert abs(state[1]) == pytest.approx(np.sin(1.1 / 2))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("h q[0]; b[0] = measure q[0]; x q[0];", "follows a measurement"),
        ("reset q[0];", "reset"),
        ("b[0] = measure q[0]; if (b[0]) { x q[1]; }", "not offered"),
        ("nosuch q[0];", "cannot be read"),
    ],
)
def test_what_braket_does_not_offer_is_refused(body, reason):
    with pytest.raises(Refused, match=reason) as caught:
        spoken(HEAD + "qubit[2] q;\nbit[2] b;\n" + body)
    assert caught.value.code == "program_invalid"


def test_a_wrong_number_of_bits_is_refused():
    with pytest.raises(Refused, match="classical bits"):
        spoken(HEAD + "qubit q;\nbit[2] b;\nb[0] = measure q;\n", bits=3)


def test_an_include_of_a_file_reads_nothing():
    with pytest.raises(Refused):
        spoken('OPENQASM 2.0;\ninclude "/etc/passwd";\nqreg q[1];\n', form="openqasm2")


DIALECT = "OPENQASM 3.0;\nqubit[3] q;\nbit[3] b;\nx q[1];\ncnot q[1], q[2];\n"


@pytest.mark.parametrize(
    ("measures", "bits"),
    [
        ("b = measure q;", [0, 1, 2]),
        ("b[0] = measure q[2];\nb[2] = measure q[0];", [2, None, 0]),
        ("measure q[1] -> b[0];", [1, None, None]),
        ("", [0, 1, 2]),
    ],
)
def test_brakets_own_dialect_goes_as_it_is(measures, bits):
    source = DIALECT + measures
    answer = spoken(source)
    assert answer == {"source": source, "qubits": 3, "bits": bits}


def test_two_registers_of_the_dialect_become_one():
    source = "OPENQASM 3.0;\nqubit[3] q;\nbit[1] a;\nbit[2] b;\nx q[0];\nb[1] = measure q[2];\na[0] = measure q[0];\n"
    answer = spoken(source, bits=3)
    assert answer["bits"] == [0, None, 1]
    assert answer["source"].count("measure") == answer["source"].count("b[") == 2
    assert "bit[1] a" not in answer["source"]
    assert measured(answer["source"]) == ([0, 1], ["1", "0"])


def test_two_registers_of_a_program_on_physical_qubits_become_one_and_the_rest_stays():
    source = (
        "OPENQASM 3.0;\nbit c; bit d;\n#pragma braket verbatim\nbox { rx(pi) $4; }\n"
        "c = measure $4; /* near */ d = measure $2;\n"
    )
    answer = spoken(source, bits=2)
    assert answer["bits"] == [4, 2]
    assert "".join(answer["source"].split()) == (
        "OPENQASM3.0;#pragmabraketverbatimbox{rx(pi)$4;}bit[2]b;b[0]=measure$4;b[1]=measure$2;"
    )


SAID = {
    "for int i in [0:2] { x q[i]; } c = measure q;": "111",
    "int n = 1; x q[n]; c = measure q;": "010",
    "const int k = 3; if (k / 2 == 1) { x q[2]; } c = measure q;": "001",
    "gate rzz(t) a, b { rx(t) a; } rzz(pi) q[0], q[1]; c = measure q;": "100",
    "let r = q[1:2]; x r; c = measure q;": "011",
    'x q[0]; // include "mine.inc";\nc = measure q;': "100",
    "pow(0.5) @ x q[1]; pow(0.5) @ x q[1]; c = measure q;": "010",
}


@pytest.mark.parametrize("text", SAID)
def test_what_is_known_before_the_run_is_worked_out_for_braket(text):
    answer = spoken(f"{HEAD}qubit[3] q;\nbit[3] c;\n{text}", bits=3)
    order, outcome = measured(answer["source"])
    found = dict(zip(order, outcome, strict=True))
    assert "".join(found[qubit] for qubit in answer["bits"]) == SAID[text]


def test_a_unitary_pragma_is_carried_out_where_the_text_is_translated():
    matrix = "[[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1.0im, 0], [1, 0, 0, 0]]"
    pragma = f"#pragma braket unitary({matrix}) q[0], q[1]"
    source = f"OPENQASM 3.0;\nqubit[2] q;\nbit[2] c;\nfor int i in [0:0] {{\n{pragma}\n}}\n"
    answer = spoken(source + "c = measure q;", bits=2)
    order, outcome = measured(answer["source"])
    assert sorted(zip(order, outcome, strict=True)) == [(0, "1"), (1, "1")]


def test_an_angle_keeps_its_functions_of_inputs():
    source = f"{HEAD}input float a;\nqubit q;\nrx(2 * pi * sin(a) - -a ** 2 / 4) q;\n"
    answer = spoken(source, parameters=("a",))
    angle = 2 * np.pi * np.sin(0.3) + 0.3**2 / 4
    assert abs(state_of(answer["source"], {"a": 0.3})[1]) == pytest.approx(abs(np.sin(angle / 2)))


def test_gates_of_the_language_itself_are_translated_without_an_include():
    source = "OPENQASM 3.0;\ngate h p { U(pi, 0, pi) p; }\nqubit q;\nh q;\n"
    assert abs(state_of(spoken(source)["source"])[1]) == pytest.approx(1)


def test_a_loop_over_known_numbers_is_unrolled():
    answer = spoken(HEAD + "qubit[3] q;\nfor int i in {0, 1, 2} { rx(0.5) q[1]; }\n")
    assert answer["source"].count("rx(0.5) q[") == 3


def test_a_verbatim_program_keeps_its_physical_qubits():
    source = (
        "OPENQASM 3.0;\nbit[2] b;\n#pragma braket verbatim\nbox {\n  prx(1.0, 0.0) $4;\n  cz $4, $9;\n}\n"
        "b[0] = measure $9; // the far one\nb[1] = measure $4;\n"
    )
    answer = spoken(source, verbatim=True, bits=2)
    assert answer["source"] == source
    assert answer["bits"] == [9, 4]


def test_a_measurement_without_bits_keeps_nothing_so_that_every_qubit_is_read():
    answer = spoken(DIALECT + "measure q;")
    assert sorted(answer["bits"]) == [0, 1, 2]
    assert "measure q;" not in answer["source"]
