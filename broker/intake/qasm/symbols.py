"""What can a name of an OpenQASM program stand for? Qubits, bits or a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.intake.qasm.terms import Term

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Value = float | int | Term | None
"""A number known now; a term of what a point gives; or None for what is not followed, which no builder meets."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What only the run can tell.

    ``word``: ``bit`` or ``register`` of ``bits``, or an operator (``!``, ``&&``, ``||``, ``^``, ``==``) of ``parts``,
    which are measured too, or numbers. ``depth`` counts operators on the longest way down.
    """

    word: str
    bits: Sequence[int] = ()
    parts: tuple[Measured | float | int | None, ...] = ()
    depth: int = 0

    @property
    def register(self) -> bool:
        """Whether it is more than one bit."""
        return self.word == "register"

    @property
    def name(self) -> str:
        """For people."""
        return f"a measured {'register' if self.register else 'bit'}"


Found = Value | Measured
"""What stands in an expression."""


@dataclass(frozen=True, slots=True)
class Qubits:
    """A register or alias: which qubits, in order (a range where possible, so that a slice costs nothing)."""

    indices: Sequence[int]
    single: bool = False


@dataclass(frozen=True, slots=True)
class Bits:
    """A classical register of the program: bits ``first`` and following."""

    name: str
    size: int
    first: int

    @property
    def places(self) -> range:
        """Its bits' numbers."""
        return range(self.first, self.first + self.size)


@dataclass(frozen=True, slots=True)
class Number:
    """A constant, parameter, loop variable or classical variable; ``kept`` makes a value one of its type."""

    value: Value
    kept: Callable[[Value], Value] | None = None

    @property
    def assignable(self) -> bool:
        return self.kept is not None


@dataclass(frozen=True, slots=True)
class Somewhere:
    """One qubit or bit, not known now, out of these."""

    among: Sequence[int]


Symbol = Qubits | Bits | Number
