"""What do vendors of gate machines get to run in the contract suite? A pair of qubits, a sweep, and a misspelt gate."""

from __future__ import annotations

from broker.domain.program import Format, Program
from tests.contract.promises import requirement

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
BELL = f"{HEAD}qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n"
ROTATION = f"{HEAD}input float theta;\nqubit q;\nbit c;\nrx(theta) q;\nc = measure q;\n"


def sweep():
    need = requirement(Format.OPENQASM3, width=1, registers=(("c", 1),), parameters=("theta",), points=3)
    return Program.of(Format.OPENQASM3, ROTATION), need, ({"theta": 0.0}, {"theta": 1.5}, {"theta": 3.0})


# Fields of a case.
GATE = {
    "program": Program.of(Format.OPENQASM3, BELL),
    "requirement": requirement(Format.OPENQASM3, width=2, registers=(("c", 2),)),
    "sweep": sweep,
    "invalid": Program.of(Format.OPENQASM3, BELL.replace("cx q[0]", "cnoot q[0]")),
}
