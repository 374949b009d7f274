"""What do the words of an expression compute? Constants, functions and operators, with how strongly each binds."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CONSTANTS = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
    "true": 1,
    "false": 0,
}
OPAQUE = frozenset({"durationof", "rotl", "rotr", "real", "imag"})


def _shift(left: float, right: float) -> int:
    return int(left) << int(right) if 0 <= right <= 64 else int(left) * 2**64 * 2  # noqa: PLR2004  beyond any int


def _quotient(left: float, right: float) -> float:
    """Of integers an integer, as the language has it, rounded towards zero."""
    if isinstance(left, int) and isinstance(right, int):
        return (abs(left) // abs(right)) * (1 if (left < 0) == (right < 0) else -1)
    return left / right


def _remainder(left: float, right: float) -> float:
    whole = isinstance(left, int) and isinstance(right, int)
    return int(math.fmod(left, right)) if whole and abs(left) < 1 << 53 else math.fmod(left, right)


def digit(value: float, place: float) -> float:
    """One binary digit of an integer."""
    if not isinstance(value, int) or not 0 <= place <= 64:  # noqa: PLR2004  integers have 64 bits
        raise ValueError
    return value >> int(place) & 1


def _power(left: float, right: float) -> float:
    small = isinstance(left, int) and isinstance(right, int) and 0 <= right <= 64  # noqa: PLR2004  as above
    return left**right if small and abs(left) <= 1 << 64 else math.pow(left, right)


FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
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
    "floor": (1, lambda value: float(math.floor(value))),
    "ceiling": (1, lambda value: float(math.ceil(value))),
    "mod": (2, _remainder),
    "pow": (2, _power),
    "popcount": (1, lambda value: int(value).bit_count()),
    "int": (1, int),
    "uint": (1, int),
    "float": (1, float),
    "angle": (1, float),
    "bool": (1, bool),
    "bit": (1, bool),
}
BINARY: dict[str, tuple[int, Callable[..., float]]] = {
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
# A quotient is a real number in OpenQASM 2, whatever it is of.
BINARY2 = {word: BINARY[word] for word in "+-*"} | {"/": (10, operator.truediv), "^": (12, _power)}
SIGNS: dict[str, Callable[[float], float]] = {
    "-": operator.neg,
    "+": operator.pos,
    "!": operator.not_,
    "~": lambda value: ~int(value),
}
