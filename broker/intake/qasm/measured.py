"""What may a program do with bits that it measured? Only what a machine here can decide while it runs: conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from broker.intake.qasm.symbols import Measured
from broker.intake.qasm.terms import settled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.intake.qasm.reading import Reading
    from broker.intake.qasm.symbols import Found

_JOINS = frozenset({"&&", "||", "&", "|", "^"})
_EQUALITIES = frozenset({"==", "!="})
_NEGATIONS = frozenset({"!", "~"})
_CASTS = frozenset({"int", "uint", "float", "angle", "bool", "bit"})
_SAME = {"&": "&&", "|": "||"}
# Whoever builds the condition for an engine goes down this far by recursion.
_DEEPEST = 200
_HINT = "compare a register with a number by == or !=; join single bits by &&, || and !"


def joined(reading: Reading, at: int, left: Found, right: Found) -> Measured:
    """What the operator at word ``at`` gives, where at least one side was measured."""
    word, other = reading.words[at], right if isinstance(left, Measured) else left
    mine = left if isinstance(left, Measured) else right
    if word in _JOINS and not (_is_register(left) or _is_register(right)):
        return _deeper(reading, at, _SAME.get(word, word), left, right)
    if word not in _EQUALITIES or isinstance(other, Measured):
        _refuse(reading, f"'{word}' between these measured bits is not supported", at)
    number = settled(other)
    if number is not None and number < 0:
        _refuse(reading, "measured bits are no negative number", at)
    equal = _deeper(reading, at, "==", mine, number)
    return equal if word == "==" else _deeper(reading, at, "!", equal)


def negated(reading: Reading, at: int, value: Measured) -> Measured:
    """What the sign at word ``at`` gives of a measured value."""
    word = reading.words[at]
    if word not in _NEGATIONS or value.register:
        _refuse(reading, f"'{word}' of {value.name} is not supported", at)
    return _deeper(reading, at, "!", value)


def called(reading: Reading, at: int, name: str, values: Sequence[Found]) -> Measured:
    """What a function gives of measured values: a cast changes nothing that the machine would see."""
    if name not in _CASTS or len(values) != 1 or not isinstance(values[0], Measured):
        _refuse(reading, f"'{name}' of measured bits is not supported", at)
    return values[0]


def misplaced(reading: Reading, at: int, value: Measured, *, code: str) -> NoReturn:
    """Refuse a measured value where a number must be known before the run."""
    detail = f"{value.name} stands where a number must be known before the run"
    reading.fail(code, detail, at=at, hint="measured bits may only stand in the condition of an if")


def decides(reading: Reading, at: int, value: Found) -> Found:
    """A condition: measured where it is decided during the run, else a number."""
    if _is_register(value):
        _refuse(reading, "a register is no condition", at)
    return value


def _is_register(value: Found) -> bool:
    return isinstance(value, Measured) and value.register


def _deeper(reading: Reading, at: int, word: str, *parts: Found) -> Measured:
    depth = 1 + max(part.depth for part in parts if isinstance(part, Measured))
    if depth > _DEEPEST:
        _refuse(reading, f"a condition of more than {_DEEPEST} operators", at)
    return Measured(
        word, parts=tuple(part if isinstance(part, Measured) else settled(part) for part in parts), depth=depth
    )


def _refuse(reading: Reading, detail: str, at: int) -> NoReturn:
    reading.fail("program_unsupported", detail, at=at, hint=_HINT)
