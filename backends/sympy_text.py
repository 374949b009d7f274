"""How does sympy read a text in a child? By our own arithmetic: its parser would evaluate the text as Python.

Perceval hands names and expressions of a circuit to ``sympy.S``. Every such call ends in one function of sympy's
parser, which ``close`` replaces; the functions behind it raise, so that a call by another way cannot evaluate either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from broker.intake.arithmetic import NotArithmeticError, term

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.intake.arithmetic import Term


# An object of sympy's, which has no types.
Foreign: TypeAlias = Any
# A larger power of a whole number would be worked out digit by digit.
MOST_EXACT_POWER = 64
_MOST_EXACT = 1 << 31
# As many digits as bring back the same double when the expression is written and read again.
_DIGITS = 17


def close() -> None:
    """From here on no text is evaluated by sympy in this process. Called by ``warm`` of whatever opens circuits."""
    from sympy.parsing import sympy_parser

    sympy_parser.parse_expr = parsed
    for name in ("eval_expr", "stringify_expr"):
        setattr(sympy_parser, name, _refused)


def parsed(text: str, *_: object, **__: object) -> Foreign:
    """In place of ``sympy.parsing.sympy_parser.parse_expr``; its error is one that sympy's callers know."""
    try:
        return expression(term(text))
    except NotArithmeticError as wrong:
        raise SyntaxError(str(wrong)) from None


def expression(found: Term) -> Foreign:
    """The term built of sympy's own objects."""
    import sympy

    if isinstance(found, float):
        return _number(found)
    if isinstance(found, str):
        return sympy.Symbol(found)
    what, *terms = found
    parts = [expression(part) for part in terms]
    if what == "**":
        base, power = parts
        exact = power.is_Integer and abs(power) <= MOST_EXACT_POWER
        return sympy.Pow(base.n() if base.is_Number else base, power if exact or not power.is_Number else power.n())
    return _BUILT[what](*parts) if what in _BUILT else getattr(sympy, what)(*parts)


_BUILT: dict[str, Callable[..., Foreign]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "neg": lambda one: -one,
}


def _number(value: float) -> Foreign:
    import sympy

    return sympy.Integer(int(value)) if value.is_integer() and abs(value) < _MOST_EXACT else sympy.Float(value, _DIGITS)


def _refused(*_: object, **__: object) -> NoReturn:
    raise SyntaxError("sympy evaluates no text here")
