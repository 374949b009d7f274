"""What does a reading tell whoever builds a circuit? Every statement that acts, in order, all names resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.intake.qasm.gates import Gate
    from broker.intake.qasm.symbols import Measured, Value

HIDDEN = 1 << 32
"""Bits that a block declares are numbered from here: they stand in no counts key, and the next block has them again."""

Matrix = tuple[tuple[complex, ...], ...]
Modifier = tuple[str, float]
"""``inv`` (of 0), ``ctrl`` and ``negctrl`` of so many controls, ``pow`` of an exponent."""


class Call(NamedTuple):
    """A gate on distinct qubits; inside of a body qubits are numbered by the gate's own operands.

    ``modifiers`` stand as written: the last is the nearest to the gate. Their controls come first in ``qubits``.
    """

    gate: Gate
    angles: Sequence[Value]
    qubits: Sequence[int]
    modifiers: tuple[Modifier, ...] = ()


class Unbuildable(Exception):
    """The builder cannot say the statement that was just read; the reading locates it."""


class Builder(Protocol):
    """Takes the events of one reading. Qubits and bits are numbers in the order of their declaration."""

    def qubits(self, count: int, name: str) -> None:
        """So many more, in a register that the program calls so: to write it again, and for nothing else."""

    def physical(self, numbers: Sequence[int]) -> None:
        """The first qubits are these of the device, in this order."""

    def bits(self, places: range) -> None:
        """A classical register, 0 at the start; one of ``HIDDEN`` bits may come again."""

    def apply(self, call: Call) -> None:
        """One gate."""

    def unitary(self, matrix: Matrix, qubits: Sequence[int]) -> None:
        """A matrix whose most significant bit is the first qubit."""

    def measure(self, qubits: Sequence[int], bits: Sequence[int] | None) -> None:
        """Each qubit into its bit, or into none."""

    def reset(self, qubits: Sequence[int]) -> None:
        """Each qubit to 0."""

    def assign(self, bits: Sequence[int], value: int) -> None:
        """Each bit to its digit of ``value``, the first the lowest."""

    def branch(self, condition: Measured) -> None:
        """What follows, to ``otherwise`` or ``merge``, is done where the condition holds."""

    def otherwise(self) -> None:
        """What follows is done where it does not."""

    def merge(self) -> None:
        """The end of both."""


@dataclass(slots=True)
class Body:
    """Keeps the calls inside of a gate's definition: nothing else may stand there."""

    calls: list[Call] = field(default_factory=list)

    def apply(self, call: Call) -> None:
        self.calls.append(call)
