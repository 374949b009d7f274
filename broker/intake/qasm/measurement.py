"""Which qubits are measured, reset, aligned or delayed? Counted one by one, with the bits that they go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.intake.qasm.expressions import evaluate, integer
from broker.intake.qasm.numbers import whole
from broker.intake.qasm.operands import qubits_of
from broker.intake.qasm.symbols import Bits, Somewhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.intake.qasm.reading import Reading


def measure(reading: Reading) -> None:
    """Step over ``measure q;`` or ``measure q -> c;``."""
    start = reading.at
    size = measured(reading)
    if reading.accept("->"):
        at = reading.at
        same_size(reading, size, bits_of(reading), at)
        reading.kept = True
    elif reading.version == 2:  # noqa: PLR2004  OpenQASM 2 always says where to
        reading.unexpected("'->'")
    reading.expect(";")
    reading.charge(start)


def measured(reading: Reading) -> int:
    """Step over ``measure q`` and count it; gives how many bits come out."""
    reading.at += 1
    qubits = qubits_of(reading)
    tally = reading.tally
    if isinstance(qubits, Somewhere):
        tally.sweep(qubits.among)
        _anywhere(reading)
        return 1
    _affordable(reading, len(qubits))
    if not tally.measured.isdisjoint(qubits) or reading.times > 1:
        tally.dynamic = True
    tally.measured.update(qubits)
    tally.touch(qubits, reading.times)
    return len(qubits)


def bits_of(reading: Reading) -> int:
    """Step over a classical operand; gives its number of bits."""
    at = reading.at
    name, index = reading.split()
    symbol = reading.names.get(name)
    if symbol is None:
        reading.fail("program_undefined", f"'{name}' is not declared", at=at)
    if not isinstance(symbol, Bits):
        reading.fail("program_type", f"'{name}' is not a classical register", at=at)
    if index is None:
        return _bit_index(reading, symbol) if reading.words[reading.at] == "[" else symbol.size
    if whole(reading, index, at) >= symbol.size:
        reading.fail("program_index", f"'{name}' has {symbol.size} bits, index {index} is out of range", at=at)
    return 1


def same_size(reading: Reading, qubits: int, bits: int, at: int) -> None:
    """Refuse a measurement of so many qubits into another number of bits."""
    if qubits != bits:
        reading.fail("program_arity", f"{qubits} qubit(s) measured into {bits} bit(s)", at=at)


def reset(reading: Reading) -> None:
    """Step over ``reset q;``."""
    reading.at += 1
    qubits = qubits_of(reading)
    reading.tally.dynamic = True
    if isinstance(qubits, Somewhere):
        _anywhere(reading)
    else:
        _affordable(reading, len(qubits))
        reading.tally.touch(qubits, reading.times)
        reading.tally.measured.difference_update(qubits)
    reading.expect(";")


def barrier(reading: Reading) -> None:
    """Step over ``barrier q, r;`` or a bare ``barrier;``."""
    reading.at += 1
    if _nothing_listed(reading):
        reading.tally.floor = reading.tally.peak
        return
    every: list[int] = []
    for qubits in _listed(reading):
        every.extend(qubits if len(qubits) <= 64 else (qubits[0], *_MANY))  # noqa: PLR2004  see Tally.align
    reading.tally.align(every)


def delay(reading: Reading) -> None:
    """Step over ``delay[100ns] q;``: time, but no operation on the state."""
    reading.at += 1
    reading.expect("[")
    evaluate(reading)
    reading.expect("]")
    if not _nothing_listed(reading):
        _listed(reading)


_MANY = (0,) * 64


def _nothing_listed(reading: Reading) -> bool:
    return reading.version == 3 and reading.accept(";")  # noqa: PLR2004


def _listed(reading: Reading) -> list[Sequence[int]]:
    listed: list[Sequence[int]] = []
    while True:
        qubits = qubits_of(reading)
        listed.append(qubits.among if isinstance(qubits, Somewhere) else qubits)
        if reading.accept(";"):
            return listed
        if not reading.accept(","):
            reading.unexpected("',' or ';'")


def _bit_index(reading: Reading, symbol: Bits) -> int:
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
        return 1
    if len(bounds) != 2 or len(numbers) != 2:  # noqa: PLR2004  from and to
        reading.fail("program_unsupported", "this slice of a classical register", at=at, hint="write [from:to]")
    first, last = (bound + symbol.size * (bound < 0) for bound in numbers)
    return max(0, last - first + 1)


def _affordable(reading: Reading, qubits: int) -> None:
    if reading.tally.operations + qubits * reading.times > reading.limits.operations:
        reading.too_long(reading.at - 1)


def _anywhere(reading: Reading) -> None:
    """One operation on a qubit that is not known now."""
    tally = reading.tally
    tally.peak = tally.floor = tally.answered = max(tally.peak, tally.floor) + reading.times
    tally.operations += reading.times
    tally.work += reading.times
