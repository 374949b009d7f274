"""What may a program do with bits that it measured? Only what a machine here can decide while it runs: conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from broker.intake.qasm.symbols import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.intake.qasm.reading import Reading
    from broker.intake.qasm.symbols import Found

_JOINS = frozenset({"&&", "||", "&", "|", "^"})
_EQUALITIES = frozenset({"==", "!="})
_NEGATIONS = frozenset({"!", "~"})
_CASTS = frozenset({"int", "uint", "float", "angle", "bool", "bit"})
_HINT = "compare a register with a number by == or !=; join single bits by &&, || and !"


def joined(reading: Reading, at: int, left: Found, right: Found) -> Measured:
    """What the operator at word ``at`` gives, where at least one side was measured."""
    word, other = reading.words[at], right if isinstance(left, Measured) else left
    if word in _JOINS and Measured.REGISTER not in {left, right}:
        return Measured.BIT
    if word not in _EQUALITIES or isinstance(other, Measured):
        _refuse(reading, f"'{word}' between these measured bits is not supported", at)
    if other is not None and other < 0:
        _refuse(reading, "measured bits are no negative number", at)
    return Measured.BIT


def negated(reading: Reading, at: int, value: Measured) -> Measured:
    """What the sign at word ``at`` gives of a measured value."""
    word = reading.words[at]
    if word not in _NEGATIONS or value is Measured.REGISTER:
        _refuse(reading, f"'{word}' of {value.value} is not supported", at)
    return value


def called(reading: Reading, at: int, name: str, values: Sequence[Found]) -> Measured:
    """What a function gives of measured values: a cast changes nothing that the machine would see."""
    if name not in _CASTS or len(values) != 1 or not isinstance(values[0], Measured):
        _refuse(reading, f"'{name}' of measured bits is not supported", at)
    return values[0]


def misplaced(reading: Reading, at: int, value: Measured, *, code: str) -> NoReturn:
    """Refuse a measured value where a number must be known before the run."""
    detail = f"{value.value} stands where a number must be known before the run"
    reading.fail(code, detail, at=at, hint="measured bits may only stand in the condition of an if")


def decides(reading: Reading, at: int, value: Found) -> bool:
    """Whether a condition is decided during the run, not before it."""
    if value is Measured.REGISTER:
        _refuse(reading, "a register is no condition", at)
    return value is Measured.BIT


def _refuse(reading: Reading, detail: str, at: int) -> NoReturn:
    reading.fail("program_unsupported", detail, at=at, hint=_HINT)
