"""Does each importer read the same program, do Braket's gate names mean Braket's gates, are faults located?"""

from __future__ import annotations

import numpy as np
import pytest

from backends.invalid import Invalid
from backends.openqasm import braket_gates, parse
from backends.openqasm.downgrade import as_openqasm2

STD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'

# Per row: statements, and whether OpenQASM 2 can say them.
STATEMENTS = [
    ("qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;", True),
    ("qubit[2] q;\nrx(pi/2) q[0];\nphase(0.1) q[1];\ncphase(pi/4) q[0], q[1];", True),
    ("qubit[2] q;\nrx(1.5/2) q[0];\nbarrier q;\nU(0.1, 0.2, 0.3) q[1];", True),
    ("qubit[2] q;\ngate foo(t) a, b { cx a, b; rz(t) b; }\nfoo(0.3) q[0], q[1];", True),
    ("qubit[2] q;\nrx(3/2) q[0];", False),
    ("qubit[2] q;\nrx((1+1)/2) q[0];", False),
    ("qubit[2] q;\nctrl @ x q[0], q[1];", False),
    ("qubit[2] q;\ninv @ s q[0];\npow(2) @ t q[1];", False),
    ("qubit[2] q;\nfor int i in [0:2] { x q[0]; h q[1]; }", False),
    ("qubit[2] q;\n/* block */ h q[0];", False),
    ("bit[2] c;\nh $0;\ncx $0, $1;\nc[0] = measure $0;", False),
]


def operator(circuit):
    from qiskit.quantum_info import Operator

    return Operator(circuit.remove_final_measurements(inplace=False)).data


@pytest.mark.parametrize(("text", "simple"), STATEMENTS)
def test_the_fast_way_is_taken_where_it_means_the_same(text, simple):
    from qiskit import qasm3

    source = STD + text
    assert (as_openqasm2(source) is not None) == simple
    ours, theirs = parse.circuit_of("openqasm3", source), qasm3.loads(source)
    if "for_loop" not in theirs.count_ops():
        assert same(operator(ours), operator(theirs))
    assert [(one.name, one.size) for one in ours.cregs] == [(one.name, one.size) for one in theirs.cregs]


def same(one, other):
    """Up to a global phase."""
    return abs(abs(np.trace(one.conj().T @ other)) / len(one) - 1) < 1e-9


BRAKET = {
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


@pytest.mark.parametrize("name", BRAKET)
@pytest.mark.parametrize("slow", [False, True], ids=["as Qiskit's gate", "as defined"])
def test_a_braket_gate_is_the_matrix_of_brakets_simulator(name, slow):
    from braket.default_simulator import gate_operations

    head = braket_gates._BY_NAME[name][0]
    qubits = len(head.split(" ")[-1].split(","))
    angles = [0.3, 0.7, 1.1][: head.count(",", 0, head.find(")") + 1) + 1] if "(" in head else []
    wanted = getattr(gate_operations, BRAKET[name])(list(range(qubits)), *angles).matrix
    call = f"{name}({', '.join(map(str, angles))})" if angles else name
    unused = "input float unused;\n" if slow else ""
    operands = ", ".join(f"q[{place}]" for place in range(qubits))
    circuit = parse.circuit_of("openqasm3", f"OPENQASM 3.0;\n{unused}qubit[{qubits}] q;\n{call} {operands};")
    assert same(operator(circuit.reverse_bits()), wanted)


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
    with pytest.raises(Invalid, match="only the standard libraries"):
        parse.circuit_of(form, f'OPENQASM {version};\ninclude "/etc/hostname";\n')


def test_a_bit_compared_with_a_number_is_understood():
    text = "qubit[2] q;\nbit[2] c;\nc[0] = measure q[0];\nif (c[0] == 1) { x q[1]; }"
    assert parse.circuit_of("openqasm3", STD + text).count_ops()["if_else"] == 1
