"""What is the value of an expression? A number, as far as it is known before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from broker.intake.qasm.measured import called, decides, joined, misplaced, negated
from broker.intake.qasm.numbers import bounded, number, whole
from broker.intake.qasm.operations import BINARY, BINARY2, CONSTANTS, FUNCTIONS, OPAQUE, SIGNS
from broker.intake.qasm.symbols import Bits, Measured, Number, Qubits

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.intake.qasm.reading import Reading
    from broker.intake.qasm.symbols import Found, Value

_UNARY_STRENGTH = 11
_RIGHT = 12
_F = TypeVar("_F")


def evaluate(reading: Reading, *, code: str = "program_unsupported") -> Value:
    """Step over an expression and give its value; None when it depends on a parameter. ``code``: it was measured."""
    at = reading.at
    value = _climb(reading)
    if isinstance(value, Measured):
        misplaced(reading, at, value, code=code)
    return value


def condition(reading: Reading) -> bool:
    """Step over a condition; True when measured bits decide it during the run."""
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
            left = None if left is None or right is None else _compute(reading, at, function, left, right)


def integer(reading: Reading, what: str, *, code: str = "program_unsupported") -> int | None:
    """Step over an expression that must be an integer where it is known."""
    at = reading.at
    value = evaluate(reading, code=code)
    if value is None or isinstance(value, int):
        return value
    if not value.is_integer():
        reading.fail("program_type", f"{what} must be an integer, this is {value:g}", at=at)
    return int(value)


def arguments(reading: Reading) -> list[Value]:
    """Step over ``( expression, ... )``."""
    return _listed(reading, evaluate)


def _listed(reading: Reading, one: Callable[[Reading], _F]) -> list[_F]:
    reading.expect("(")
    reading.deeper()
    values: list[_F] = []
    while not reading.accept(")"):
        if values:
            reading.expect(",")
        values.append(one(reading))
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
        reading.at += 1
        return None
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
        elif value is not None:
            value = bounded(reading, SIGNS[reading.words[at]](value), start)
    return value


def _group(reading: Reading) -> Found:
    reading.at += 1
    value = _climb(reading)
    reading.expect(")")
    return value


def _named(reading: Reading) -> Found:
    at = reading.at
    name, index = reading.split()
    if reading.words[reading.at] == "(" and (name in FUNCTIONS or name in OPAQUE):
        return _call(reading, name, at)
    if name in CONSTANTS and index is None:
        return CONSTANTS[name]
    symbol = reading.names.get(name)
    if symbol is None:
        reading.fail("program_undefined", f"'{name}' is not defined", at=at)
    if isinstance(symbol, Qubits) or (reading.defining and isinstance(symbol, Bits)):
        reading.fail("program_type", f"'{name}' is not a number", at=at)
    if isinstance(symbol, Number):
        if index is not None or reading.words[reading.at] == "[":
            _skip_index(reading)
        return symbol.value if index is None else None
    reading.tally.dynamic = True
    if index is not None and whole(reading, index, at) >= symbol.size:
        reading.fail("program_index", f"'{name}' has {symbol.size} bits, index {index} is out of range", at=at)
    before = reading.at
    sliced = _skip_index(reading)
    whole_register = index is None and reading.at == before and symbol.size > 1
    return Measured.REGISTER if sliced or whole_register else Measured.BIT


def _skip_index(reading: Reading) -> bool:
    """Step over ``[i]`` or ``[a:b]``, if any; whether it was a slice."""
    sliced = False
    while reading.accept("["):
        evaluate(reading)
        while reading.accept(":"):
            sliced = True
            evaluate(reading)
        reading.expect("]")
    return sliced


def _call(reading: Reading, name: str, at: int) -> Found:
    given = _listed(reading, _climb)
    values = [value for value in given if not isinstance(value, Measured)]
    if len(values) != len(given):
        return called(reading, at, name, given)
    if name in OPAQUE:
        return None
    count, function = FUNCTIONS[name]
    if len(values) != count:
        reading.fail("program_parameters", f"{name} takes {count} argument(s), {len(values)} given", at=at)
    if any(value is None for value in values):
        return None
    return _compute(reading, at, function, *values)


def _compute(reading: Reading, at: int, function: Callable[..., float], *values: Value) -> float:
    try:
        return bounded(reading, function(*values), at)
    except ZeroDivisionError:
        reading.fail("program_number", "division by zero", at=at)
    except (ValueError, OverflowError):
        reading.fail("program_number", "this expression has no finite real value", at=at)
