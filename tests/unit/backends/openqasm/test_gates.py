"""Does our reading make the circuit that Qiskit reads, do gate names mean their gates, are faults located?"""

from __future__ import annotations

import numpy as np
import pytest

from backends.invalid import Invalid
from backends.openqasm import parse
from broker.intake.qasm.gates import BRAKET as KNOWN

STD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'

STATEMENTS = [
    "qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;",
    "qubit[2] q;\nrx(pi/2) q[0];\nphase(0.1) q[1];\ncphase(pi/4) q[0], q[1];",
    "qubit[2] q;\nrx(1.5/2) q[0];\nbarrier q;\nU(0.1, 0.2, 0.3) q[1];",
    "qubit[2] q;\ngate foo(t) a, b { cx a, b; rz(t) b; }\nfoo(0.3) q[0], q[1];",
    "qubit[2] q;\nrx(3/2) q[0];",
    "qubit[2] q;\nrx((1+1)/2) q[0];",
    "qubit[2] q;\nctrl @ x q[0], q[1];",
    "qubit[2] q;\ninv @ s q[0];\npow(2) @ t q[1];",
    "qubit[2] q;\nfor int i in [0:2] { x q[0]; h q[1]; }",
    "qubit[2] q;\n/* block */ h q[0];",
    "bit[2] c;\nh $0;\ncx $0, $1;\nc[0] = measure $0;",
]


def operator(circuit):
    from qiskit.quantum_info import Operator

    return Operator(circuit.remove_final_measurements(inplace=False)).data


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_program_is_the_circuit_that_qiskit_reads(text):
    from qiskit import qasm3
    from qiskit.transpiler.passes import UnrollForLoops

    source = STD + text
    ours, theirs = parse.circuit_of("openqasm3", source), UnrollForLoops()(qasm3.loads(source))
    assert same(operator(ours.plain), operator(theirs))
    assert [one.size for one in ours.plain.cregs] == [one.size for one in theirs.cregs]


def same(one, other):
    """Up to a global phase."""
    return abs(abs(np.trace(one.conj().T @ other)) / len(one) - 1) < 1e-9


BRAKET = {
    "i": "Identity",
    "x": "PauliX",
    "y": "PauliY",
    "z": "PauliZ",
    "h": "Hadamard",
    "s": "S",
    "si": "Si",
    "t": "T",
    "ti": "Ti",
    "v": "V",
    "rx": "RotX",
    "ry": "RotY",
    "cnot": "CX",
    "cy": "CY",
    "cz": "CZ",
    "swap": "Swap",
    "cphaseshift": "CPhaseShift",
    "phaseshift": "PhaseShift",
    "cphaseshift00": "CPhaseShift00",
    "cphaseshift01": "CPhaseShift01",
    "cphaseshift10": "CPhaseShift10",
    "gpi": "GPi",
    "gpi2": "GPi2",
    "prx": "PRx",
    "cv": "CV",
    "ecr": "ECR",
    "xy": "XY",
    "xx": "XX",
    "yy": "YY",
    "zz": "ZZ",
    "iswap": "ISwap",
    "pswap": "PSwap",
    "ms": "MS",
    "vi": "Vi",
    "ccnot": "CCNot",
    "cswap": "CSwap",
    "rz": "RotZ",
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_braket_gate_is_the_matrix_of_brakets_simulator(name):
    from braket.default_simulator import gate_operations

    gate = KNOWN[name]
    angles = [0.3, 0.7, 1.1][: gate.parameters]
    wanted = getattr(gate_operations, BRAKET[name])(list(range(gate.qubits)), *angles).matrix
    call = f"{name}({', '.join(map(str, angles))})" if angles else name
    operands = ", ".join(f"q[{place}]" for place in range(gate.qubits))
    circuit = parse.circuit_of("openqasm3", f"OPENQASM 3.0;\nqubit[{gate.qubits}] q;\n{call} {operands};").plain
    assert same(operator(circuit.reverse_bits()), wanted)


@pytest.mark.parametrize("name", KNOWN)
def test_a_braket_gate_has_its_phase_where_a_control_makes_it_count(name):
    from braket.default_simulator import gate_operations

    gate = KNOWN[name]
    angles = [0.3, 0.7, 1.1][: gate.parameters]
    inner = getattr(gate_operations, BRAKET[name])(list(range(gate.qubits)), *angles).matrix
    wanted = np.block([[np.eye(len(inner)), np.zeros_like(inner)], [np.zeros_like(inner), inner]])
    call = f"{name}({', '.join(map(str, angles))})" if angles else name
    operands = ", ".join(f"q[{place}]" for place in range(gate.qubits + 1))
    source = f"OPENQASM 3.0;\nqubit[{gate.qubits + 1}] q;\nctrl @ {call} {operands};"
    assert same(operator(parse.circuit_of("openqasm3", source).plain.reverse_bits()), wanted)


@pytest.mark.parametrize(
    ("form", "source", "line", "column"),
    [
        ("openqasm2", 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\n  foo q[0];', 4, 3),
        ("openqasm3", STD + "qubit[2] q;\nbit c; foo q[0];", 4, 8),
        ("openqasm3", "OPENQASM 3.0;\nqubit[2] q;\nfoo q[0];", 3, 1),
    ],
)
def test_a_fault_is_located(form, source, line, column):
    with pytest.raises(Invalid) as caught:
        parse.circuit_of(form, source)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("form", ["openqasm2", "openqasm3"])
def test_only_the_standard_libraries_can_be_included(form):
    version = {"openqasm2": "2.0", "openqasm3": "3.0"}[form]
    with pytest.raises(Invalid, match="is not allowed"):
        parse.circuit_of(form, f'OPENQASM {version};\ninclude "/etc/hostname";\n')


def test_a_bit_compared_with_a_number_is_understood():
    text = "qubit[2] q;\nbit[2] c;\nc[0] = measure q[0];\nif (c[0] == 1) { x q[1]; }"
    assert parse.circuit_of("openqasm3", STD + text).plain.count_ops()["if_else"] == 1
