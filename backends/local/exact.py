"""What is the exact outcome distribution of a small circuit? Plain numpy: no start-up per run. Child side only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from backends.invalid import Foreign
from backends.openqasm.counting import Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

_IMPOSSIBLE = 1e-15


@dataclass(slots=True)
class Distribution:
    """Outcomes with their probabilities; keys are spelled when they are first drawn."""

    outcomes: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    reading: Reading
    keys: dict[int, str] = field(default_factory=dict)

    def sample(self, shots: int, seed: int) -> dict[str, int]:
        """A seeded histogram: numpy's PCG64 multinomial, the same on every machine."""
        drawn = np.random.Generator(np.random.PCG64(seed)).multinomial(shots, self.probabilities)
        hits = drawn.nonzero()[0]
        return {self._key(int(place)): int(drawn[place]) for place in hits}

    def _key(self, place: int) -> str:
        key = self.keys.get(place)
        if key is None:
            outcome = format(int(self.outcomes[place]), f"0{len(self.reading.bits)}b")
            key = self.keys[place] = self.reading.key(outcome)
        return key


def distribution(circuit: QuantumCircuit, reading: Reading) -> Distribution:
    """Of a circuit whose parameters are bound and whose measurements stand at the end."""
    width = circuit.num_qubits
    weights = np.abs(final_state(circuit)).reshape((2,) * width) ** 2
    rest = tuple(sorted(set(range(width)) - set(reading.qubits)))
    weights = weights.sum(axis=rest) if rest else weights
    kept = sorted(reading.qubits)
    weights = weights.transpose([kept.index(qubit) for qubit in reading.qubits]).reshape(-1)
    outcomes = (weights > _IMPOSSIBLE).nonzero()[0]
    likely = weights[outcomes]
    return Distribution(outcomes=outcomes, probabilities=likely / likely.sum(), reading=reading)


def final_state(circuit: QuantumCircuit) -> NDArray[np.complex128]:
    """The state with qubit 0 as the first axis, up to a global phase."""
    width = circuit.num_qubits
    place = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    state = np.zeros(1 << width, dtype=np.complex128)
    state[0] = 1
    for step in circuit.data:
        name = step.name
        if name != "measure":
            state = apply(state, matrix_of(step), [place[qubit] for qubit in step.qubits])
    return state


def apply(state: NDArray[np.complex128], matrix: NDArray[np.complex128], qubits: list[int]) -> NDArray[np.complex128]:
    """``matrix`` in Qiskit's order, where the first of ``qubits`` is the least significant bit."""
    if len(qubits) == 1:
        split = state.reshape(1 << qubits[0], 2, -1)
        turned: NDArray[np.complex128] = np.matmul(matrix, split).reshape(-1)
        return turned
    width = state.size.bit_length() - 1
    axes = qubits[::-1] + [axis for axis in range(width) if axis not in qubits]
    moved = state.reshape((2,) * width).transpose(axes)
    moved = (matrix @ moved.reshape(len(matrix), -1)).reshape((2,) * width)
    back = [0] * width
    for position, axis in enumerate(axes):
        back[axis] = position
    return moved.transpose(back).reshape(-1)


def matrix_of(step: Foreign) -> NDArray[np.complex128]:
    """Of a standard gate at once, of a defined one through its definition."""
    matrix = step.matrix
    if matrix is None:
        from qiskit.quantum_info import Operator

        matrix = Operator(step.operation).data
    found: NDArray[np.complex128] = matrix
    return found
