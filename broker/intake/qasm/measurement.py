"""Which qubits are measured, reset, aligned or delayed? Counted one by one, with the bits that they go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.intake.qasm.expressions import evaluate
from broker.intake.qasm.operands import qubits_of
from broker.intake.qasm.places import bits_of, size_of
from broker.intake.qasm.symbols import Somewhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.intake.qasm.reading import Reading


def measure(reading: Reading) -> None:
    """Step over ``measure q;`` or ``measure q -> c;``."""
    start = reading.at
    qubits, bits = measured(reading), None
    if reading.accept("->"):
        at = reading.at
        bits = bits_of(reading)
        same_size(reading, size_of(qubits), size_of(bits), at)
    elif reading.version == 2:  # noqa: PLR2004  OpenQASM 2 always says where to
        reading.unexpected("'->'")
    reading.expect(";")
    fill(reading, qubits, bits)
    reading.charge(start)


def fill(reading: Reading, qubits: Sequence[int] | Somewhere, bits: Sequence[int] | Somewhere | None) -> None:
    """Tell of a measurement; what goes to a bit is kept."""
    reading.kept = reading.kept or bits is not None
    if reading.builder is not None:
        assert not isinstance(qubits, Somewhere)  # noqa: S101  a builder's reading follows every value
        assert not isinstance(bits, Somewhere)  # noqa: S101  as above
        reading.builder.measure(qubits, bits)


def measured(reading: Reading) -> Sequence[int] | Somewhere:
    """Step over ``measure q`` and count it."""
    reading.at += 1
    qubits = qubits_of(reading)
    tally = reading.tally
    if isinstance(qubits, Somewhere):
        tally.sweep(qubits.among)
        _anywhere(reading)
        return qubits
    _affordable(reading, len(qubits))
    if not tally.measured.isdisjoint(qubits) or reading.times > 1:
        tally.dynamic = True
    tally.measured.update(qubits)
    tally.touch(qubits, reading.times)
    return qubits


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
        if reading.builder is not None:
            reading.builder.reset(qubits)
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


def _affordable(reading: Reading, qubits: int) -> None:
    if reading.tally.operations + qubits * reading.times > reading.limits.operations:
        reading.too_long(reading.at - 1)


def _anywhere(reading: Reading) -> None:
    """One operation on a qubit that is not known now."""
    tally = reading.tally
    tally.peak = tally.floor = tally.answered = max(tally.peak, tally.floor) + reading.times
    tally.operations += reading.times
    tally.work += reading.times
