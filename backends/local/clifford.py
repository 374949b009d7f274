"""How does a Clifford circuit with angles become one in the stabilizer method's own gates? Child side only."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from backends.invalid import Foreign

if TYPE_CHECKING:
    from collections.abc import Hashable

    from qiskit import QuantumCircuit


def rewritten(circuit: QuantumCircuit, known: frozenset[str]) -> QuantumCircuit:
    """Each unknown gate replaced by known ones with the same action.

    Raises:
        QiskitError: a gate is not Clifford after all.
    """
    plain = circuit.copy_empty_like()
    for step in circuit.data:
        if step.name in known:
            plain._append(step)  # noqa: SLF001  the checked way costs more than the simulation
            continue
        for inner in _pieces(step.operation).data:
            qubits = [step.qubits[place] for place in _places(inner, len(step.qubits))]
            plain.append(inner.operation, qubits)
    return plain


def _places(inner: Foreign, width: int) -> list[int]:
    del width
    return [qubit._index for qubit in inner.qubits]  # noqa: SLF001  find_bit needs the circuit


def _pieces(operation: Foreign) -> QuantumCircuit:
    """By what the gate is, or does: a program may give any name to any gate, and the next program another."""
    if getattr(operation, "_standard_gate", None) is not None and _closed(operation):
        kind: Foreign = operation.to_mutable().__class__
        return _of_qiskit(kind, tuple(float(angle) for angle in operation.params))
    return _of(operation)


def _closed(operation: Foreign) -> bool:
    """Controlled by ones only, as its class says."""
    state = getattr(operation, "ctrl_state", None)
    return state is None or state == (1 << operation.num_ctrl_qubits) - 1


@lru_cache(maxsize=4096)
def _of_qiskit(kind: Hashable, angles: tuple[float, ...]) -> QuantumCircuit:
    make: Foreign = kind
    return _of(make(*angles))


def _of(operation: Foreign) -> QuantumCircuit:
    from qiskit.quantum_info import Clifford

    tableau = Clifford(operation).tableau
    return _synthesised(tableau.shape, tableau.tobytes())


@lru_cache(maxsize=4096)
def _synthesised(shape: tuple[int, int], tableau: bytes) -> QuantumCircuit:
    import numpy as np
    from qiskit.quantum_info import Clifford

    return Clifford(np.frombuffer(tableau, dtype=bool).reshape(shape), validate=False).to_circuit()
