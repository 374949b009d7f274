"""How do outcomes become counts keys? Classical bit i is key[i], index 0 leftmost. Child side only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

# Operations that leave outcomes as they are.
SILENT = frozenset({"barrier", "delay", "id"})


@dataclass(frozen=True, slots=True)
class Reading:
    """Which qubit is read into which classical bit of ``width`` at the very end; unread bits stay 0."""

    qubits: tuple[int, ...]
    bits: tuple[int, ...]
    width: int

    def key(self, outcome: str) -> str:
        """The counts key of ``outcome``, which has one character per read qubit, in the order of ``bits``."""
        if len(self.bits) == self.width:
            return outcome
        digits = ["0"] * self.width
        for bit, digit in zip(self.bits, outcome, strict=True):
            digits[bit] = digit
        return "".join(digits)


def reading_of(circuit: QuantumCircuit) -> Reading | None:
    """None where measurement is no plain end: reset, control flow, a gate after it, a qubit or bit used twice.

    A circuit that measures nothing has all qubits read.
    """
    if circuit.num_vars:
        return None
    place: dict[object, int] = {}
    read: dict[int, int] = {}
    for bits in (circuit.qubits, circuit.clbits):
        place.update((bit, index) for index, bit in enumerate(bits))
    done: set[int] = set()
    for step in circuit.data:
        name = step.name
        if name == "measure":
            qubit, bit = place[step.qubits[0]], place[step.clbits[0]]
            if qubit in done or bit in read:
                return None
            done.add(qubit)
            read[bit] = qubit
        elif name not in SILENT:
            if step.clbits or name == "reset" or step.is_control_flow():
                return None
            if done and any(place[qubit] in done for qubit in step.qubits):
                return None
    if not read and not circuit.count_ops().get("measure"):
        every = tuple(range(circuit.num_qubits))
        return Reading(qubits=every, bits=every, width=circuit.num_qubits)
    bits_read = tuple(sorted(read))
    return Reading(qubits=tuple(read[bit] for bit in bits_read), bits=bits_read, width=circuit.num_clbits)
