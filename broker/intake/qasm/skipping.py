"""Where does a statement end that is not read? A branch that is never taken, the body of a loop without rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.intake.qasm.tokens import END

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.intake.qasm.reading import Reading

_CLOSING = {"(": ")", "[": "]", "{": "}"}


def skip(reading: Reading) -> None:
    """Step over one statement or block, however nested, unread."""
    reading.deeper()
    word = reading.words[reading.at].partition("[")[0]
    if word == "if":
        reading.at += 1
        _enclosed(reading)
        skip(reading)
        if reading.accept("else"):
            skip(reading)
    elif word == "for":
        _to(reading, "in")
        _enclosed(reading)
        skip(reading)
    elif word in {"box", "{"}:
        _to(reading, "{")
        reading.at = _closing(reading)
    elif word.startswith(("#pragma", "pragma")):
        reading.at += 1
    else:
        _to(reading, ";")
    reading.nesting -= 1


def braces(reading: Reading) -> Mapping[int, int]:
    """Each opening brace with the one that closes it."""
    if reading.braces is None:
        reading.braces = {}
        open_: list[int] = []
        for place, word in enumerate(reading.words):
            if word == "{":
                open_.append(place)
            elif word == "}" and open_:
                reading.braces[open_.pop()] = place
    return reading.braces


def _to(reading: Reading, wanted: str) -> None:
    """Step behind the next ``wanted``."""
    words, at = reading.words, reading.at
    while words[at] != wanted:
        if words[at] == END or (wanted != "{" and words[at] in {"{", "}"}):
            reading.at = at
            reading.unexpected(f"'{wanted}'")
        at += 1
    reading.at = at + 1


def _closing(reading: Reading) -> int:
    """Behind the brace that closes the one before this word."""
    end = braces(reading).get(reading.at - 1)
    if end is None:
        reading.at = len(reading.words) - 1
        reading.unexpected("'}'")
    return end + 1


def _enclosed(reading: Reading) -> None:
    """Step over ``( ... )``, ``[ ... ]`` or ``{ ... }``; brackets of words such as ``q[3]`` are no words."""
    opening = reading.words[reading.at]
    closing = _CLOSING.get(opening)
    if closing is None:
        reading.unexpected("a bracket")
    depth = 0
    while True:
        word = reading.words[reading.at]
        if word == END:
            reading.unexpected(f"'{closing}'")
        depth += (word == opening) - (word == closing)
        reading.at += 1
        if not depth:
            return
