"""How is an angle that hangs on inputs written for Braket? As arithmetic on their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from backends.errors import Refused
from broker.intake.qasm.terms import NAME, Term

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.intake.qasm.symbols import Value

MOST: Final = 4096
_JOINS: Final = frozenset({"+", "-", "*", "/", "**"})
_CALLS: Final = {
    **{name: name for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "arcsin", "arccos", "arctan")},
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "ln": "log",
}
# Braket's inputs are real numbers: what makes a real number of one changes nothing.
_SILENT: Final = frozenset({"float", "angle", "plus"})
# A parameter in an expression that Qiskit wrote; the names are those of CircuitBuilder.
_PARAMETER: Final = re.compile(r"\ba[0-9]+\b")


def text_of(expression: Any, terms: Mapping[str, Term]) -> str:  # noqa: ANN401  Qiskit's
    """``expression`` is Qiskit's, over parameters that stand for ``terms``."""
    written = str(expression)
    if written in terms:
        return _text(terms[written])
    found = _PARAMETER.sub(lambda name: f"({_text(terms[name[0]])})", written)
    if len(found) > MOST:
        raise _too_long()
    return found


def _text(value: Value | str, depth: int = 0) -> str:
    if not isinstance(value, Term):
        return repr(float(value)) if isinstance(value, (int, float)) else str(value)
    if depth > 100:  # noqa: PLR2004  far from Python's own bound, far above what people write
        raise _too_long()
    if value.word == NAME:
        return str(value.parts[0])
    parts = [_text(part, depth + 1) for part in value.parts]
    if sum(map(len, parts)) > MOST:
        raise _too_long()
    if value.word in _SILENT:
        return parts[0]
    if value.word == "minus":
        return f"-({parts[0]})"
    if value.word in _CALLS:
        return f"{_CALLS[value.word]}({parts[0]})"
    if value.word in _JOINS:
        return f"({f' {value.word} '.join(parts)})"
    if value.word == "pow":
        return f"(({parts[0]}) ** ({parts[1]}))"
    raise Refused(f"an angle uses {value.word} of an input, which Braket does not offer", code="program_invalid")


def _too_long() -> Refused:
    return Refused("an angle is too long to be said to Braket", code="limit_exceeded")
