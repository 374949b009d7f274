"""What is the value of an expression? A number, as far as it is known before the run."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

from broker.intake.qasm.numbers import bounded, number, whole
from broker.intake.qasm.symbols import Bits, Number, Qubits

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.intake.qasm.reading import Reading
    from broker.intake.qasm.symbols import Value

_CONSTANTS = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
    "true": 1,
    "false": 0,
}
_FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    "sin": (1, math.sin),
    "cos": (1, math.cos),
    "tan": (1, math.tan),
    "asin": (1, math.asin),
    "acos": (1, math.acos),
    "atan": (1, math.atan),
    "arcsin": (1, math.asin),
    "arccos": (1, math.acos),
    "arctan": (1, math.atan),
    "exp": (1, math.exp),
    "ln": (1, math.log),
    "log": (1, math.log),
    "sqrt": (1, math.sqrt),
    "abs": (1, abs),
    "floor": (1, math.floor),
    "ceiling": (1, math.ceil),
    "mod": (2, math.fmod),
    "pow": (2, math.pow),
    "popcount": (1, lambda value: int(value).bit_count()),
    "int": (1, int),
    "uint": (1, int),
    "float": (1, float),
    "angle": (1, float),
    "bool": (1, bool),
    "bit": (1, bool),
}
_OPAQUE = frozenset({"durationof", "rotl", "rotr", "real", "imag"})


def _shift(left: float, right: float) -> int:
    return int(left) << int(right) if 0 <= right <= 64 else int(left) * 2**64 * 2  # noqa: PLR2004  beyond any int


def _quotient(left: float, right: float) -> float:
    exact = isinstance(left, int) and isinstance(right, int) and left % right == 0
    return left // right if exact else left / right


def _power(left: float, right: float) -> float:
    small = isinstance(left, int) and isinstance(right, int) and 0 <= right <= 64  # noqa: PLR2004  as above
    return left**right if small and abs(left) <= 1 << 64 else math.pow(left, right)


_BINARY: dict[str, tuple[int, Callable[..., float]]] = {
    "||": (1, lambda left, right: bool(left) or bool(right)),
    "&&": (2, lambda left, right: bool(left) and bool(right)),
    "|": (3, lambda left, right: int(left) | int(right)),
    "^": (4, lambda left, right: int(left) ^ int(right)),
    "&": (5, lambda left, right: int(left) & int(right)),
    "==": (6, operator.eq),
    "!=": (6, operator.ne),
    "<": (7, operator.lt),
    ">": (7, operator.gt),
    "<=": (7, operator.le),
    ">=": (7, operator.ge),
    "<<": (8, _shift),
    ">>": (8, lambda left, right: int(left) >> min(max(int(right), 0), 64)),
    "+": (9, operator.add),
    "-": (9, operator.sub),
    "*": (10, operator.mul),
    "/": (10, _quotient),
    "%": (10, lambda left, right: left % right),
    "**": (12, _power),
}
_BINARY2 = {word: _BINARY[word] for word in "+-*/"} | {"^": (12, _power)}
_SIGNS: dict[str, Callable[[float], float]] = {
    "-": operator.neg,
    "+": operator.pos,
    "!": operator.not_,
    "~": lambda value: ~int(value),
}
_UNARY_STRENGTH = 11
_RIGHT = 12


def evaluate(reading: Reading, floor: int = 0) -> Value:
    """Step over an expression and give its value; None when it depends on a parameter or a measurement."""
    reading.deeper()
    binary = _BINARY if reading.version == 3 else _BINARY2  # noqa: PLR2004
    left = _operand(reading)
    while True:
        at = reading.at
        rule = binary.get(reading.words[at])
        if rule is None or rule[0] < floor:
            reading.nesting -= 1
            return left
        strength, function = rule
        reading.at += 1
        right = evaluate(reading, strength if strength == _RIGHT else strength + 1)
        left = None if left is None or right is None else _compute(reading, at, function, left, right)


def integer(reading: Reading, what: str) -> int | None:
    """Step over an expression that must be an integer where it is known."""
    at = reading.at
    value = evaluate(reading)
    if value is None or isinstance(value, int):
        return value
    if not value.is_integer():
        reading.fail("program_type", f"{what} must be an integer, this is {value:g}", at=at)
    return int(value)


def arguments(reading: Reading) -> list[Value]:
    """Step over ``( expression, ... )``."""
    reading.expect("(")
    reading.deeper()
    values: list[Value] = []
    while not reading.accept(")"):
        if values:
            reading.expect(",")
        values.append(evaluate(reading))
    reading.nesting -= 1
    return values


def _operand(reading: Reading) -> Value:
    start = reading.at
    word = reading.words[start]
    if word in _SIGNS:
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


def _signed(reading: Reading) -> Value:
    """A run of signs, however long, without a stack."""
    start = reading.at
    while reading.words[reading.at] in _SIGNS:
        reading.at += 1
    signs = reading.words[start : reading.at]
    value = evaluate(reading, _UNARY_STRENGTH)
    for sign in reversed(signs):
        value = None if value is None else bounded(reading, _SIGNS[sign](value), start)
    return value


def _group(reading: Reading) -> Value:
    reading.at += 1
    value = evaluate(reading)
    reading.expect(")")
    return value


def _named(reading: Reading) -> Value:
    at = reading.at
    name, index = reading.split()
    if reading.words[reading.at] == "(" and (name in _FUNCTIONS or name in _OPAQUE):
        return _call(reading, name, at)
    if name in _CONSTANTS and index is None:
        return _CONSTANTS[name]
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
    _skip_index(reading)
    return None


def _skip_index(reading: Reading) -> None:
    while reading.accept("["):
        evaluate(reading)
        while reading.accept(":"):
            evaluate(reading)
        reading.expect("]")


def _call(reading: Reading, name: str, at: int) -> Value:
    values = arguments(reading)
    if name in _OPAQUE:
        return None
    count, function = _FUNCTIONS[name]
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
