"""How does a plain gate become an operation of Qiskit? By its class, with controls and inverse; known ones at once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from backends.invalid import Foreign
from backends.openqasm import standard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from backends.openqasm.expand import Plain
    from broker.intake.qasm.symbols import Value

    Step = tuple[Foreign, tuple[Foreign, ...], Sequence[int]]
    """A StandardGate with its angles, or an operation with none; and the qubits."""


def steps_of(plain: Plain, angle: Callable[[Value], Foreign]) -> Iterator[Step]:
    """``angle`` makes a number or a parameter of each angle. A global phase without a control is nothing."""
    gate, angles = plain.gate, tuple(angle(value) for value in plain.angles)
    if plain.inverted:
        gate, angles = _inverse(gate, angles)
    opened = [
        (standard.same()["x"], (), (qubit,)) for qubit, one in zip(plain.qubits, plain.closed, strict=False) if not one
    ]
    yield from opened
    yield from _controlled(gate, angles, plain)
    yield from opened


def operation_of(gates: Sequence[Plain], width: int | None = None) -> NDArray[np.complex128]:
    """The matrix of what ``gates`` do in their order; the first qubit is the lowest bit."""
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Operator

    circuit = QuantumCircuit(len(gates[0].qubits) if width is None else width)
    for plain in gates:
        if not plain.qubits:
            circuit.global_phase += float(plain.angles[0]) * (-1 if plain.inverted else 1)  # type: ignore[arg-type]
        for gate, angles, qubits in steps_of(plain, float):  # type: ignore[arg-type] # no term is left
            circuit.append(gate.gate_class(*angles) if hasattr(gate, "gate_class") else gate, qubits)
    found: NDArray[np.complex128] = Operator(circuit).data
    return found


def _inverse(gate: Foreign, angles: tuple[Foreign, ...]) -> tuple[Foreign, tuple[Foreign, ...]]:
    known = gate._inverse(list(angles))  # noqa: SLF001  the gate's own method makes an object first
    return (known[0], tuple(known[1])) if known is not None else (gate.gate_class(*angles).inverse(), ())


def _controlled(gate: Foreign, angles: tuple[Foreign, ...], plain: Plain) -> Iterator[Step]:
    left = len(plain.closed)
    if plain.matrix is not None:
        yield _with_controls(_unitary(plain.matrix), left), (), plain.qubits
        return
    while left and hasattr(gate, "gate_class") and gate in standard.controlled():
        gate, more = standard.controlled()[gate]
        angles, left = (*angles, *more), left - 1
    if not plain.qubits:
        return
    if not left:
        yield gate, angles, plain.qubits
    elif hasattr(gate, "gate_class") and all(isinstance(angle, float) for angle in angles):
        yield _known(gate, angles, left), (), plain.qubits
    else:
        operation = gate.gate_class(*angles) if hasattr(gate, "gate_class") else gate
        yield _with_controls(operation, left), (), plain.qubits


def _unitary(matrix: object) -> Foreign:
    from qiskit.circuit.library import UnitaryGate

    return UnitaryGate(matrix, check_input=False)


@lru_cache(maxsize=1024)
def _known(gate: Foreign, angles: tuple[float, ...], controls: int) -> Foreign:
    """A standard gate with numbers: the same in every program."""
    return _with_controls(gate.gate_class(*angles), controls)


def _with_controls(operation: Foreign, controls: int) -> Foreign:
    return operation.control(controls, annotated=False) if controls else operation
