"""Which gates exist without being defined? A table of their operands, angles, weight and Clifford angles."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from broker.intake.qasm.events import Call
    from broker.intake.qasm.symbols import Value

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate as intake sees it: what a call of it costs.

    ``grain``: the gate is Clifford when every angle is a multiple of it; 0 means always, None never. ``weight``
    bounds log2 of the operator Schmidt rank of the multi-qubit gates inside (controlled gates 1, swaps 2).
    ``counts`` maps arity to the number of elementary gates after expansion. ``cost`` adds one for each call on the
    way. ``declared`` tells a gate of the program from a standard one, whose ``name`` is ours: it alone says what the
    gate does. A declared gate is what its ``body`` says, where a builder is there; None: the program does not tell.
    """

    name: str
    parameters: int
    qubits: int
    grain: float | None
    weight: int
    counts: Mapping[int, int]
    operations: int
    depth: int
    cost: int
    declared: bool = False
    body: tuple[Call, ...] | None = None

    def clifford(self, angles: Sequence[Value]) -> bool:
        """Whether the call with these angles is surely Clifford; an unknown angle is not."""
        if self.grain is None:
            return False
        return not self.grain or all(_multiple(angle, self.grain) for angle in angles)


def _multiple(angle: Value, grain: float) -> bool:
    if not isinstance(angle, (float, int)):
        return False
    turns = angle / grain
    return abs(turns) < 1e12 and abs(turns - round(turns)) < _TOLERANCE  # noqa: PLR2004  beyond it no digit is left


def _elementary(name: str, parameters: int, qubits: int, grain: float | None, weight: int) -> Gate:
    return Gate(name, parameters, qubits, grain, weight if qubits > 1 else 0, {qubits: 1}, 1, 1, 1)


def elementary(name: str, parameters: int, qubits: int) -> Gate:
    """A gate of unknown content (opaque, unitary): one operation, never Clifford, as entangling as can be."""
    return _elementary(name, parameters, qubits, None, qubits - qubits % 2)


def _table(rows: str) -> dict[str, Gate]:
    gates: dict[str, Gate] = {}
    for row in rows.split("\n"):
        parameters, qubits, grain, weight, names = row.split(maxsplit=4)
        for name in names.split():
            gates[name] = _elementary(name, int(parameters), int(qubits), _GRAIN[grain], int(weight))
    return gates


_GRAIN = {"always": 0.0, "never": None, "half": pi / 2, "full": pi}

# Each row: angles, qubits, Clifford at, weight, names.
BUILTIN2 = _table("""3 1 half 0 U
0 2 always 1 CX""")

BUILTIN3 = _table("3 1 half 0 U")
PHASE = Gate("gphase", 1, 0, 0.0, 0, {}, 1, 0, 1)

_PAPER2 = """3 1 half 0 u3
2 1 half 0 u2
1 1 half 0 u1 rx ry rz
0 1 always 0 id x y z h s sdg
0 1 never 0 t tdg
0 2 always 1 cx cz cy
0 2 never 1 ch
0 3 never 1 ccx
1 2 full 1 crz cu1
3 2 never 1 cu3"""

QELIB1_PAPER = _table(_PAPER2)
QELIB1 = QELIB1_PAPER | _table("""3 1 half 0 u
1 1 half 0 p
1 1 always 0 u0
0 1 always 0 sx sxdg
0 2 always 2 swap
0 2 never 1 csx
0 3 never 2 cswap rccx
1 2 full 1 crx cry cp
4 2 never 1 cu
1 2 half 1 rxx rzz
0 4 never 4 rc3x
0 4 never 1 c3x c3sqrtx
0 5 never 1 c4x""")

STDGATES = _table("""3 1 half 0 u3
2 1 half 0 u2
1 1 half 0 p phase u1 rx ry rz
0 1 always 0 id x y z h s sdg sx
0 1 never 0 t tdg
0 2 always 1 cx cy cz CX
0 2 always 2 swap
0 2 never 1 ch
1 2 full 1 cp cphase crx cry crz
4 2 never 1 cu
0 3 never 1 ccx
0 3 never 2 cswap""")

BRAKET = _table("""0 1 always 0 i x y z h s si v vi
0 1 never 0 t ti
1 1 half 0 phaseshift rx ry rz gpi gpi2
2 1 half 0 prx
0 2 always 1 cnot cy cz ecr
0 2 always 2 swap iswap
0 2 never 1 cv
1 2 full 1 cphaseshift cphaseshift00 cphaseshift01 cphaseshift10
1 2 half 1 xx yy zz
1 2 half 2 pswap
1 2 full 2 xy
3 2 half 2 ms
0 3 never 1 ccnot
0 3 never 2 cswap""")

LIBRARIES2 = {'"qelib1.inc"': QELIB1}
LIBRARIES3 = {'"stdgates.inc"': STDGATES}


def controlled(gate: Gate, controls: int) -> Gate:
    """``gate`` under that many controls: every operation inside grows by so many qubits."""
    if not controls:
        return gate
    counts = {arity + controls: count for arity, count in gate.counts.items()}
    phases = gate.operations - sum(gate.counts.values())
    if phases:
        counts[controls] = counts.get(controls, 0) + phases
    multi = sum(count for arity, count in counts.items() if arity > 1)
    return Gate(
        name=gate.name,
        parameters=gate.parameters,
        qubits=gate.qubits + controls,
        grain=0.0 if controls == 1 and gate.name in {"x", "y", "z"} and not gate.declared else None,
        weight=gate.weight + multi,
        counts=counts,
        operations=gate.operations,
        depth=gate.operations if gate.declared else 1,
        cost=gate.cost,
        declared=gate.declared,
        body=gate.body,
    )


def repeated(gate: Gate, times: int) -> Gate:
    """``gate`` applied that many times in a row."""
    if times == 1:
        return gate
    return Gate(
        name=gate.name,
        parameters=gate.parameters,
        qubits=gate.qubits,
        grain=gate.grain,
        weight=gate.weight * times,
        counts={arity: count * times for arity, count in gate.counts.items()},
        operations=gate.operations * times,
        depth=gate.depth * times,
        cost=gate.cost * times,
        declared=gate.declared,
        body=gate.body,
    )
