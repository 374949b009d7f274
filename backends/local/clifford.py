"""How does a Clifford circuit with angles become one in the stabilizer method's own gates? Child side only."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from backends.local.answering import Foreign

if TYPE_CHECKING:
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
        for inner in _pieces(step.name, tuple(float(angle) for angle in step.params), step.operation).data:
            qubits = [step.qubits[place] for place in _places(inner, len(step.qubits))]
            plain.append(inner.operation, qubits)
    return plain


def _places(inner: Foreign, width: int) -> list[int]:
    del width
    return [qubit._index for qubit in inner.qubits]  # noqa: SLF001  find_bit needs the circuit


class _Same:
    """An operation that is equal to every other, so that the cache goes by name and angles."""

    def __init__(self, operation: Foreign) -> None:
        self.operation = operation

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same)

    def __hash__(self) -> int:
        return 0


def _pieces(name: str, angles: tuple[float, ...], operation: Foreign) -> QuantumCircuit:
    return _synthesised(name, angles, _Same(operation))


@lru_cache(maxsize=4096)
def _synthesised(name: str, angles: tuple[float, ...], operation: _Same) -> QuantumCircuit:
    del name, angles
    from qiskit.quantum_info import Clifford

    return Clifford(operation.operation).to_circuit()
