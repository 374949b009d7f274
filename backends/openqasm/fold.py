"""What is known of an OpenQASM 3 expression before the run? It becomes a literal, which the importer understands."""

from __future__ import annotations

import dataclasses
import math
import operator
from typing import TYPE_CHECKING, Final

from openqasm3 import ast

from backends.invalid import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Number = bool | int | float
MOST_BITS = 1024


def _power(base: Number, power: Number) -> Number:
    if isinstance(base, int) and isinstance(power, int) and power >= 0 and base.bit_length() * power <= MOST_BITS:
        return int(base**power)
    return math.pow(base, power)


_CONSTANTS: Final = {
    **dict.fromkeys(("pi", "π"), math.pi),
    **dict.fromkeys(("tau", "τ"), math.tau),
    **dict.fromkeys(("euler", "ℇ"), math.e),
}
_FUNCTIONS: Final[Mapping[str, Callable[..., Number]]] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "exp", "sqrt", "floor")},
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "ceiling": math.ceil,
    "ln": math.log,
    "log": math.log,
    "abs": abs,
    "pow": _power,
    "mod": math.fmod,
    "popcount": lambda value: int(value).bit_count(),
}
_CASTS: Final[Mapping[type, Callable[[Number], Number]]] = {
    ast.IntType: int,
    ast.UintType: int,
    ast.FloatType: float,
    ast.AngleType: float,
    ast.BoolType: bool,
}


def _quotient(left: Number, right: Number) -> Number:
    """Of integers an integer, as the language has it, rounded towards zero."""
    if isinstance(left, int) and isinstance(right, int):
        return (abs(left) // abs(right)) * (1 if (left < 0) == (right < 0) else -1)
    return left / right


def _shift(left: Number, right: Number) -> Number:
    if int(left).bit_length() + int(right) > MOST_BITS:
        raise OverflowError("too large a shift")
    return int(left) << int(right)


_BINARY: Final[Mapping[str, Callable[[Number, Number], Number]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "%": operator.mod,
    "**": _power,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&&": lambda left, right: bool(left) and bool(right),
    "||": lambda left, right: bool(left) or bool(right),
    "&": lambda left, right: int(left) & int(right),
    "|": lambda left, right: int(left) | int(right),
    "^": lambda left, right: int(left) ^ int(right),
    "<<": _shift,
    ">>": lambda left, right: int(left) >> int(right),
}


def blamed(node: ast.QASMNode, message: str) -> Invalid:
    """An error at the place of ``node``."""
    span = node.span
    return Invalid(message) if span is None else Invalid(message, line=span.start_line, column=span.start_column + 1)


def binary(node: ast.QASMNode, word: str, left: Number, right: Number) -> Number:
    """The value of an operation on known numbers."""
    try:
        return _BINARY[word](left, right)
    except (ArithmeticError, ValueError, KeyError, TypeError) as error:
        raise blamed(node, f"cannot compute {left} {word} {right}: {error}") from error


def cast(kind: ast.ClassicalType, value: Number) -> Number:
    """``value`` as a variable of this type holds it."""
    return _CASTS[type(kind)](value)


def is_number(kind: ast.ClassicalType) -> bool:
    return type(kind) in _CASTS


def value_of(node: object, names: Mapping[str, Number]) -> Number | None:
    """The number that an expression is, or None where only the run tells."""
    if isinstance(node, (ast.IntegerLiteral, ast.FloatLiteral, ast.BooleanLiteral)):
        return node.value
    if isinstance(node, ast.Identifier):
        return names.get(node.name, _CONSTANTS.get(node.name))
    if isinstance(node, ast.UnaryExpression):
        return _unary(node, value_of(node.expression, names))
    if isinstance(node, ast.BinaryExpression):
        left, right = value_of(node.lhs, names), value_of(node.rhs, names)
        return None if left is None or right is None else binary(node, node.op.name, left, right)
    if isinstance(node, ast.Cast) and is_number(node.type):
        inner = value_of(node.argument, names)
        return None if inner is None else cast(node.type, inner)
    if isinstance(node, ast.FunctionCall):
        return _called(node, [value_of(argument, names) for argument in node.arguments])
    return None


def _unary(node: ast.UnaryExpression, inner: Number | None) -> Number | None:
    if inner is None:
        return None
    if node.op.name == "-":
        return -inner
    return not inner if node.op.name == "!" else ~int(inner)


def _called(node: ast.FunctionCall, arguments: list[Number | None]) -> Number | None:
    function = _FUNCTIONS.get(node.name.name)
    if function is None or any(argument is None for argument in arguments):
        return None
    try:
        return function(*(argument for argument in arguments if argument is not None))
    except (ArithmeticError, ValueError, TypeError) as error:
        raise blamed(node, f"cannot compute {node.name.name}: {error}") from error


def literal(value: Number, at: ast.QASMNode) -> ast.Expression:
    """The number as text would say it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise blamed(at, "this number is not finite")
    made: ast.Expression
    if isinstance(value, bool):
        made = ast.BooleanLiteral(value)
    else:
        made = ast.IntegerLiteral(abs(value)) if isinstance(value, int) else ast.FloatLiteral(abs(value))
        if value < 0:
            made.span = at.span
            made = ast.UnaryExpression(ast.UnaryOperator["-"], made)
    made.span = at.span
    return made


def folded(node: object, names: Mapping[str, Number]) -> object:
    """A copy in which all that is known is a literal; names of gates, registers and operands stay."""
    if isinstance(node, list):
        return [folded(one, names) for one in node]
    if not isinstance(node, ast.QASMNode):
        return node
    if isinstance(node, ast.Identifier):
        return literal(names[node.name], node) if node.name in names else node
    if isinstance(node, ast.Expression):
        value = value_of(node, names)
        if value is not None:
            return literal(value, node)
    parts = {field.name: getattr(node, field.name) for field in dataclasses.fields(node) if field.init}
    return rebuilt(node, {name: part if _is_name(name, part) else folded(part, names) for name, part in parts.items()})


def _is_name(field: str, part: object) -> bool:
    """Of a gate, a register, a declaration: not a value, even if a number has the same name."""
    return field in {"name", "identifier", "target", "qubit"} and isinstance(part, ast.Identifier)


def rebuilt(node: ast.QASMNode, parts: Mapping[str, object]) -> ast.QASMNode:
    """A node of the same kind at the same place."""
    made = type(node)(**parts)
    made.span = node.span
    if isinstance(node, ast.Statement) and isinstance(made, ast.Statement):
        made.annotations = node.annotations
    return made
