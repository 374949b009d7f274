"""Which term is a text such as ``2*a + sin(b)/3``? Read in linear time; nothing in it is ever evaluated as code.

It is the one reader of such texts: intake admits by it, and in the children it stands where sympy would evaluate the
text as Python.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from broker.intake.names import LETTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Term: TypeAlias = "float | str | tuple[str, *tuple[Term, ...]]"
"""A number, the name of a parameter, or what is done (an operator, ``neg`` or a function) and to what."""

LONGEST: Final = 200
# Of brackets, signs and powers together: far more than people write, far less than Python's stack.
DEEPEST: Final = 32
# A tower of more makes numbers that no computer holds, whoever computes it.
MOST_POWERS: Final = 2
CONSTANTS: Final[Mapping[str, float]] = {"pi": math.pi}
FUNCTIONS: Final[Mapping[str, Callable[[float], float]]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
}
OPERATORS: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "**": math.pow,
}
_TOKEN = re.compile(
    rf"[ ]*+(?:([0-9]{{1,20}}+(?:\.[0-9]{{0,20}}+)?+(?:[eE][+-]?+[0-9]{{1,3}}+)?+|\.[0-9]{{1,20}}+)"
    rf"|([{LETTER}][{LETTER}0-9]*+)|(\*\*|[-+*/^()])|$)"
)


class NotArithmeticError(Exception):
    """The text is no plain arithmetic; the message says what of it is not."""


def term(text: str) -> Term:
    """The term that ``text`` is, constant parts worked out.

    Raises:
        NotArithmeticError: it is none, or too long, too deep, or beyond any float.
    """
    if len(text) > LONGEST:
        raise NotArithmeticError(f"an expression of {len(text)} characters, at most {LONGEST}")
    reader = _Reader(list(_tokens(text)))
    found = reader.sum(0)
    if reader.next != "":
        raise NotArithmeticError(f"{reader.next[:20]!r} where an operator should stand")
    return found


def names(found: Term) -> set[str]:
    """The parameters that a term needs."""
    if isinstance(found, tuple):
        return set().union(*map(names, found[1:]))
    return {found} if isinstance(found, str) else set()


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotArithmeticError(f"{text[at : at + 20]!r} is no arithmetic")
        at = match.end()
        yield match.group().strip(" ").replace("^", "**")
    yield ""


class _Reader:
    """Recursive descent over the tokens, its depth bounded."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = [token for token in tokens if token]
        self._at = 0
        if self._tokens.count("**") > MOST_POWERS:
            raise NotArithmeticError(f"more than {MOST_POWERS} powers")

    @property
    def next(self) -> str:
        """The token that is to be read, or nothing at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def sum(self, depth: int) -> Term:
        found = self._product(depth)
        while self.next in ("+", "-"):
            operator = self._take()
            found = _folded(operator, found, self._product(depth))
        return found

    def _product(self, depth: int) -> Term:
        found = self._signed(depth)
        while self.next in ("*", "/"):
            operator = self._take()
            found = _folded(operator, found, self._signed(depth))
        return found

    def _signed(self, depth: int) -> Term:
        """A sign binds less than a power: ``-a**2`` is ``-(a**2)``."""
        if depth > DEEPEST:
            raise NotArithmeticError(f"nested deeper than {DEEPEST} levels")
        if self.next in ("+", "-"):
            negative = self._take() == "-"
            found = self._signed(depth + 1)
            return _folded("neg", found) if negative else found
        base = self._atom(depth)
        if self.next != "**":
            return base
        self._take()
        return _folded("**", base, self._signed(depth + 1))

    def _atom(self, depth: int) -> Term:
        word = self._take()
        if word == "(":
            return self._closed(depth)
        if word[:1].isdigit() or word[:1] == ".":
            return _finite(float(word), word)
        if not word or word in OPERATORS or word == ")":
            raise NotArithmeticError(f"{word!r} where a number or a name should stand")
        if word in FUNCTIONS:
            if self._take() != "(":
                raise NotArithmeticError(f"{word} stands without its argument")
            return _folded(word, self._closed(depth))
        if self.next == "(":
            raise NotArithmeticError(f"there is no function {word[:40]!r}")
        return CONSTANTS.get(word, word)

    def _closed(self, depth: int) -> Term:
        found = self.sum(depth + 1)
        if self._take() != ")":
            raise NotArithmeticError("a bracket is not closed")
        return found

    def _take(self) -> str:
        token = self.next
        self._at += 1
        return token


def _folded(what: str, *parts: Term) -> Term:
    """One step; worked out at once if it hangs on no parameter, so that whoever gets the term meets no large power."""
    numbers = [part for part in parts if isinstance(part, float)]
    if len(numbers) < len(parts):
        return (what, *parts)
    try:
        found = -numbers[0] if what == "neg" else (FUNCTIONS | OPERATORS)[what](*numbers)  # type: ignore[operator]
    except (ArithmeticError, ValueError):
        found = math.nan
    return _finite(float(found), what)


def _finite(found: float, what: str) -> float:
    if not math.isfinite(found):
        raise NotArithmeticError(f"{what} has no finite real value here")
    return found
