"""What can a name of an OpenQASM program stand for? Qubits, bits or a number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Value = float | int | None
"""A number known now, or None for one that a parameter or a loop gives later."""


class Measured(Enum):
    """What only the run can tell; the value is for people."""

    BIT = "a measured bit"
    REGISTER = "a measured register"


Found = Value | Measured
"""What stands in an expression."""


@dataclass(frozen=True, slots=True)
class Qubits:
    """A register or alias: which qubits, in order (a range where possible, so that a slice costs nothing)."""

    indices: Sequence[int]
    single: bool = False


@dataclass(frozen=True, slots=True)
class Bits:
    """A classical register of the program, or a part of one."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Number:
    """A constant, parameter, loop variable or classical variable; ``value`` None when not known now."""

    value: Value
    assignable: bool = False


@dataclass(frozen=True, slots=True)
class Somewhere:
    """One qubit, not known now, out of these."""

    among: Sequence[int]


Symbol = Qubits | Bits | Number
