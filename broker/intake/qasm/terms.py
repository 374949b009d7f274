"""What is a number that only a point, or the call of a gate, tells? The operation and its parts, worked out then."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.intake.qasm.symbols import Value

MOST = 1 << 64
NAME = "name"
FORMAL = "formal"


class Term:
    """``word`` of ``parts``; a leaf has no function: the ``NAME`` of an input, or the ``FORMAL`` angle of a gate."""

    __slots__ = ("function", "parts", "word")

    def __init__(self, word: str, function: Callable[..., float] | None, parts: tuple[Value | str, ...]) -> None:
        self.word = word
        self.function = function
        self.parts = parts


class PointNeeded(Exception):
    """The program's structure hangs on a value that each point gives: it must be read again with the point."""


class NotANumber(ArithmeticError):
    """An expression has no finite real value, or an integer has more than 64 bits."""


def settled(value: Value) -> float | int | None:
    """``value`` where no more than a number will do.

    Raises:
        PointNeeded: it is a term.
    """
    if type(value) is Term:
        raise PointNeeded
    return value  # type: ignore[return-value]  # no term is left


def computed(word: str, function: Callable[..., float], *values: Value) -> Value:
    """A number where all ``values`` are, a term where one is; None where one is not followed.

    Raises:
        NotANumber: there is no such number.
    """
    for value in values:
        if value is None:
            return None
        if type(value) is Term:
            return None if None in values else Term(word, function, values)
    try:
        return ordinary(function(*values))
    except ZeroDivisionError:
        raise NotANumber("division by zero") from None
    except (ValueError, OverflowError):
        raise NotANumber("this expression has no finite real value") from None


def ordinary(value: float) -> float | int:
    """``value`` if it is a number that every engine takes."""
    if isinstance(value, complex) or not isfinite(value):
        raise NotANumber("this expression is not a finite real number")
    if isinstance(value, int) and not -MOST <= value <= MOST:
        raise NotANumber("this integer does not fit in 64 bits")
    return value


def worked_out(value: Value, leaf: Callable[[Term], Value], seen: dict[int, Value]) -> Value:
    """``value`` with each leaf replaced; without recursion, each shared part once. ``seen`` belongs to one ``leaf``.

    Raises:
        NotANumber: some part has no value.
    """
    if type(value) is not Term:
        return value
    waiting = [value]
    while waiting:
        term = waiting[-1]
        if id(term) in seen:
            waiting.pop()
        elif term.function is None:
            seen[id(term)] = leaf(term)
        else:
            missing = [part for part in term.parts if type(part) is Term and id(part) not in seen]
            if missing:
                waiting.extend(missing)
                continue
            parts = [seen[id(part)] if type(part) is Term else part for part in term.parts]
            seen[id(term)] = computed(term.word, term.function, *parts)  # type: ignore[arg-type] # no name is left
    return seen[id(value)]
