"""Which classical bits does an operand mean? Several in order, or one of several that is not known now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.intake.qasm.numbers import whole
from broker.intake.qasm.symbols import Bits, Somewhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.intake.qasm.reading import Reading


def bits_of(reading: Reading) -> Sequence[int] | Somewhere:
    """Step over a classical operand: ``c``, ``c[2]`` or ``c[0:2]``."""
    at = reading.at
    name, index = reading.split()
    symbol = reading.names.get(name)
    if symbol is None:
        reading.fail("program_undefined", f"'{name}' is not declared", at=at)
    if not isinstance(symbol, Bits):
        reading.fail("program_type", f"'{name}' is not a classical register", at=at)
    return bits_at(reading, symbol, index, at)


def bits_at(reading: Reading, symbol: Bits, index: str | None, at: int) -> Sequence[int] | Somewhere:
    """Step over what follows the name ``symbol`` that was read, with its ``index`` if written with it."""
    if index is not None:
        place = whole(reading, index, at)
        if place >= symbol.size:
            reading.fail(
                "program_index", f"'{symbol.name}' has {symbol.size} bits, index {index} is out of range", at=at
            )
        return symbol.places[place : place + 1]
    return _indexed(reading, symbol) if reading.words[reading.at] == "[" else symbol.places


def size_of(bits: Sequence[int] | Somewhere) -> int:
    """How many an operand means."""
    return 1 if isinstance(bits, Somewhere) else len(bits)


def _indexed(reading: Reading, symbol: Bits) -> Sequence[int] | Somewhere:
    from broker.intake.qasm.expressions import integer  # noqa: PLC0415  an index is one, and a bit stands in one

    at = reading.at
    reading.expect("[")
    bounds = [integer(reading, "an index")]
    while reading.accept(":"):
        bounds.append(integer(reading, "an index"))
    reading.expect("]")
    numbers = [bound for bound in bounds if bound is not None]
    if any(not -symbol.size <= bound < symbol.size for bound in numbers):
        reading.fail("program_index", f"'{symbol.name}' has {symbol.size} bits", at=at)
    if len(bounds) == 1:
        return Somewhere(symbol.places) if not numbers else (symbol.places[numbers[0]],)
    if len(bounds) != 2 or len(numbers) != 2:  # noqa: PLR2004  from and to
        reading.fail("program_unsupported", "this slice of a classical register", at=at, hint="write [from:to]")
    first, last = (bound + symbol.size * (bound < 0) for bound in numbers)
    return symbol.places[first : last + 1]
