"""How is a condition on measured bits said to Qiskit? As one bit or register with its value, else as an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.invalid import Foreign
from broker.intake.qasm.symbols import Measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Condition = Foreign
"""``(bit or register, value)``, an expression, or a bool that holds before the run."""


def condition_of(
    measured: Measured, bits: Mapping[int, Foreign], registers: Mapping[Sequence[int], Foreign]
) -> Condition:
    """``bits`` are Qiskit's by number, ``registers`` by their bits' numbers."""
    if measured.word == "bit":
        return bits[measured.bits[0]], 1
    subject, wanted = _equality(measured)
    if subject is not None and subject.word == "register" and subject.bits in registers and wanted == int(wanted):
        register = registers[subject.bits]
        return (register, int(wanted)) if wanted < 1 << register.size else False
    return _expression(measured, bits)


def bits_in(measured: Measured) -> list[int]:
    """The numbers of all bits that decide."""
    found = list(measured.bits)
    for part in measured.parts:
        if isinstance(part, Measured):
            found += bits_in(part)
    return found


def _equality(measured: Measured) -> tuple[Measured | None, float]:
    if measured.word != "==":
        return None, 0
    subject, wanted = measured.parts
    assert isinstance(subject, Measured)  # noqa: S101  intake puts it first
    assert isinstance(wanted, (int, float))  # noqa: S101  and follows every number
    return subject, wanted


def _expression(measured: Measured, bits: Mapping[int, Foreign]) -> Foreign:
    """An expression of Qiskit's, or a bool."""
    from qiskit.circuit.classical import expr

    word = measured.word
    if word == "bit":
        return expr.lift(bits[measured.bits[0]])
    if word == "==":
        return _equal(measured, bits)
    parts = [_expression(part, bits) if isinstance(part, Measured) else bool(part) for part in measured.parts]
    if word == "!":
        return _negated(parts[0])
    one, other = parts
    if isinstance(other, bool):
        one, other = other, one
    if not isinstance(one, bool):
        join = {"&&": expr.logic_and, "||": expr.logic_or, "^": expr.bit_xor}[word]
        return join(one, other)
    if word == "^":
        return _negated(other) if one else other
    if word == "&&":
        return other if one else False
    return True if one else other


def _equal(measured: Measured, bits: Mapping[int, Foreign]) -> Foreign:
    subject, wanted = _equality(measured)
    assert subject is not None  # noqa: S101  the word says so
    if subject.word != "register":
        if wanted not in {0, 1}:
            return False
        value = _expression(subject, bits)
        return value if wanted else _negated(value)
    if wanted != int(wanted) or not 0 <= wanted < 1 << len(subject.bits):
        return False
    from qiskit.circuit.classical import expr

    number = int(wanted)
    terms = [
        expr.lift(bits[bit]) if number >> place & 1 else expr.logic_not(bits[bit])
        for place, bit in enumerate(subject.bits)
    ]
    while len(terms) > 1:  # a flat tree, so that no engine goes deep
        terms = [
            expr.logic_and(*terms[at : at + 2]) if at + 1 < len(terms) else terms[at] for at in range(0, len(terms), 2)
        ]
    return terms[0] if terms else True


def _negated(value: Foreign) -> Foreign:
    from qiskit.circuit.classical import expr

    return not value if isinstance(value, bool) else expr.logic_not(value)
