"""What is the value of an expression? A number, as far as it is known before the run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from broker.intake.qasm.measured import called, decides, joined, misplaced, negated
from broker.intake.qasm.numbers import number, whole
from broker.intake.qasm.operations import BINARY, BINARY2, CONSTANTS, FUNCTIONS, OPAQUE, SIGNS, digit
from broker.intake.qasm.places import bits_at
from broker.intake.qasm.symbols import Bits, Measured, Number, Qubits, Somewhere
from broker.intake.qasm.terms import NotANumber, computed, settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.intake.qasm.reading import Reading
    from broker.intake.qasm.symbols import Found, Value

# What may follow a number that is an argument of its own; one that surely fits in 64 bits.
_ENDS = frozenset({",", ")"})
_DECIMAL = re.compile(r"[0-9]{1,18}+\.[0-9]{1,40}+").fullmatch
_UNARY_STRENGTH = 11
_RIGHT = 12


def evaluate(reading: Reading, *, code: str = "program_unsupported") -> Value:
    """Step over an expression and give its value; None when it depends on a parameter. ``code``: it was measured."""
    at = reading.at
    value = _climb(reading)
    if isinstance(value, Measured):
        misplaced(reading, at, value, code=code)
    return value


def condition(reading: Reading) -> Found:
    """Step over a condition; measured where bits decide it during the run."""
    at = reading.at
    return decides(reading, at, _climb(reading))


def _climb(reading: Reading, floor: int = 0) -> Found:
    reading.deeper()
    binary = BINARY if reading.version == 3 else BINARY2  # noqa: PLR2004
    left = _operand(reading)
    while True:
        at = reading.at
        rule = binary.get(reading.words[at])
        if rule is None or rule[0] < floor:
            reading.nesting -= 1
            return left
        strength, function = rule
        reading.at += 1
        right = _climb(reading, strength if strength == _RIGHT else strength + 1)
        if isinstance(left, Measured) or isinstance(right, Measured):
            left = joined(reading, at, left, right)
        else:
            left = _compute(reading, at, reading.words[at], function, left, right)


def integer(reading: Reading, what: str, *, code: str = "program_unsupported") -> int | None:
    """Step over an expression that must be an integer where it is known."""
    at = reading.at
    value = settled(evaluate(reading, code=code))
    if value is None or isinstance(value, int):
        return value
    if not value.is_integer():
        reading.fail("program_type", f"{what} must be an integer, this is {value:g}", at=at)
    return int(value)


def arguments(reading: Reading) -> list[Value]:
    """Step over ``( expression, ... )``; nearly all of them are plain numbers."""
    words, at = reading.words, reading.at + 1
    reading.deeper()
    values: list[Value] = []
    while words[at] != ")":
        if values:
            reading.at = at
            reading.expect(",")
            at += 1
        word = words[at]
        if words[at + 1] in _ENDS and _DECIMAL(word):
            values.append(float(word))
            at += 1
        else:
            reading.at = at
            values.append(evaluate(reading))
            at = reading.at
    reading.at = at + 1
    reading.nesting -= 1
    return values


def _listed(reading: Reading) -> list[Found]:
    reading.expect("(")
    reading.deeper()
    values: list[Found] = []
    while not reading.accept(")"):
        if values:
            reading.expect(",")
        values.append(_climb(reading))
    reading.nesting -= 1
    return values


def _operand(reading: Reading) -> Found:
    start = reading.at
    word = reading.words[start]
    if word in SIGNS:
        return _signed(reading)
    first = word[:1]
    if first.isdigit() or (first == "." and len(word) > 1):
        return number(reading)
    if first == "(":
        return _group(reading)
    if first == '"' and len(word) > 1 and word[-1] == '"' and set(word[1:-1]) <= {"0", "1", "_"}:
        return _digits(reading, word)
    return _named(reading)


def _signed(reading: Reading) -> Found:
    """A run of signs, however long, without a stack."""
    start = reading.at
    while reading.words[reading.at] in SIGNS:
        reading.at += 1
    end = reading.at
    value = _climb(reading, _UNARY_STRENGTH)
    for at in reversed(range(start, end)):
        if isinstance(value, Measured):
            value = negated(reading, at, value)
        else:
            sign = reading.words[at]
            value = _compute(reading, start, _SIGN.get(sign, sign), SIGNS[sign], value)
    return value


_SIGN = {"-": "minus", "+": "plus"}


def _digits(reading: Reading, word: str) -> int:
    """The number that a text of bits stands for, its last digit the lowest."""
    digits = word[1:-1].replace("_", "")
    if not 1 <= len(digits) <= reading.limits.number:
        reading.fail(
            "program_number", f"a text of {len(digits)} bits, from 1 to {reading.limits.number} may stand here"
        )
    reading.at += 1
    return int(digits, 2)


def _group(reading: Reading) -> Found:
    reading.at += 1
    value = _climb(reading)
    reading.expect(")")
    return value


def _named(reading: Reading) -> Found:
    at = reading.at
    name, index = reading.split()
    if name in FUNCTIONS and index is None and reading.words[reading.at] == "[":
        _skip_width(reading)
    if reading.words[reading.at] == "(" and (name in FUNCTIONS or name in OPAQUE):
        return _call(reading, name, at)
    symbol = reading.names.get(name)
    if symbol is None and name in CONSTANTS and index is None:
        return CONSTANTS[name]
    if symbol is None:
        reading.fail("program_undefined", f"'{name}' is not defined", at=at)
    if isinstance(symbol, Qubits) or (reading.defining and isinstance(symbol, Bits)):
        reading.fail("program_type", f"'{name}' is not a number", at=at)
    if isinstance(symbol, Number):
        return _number(reading, symbol, index, at)
    reading.tally.dynamic = True
    before = reading.at
    bits = bits_at(reading, symbol, index, at)
    if isinstance(bits, Somewhere):
        return Measured("bit")
    sliced = ":" in reading.words[before : reading.at]
    whole_register = index is None and reading.at == before and symbol.size > 1
    return Measured("register" if sliced or whole_register else "bit", bits=bits)


def _number(reading: Reading, symbol: Number, index: str | None, at: int) -> Value:
    """The value of a name, or one binary digit of it."""
    if index is not None:
        place: int | None = whole(reading, index, at)
    elif reading.accept("["):
        place = integer(reading, "an index")
        reading.expect("]")
    else:
        return symbol.value
    return _compute(reading, at, "digit", digit, symbol.value, place)


def _skip_width(reading: Reading) -> None:
    """Of ``int[n](...)``, where n is no plain number."""
    reading.expect("[")
    integer(reading, "a width")
    reading.expect("]")


def _call(reading: Reading, name: str, at: int) -> Found:
    given = _listed(reading)
    values = [value for value in given if not isinstance(value, Measured)]
    if len(values) != len(given):
        return called(reading, at, name, given)
    if name in OPAQUE:
        reading.fail("program_unsupported", f"the function {name} is not supported", at=at)
    count, function = FUNCTIONS[name]
    if len(values) != count:
        reading.fail("program_parameters", f"{name} takes {count} argument(s), {len(values)} given", at=at)
    return _compute(reading, at, name, function, *values)


def _compute(reading: Reading, at: int, word: str, function: Callable[..., float], *values: Value) -> Value:
    try:
        return computed(word, function, *values)
    except NotANumber as error:
        reading.fail("program_number", str(error), at=at)
