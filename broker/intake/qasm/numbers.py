"""What number does a word stand for? A bounded one, never more than 64 bits of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from broker.intake.qasm.terms import MOST

if TYPE_CHECKING:
    from broker.intake.qasm.reading import Reading

_FORM = re.compile(r"((?:[0-9][0-9_]*+)(\.[0-9_]*+)?+([eE][+-]?+[0-9]++)?+|\.[0-9][0-9_]*+([eE][+-]?+[0-9]++)?+)(\w*+)")
_RADIX = {"0x": 16, "0X": 16, "0b": 2, "0B": 2, "0o": 8, "0O": 8}
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "dt": 1.0}


def number(reading: Reading) -> float | int:
    """Step over the number that stands here; a duration is given in seconds."""
    word = reading.words[reading.at]
    if len(word) > reading.limits.number:
        reading.fail("program_number", f"a number of {len(word)} characters, at most {reading.limits.number}")
    value = _plain(word)
    if value is None:
        reading.unexpected("a number")
    if not -MOST <= value <= MOST:
        reading.fail("program_number", "this number is too large", hint="integers are 64 bits, floats at most 2**64")
    reading.at += 1
    if reading.words[reading.at] in UNITS and reading.version > 2:  # noqa: PLR2004  OpenQASM 3 has durations
        value *= UNITS[reading.words[reading.at]]
        reading.at += 1
    return value


def whole(reading: Reading, text: str, at: int) -> int:
    """The integer written in ``text``, the digits between the brackets of word ``at``."""
    if len(text) > reading.limits.number:
        reading.fail("program_number", f"an index of {len(text)} digits", at=at)
    return int(text)


def _plain(word: str) -> float | int | None:
    if word.isascii() and word.isdigit():
        return int(word)
    if word[:2] in _RADIX:
        try:
            return int(word[2:].replace("_", ""), _RADIX[word[:2]])
        except ValueError:
            return None
    form = _FORM.fullmatch(word)
    if form is None or (form.group(5) and form.group(5) not in UNITS):
        return None
    digits = form.group(1).replace("_", "")
    value = float(digits) if form.group(2) or form.group(3) or digits.startswith(".") else int(digits)
    return value * UNITS.get(form.group(5), 1)
