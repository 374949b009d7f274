"""Which registers, constants, parameters and aliases does the program declare? One function per word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.intake.qasm.blocks import ASSIGNMENTS
from broker.intake.qasm.expressions import evaluate, integer
from broker.intake.qasm.measurement import bits_of, measured, same_size
from broker.intake.qasm.numbers import whole
from broker.intake.qasm.operands import operand
from broker.intake.qasm.symbols import Bits, Number, Qubits, Somewhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.intake.qasm.reading import Reading


def qreg(reading: Reading) -> None:
    """Step over ``qreg q[n];``."""
    name, size, at = _old_register(reading)
    _add_qubits(reading, name, size, at)


def creg(reading: Reading) -> None:
    """Step over ``creg c[n];``."""
    name, size, at = _old_register(reading)
    reading.add_bits(name, size or 1, at)


def qubit(reading: Reading) -> None:
    """Step over ``qubit[n] q;`` or ``qubit q;``."""
    _global_only(reading)
    size = _type_size(reading)
    at = reading.at
    name = _plain_name(reading)
    reading.expect(";")
    _add_qubits(reading, name, size, at)


def bit(reading: Reading) -> None:
    """Step over ``bit[n] c;`` with an initial value or measurement, if any."""
    size = _type_size(reading) or 1
    at = reading.at
    name = _plain_name(reading)
    if reading.blocks:
        reading.declare(name, Bits(name, size), at)
    else:
        reading.add_bits(name, size, at)
    if reading.accept("="):
        _value(reading, size)
    reading.expect(";")


def assignment(reading: Reading) -> None:
    """Step over ``c = measure q;``, ``c[0] = measure q;`` or ``n += 1;``."""
    at = reading.at
    name = reading.words[at].partition("[")[0]
    symbol = reading.names[name]
    if isinstance(symbol, Bits):
        size = bits_of(reading)
        reading.expect("=")
        _value(reading, size)
    elif isinstance(symbol, Number) and symbol.assignable:
        reading.split()
        if reading.words[reading.at] not in ASSIGNMENTS:
            reading.unexpected("'='")
        if reading.guarded:
            detail = f"'{name}' would depend on measured bits"
            reading.fail("program_unsupported", detail, at=at, hint="act on qubits in the branches of this if")
        reading.at += 1
        evaluate(reading)
    else:
        reading.fail("program_type", f"'{name}' cannot be assigned", at=at)
    reading.expect(";")


def constant(reading: Reading) -> None:
    """Step over ``const type name = value;``."""
    reading.at += 1
    word = reading.words[reading.at].partition("[")[0]
    if word not in _NUMERIC:
        reading.unexpected("a numeric type")
    _type_size(reading)
    at = reading.at
    name = _plain_name(reading)
    reading.expect("=")
    value = evaluate(reading)
    if word in _WHOLE and value is not None:
        value = int(value)
    reading.expect(";")
    reading.declare(name, Number(value), at)


def variable(reading: Reading) -> None:
    """Step over ``int n;`` or ``float x = value;``: its value is not followed."""
    _type_size(reading)
    at = reading.at
    name = _plain_name(reading)
    if reading.accept("="):
        if reading.words[reading.at] == "measure":
            detail = f"'{name}' would depend on measured bits"
            reading.fail(
                "program_unsupported", detail, hint="measure into a bit, and test that in the condition of an if"
            )
        evaluate(reading)
    reading.expect(";")
    reading.declare(name, Number(None, assignable=True), at)


def parameter(reading: Reading) -> None:
    """Step over ``input type name;``: each point binds it."""
    _global_only(reading)
    reading.at += 1
    if reading.words[reading.at].partition("[")[0] not in _NUMERIC:
        reading.fail("program_unsupported", "an input must be float, angle, int, uint or bool")
    _type_size(reading)
    at = reading.at
    name = _plain_name(reading)
    reading.expect(";")
    reading.declare(name, Number(None), at)
    reading.parameters.append(name)
    if len(reading.parameters) > reading.limits.parameters:
        reading.fail("program_too_large", f"more than {reading.limits.parameters} parameters", at=at)


def output(reading: Reading) -> None:
    """Step over the word ``output`` of ``output bit[n] c;``: all bits are given back anyway."""
    _global_only(reading)
    reading.at += 1
    if reading.words[reading.at].partition("[")[0] != "bit":
        reading.fail("program_unsupported", "an output must be bits")
    bit(reading)


def alias(reading: Reading) -> None:
    """Step over ``let a = q[0:2] ++ r;``."""
    reading.at += 1
    at = reading.at
    name = _plain_name(reading)
    reading.expect("=")
    indices = _part(reading)
    joined = reading.words[reading.at] == "++"
    while reading.accept("++"):
        more = _part(reading)
        indices = (*indices, *more)
        reading.tally.work += _COPY * len(indices)
        reading.charge(at)
    reading.expect(";")
    if joined and len(set(indices)) != len(indices):
        reading.fail("program_duplicate_qubit", f"alias '{name}' holds the same qubit twice", at=at)
    reading.declare(name, Qubits(indices), at)


_COPY = 8  # what it costs to copy and compare a qubit, in units of one operation
_WHOLE = frozenset({"int", "uint", "bool"})
_NUMERIC = _WHOLE | {"float", "angle"}


def _old_register(reading: Reading) -> tuple[str, int, int]:
    reading.at += 1
    at = reading.at
    name, index = reading.new_name()
    if index is not None:
        size = whole(reading, index, at)
    elif reading.accept("["):
        size = _size(reading, at)
        reading.expect("]")
    elif reading.version == 3:  # noqa: PLR2004  "qreg q;" is one qubit there
        size = 1
    else:
        reading.unexpected("'['")
    reading.expect(";")
    return name, _checked(reading, size, at), at


def _type_size(reading: Reading) -> int:
    """Step over a type word with its ``[size]``, if any; 0 when none is written."""
    at = reading.at
    _, index = reading.split()
    if index is not None:
        return _checked(reading, whole(reading, index, at), at)
    if not reading.accept("["):
        return 0
    size = _size(reading, at)
    reading.expect("]")
    return _checked(reading, size, at)


def _size(reading: Reading, at: int) -> int:
    size = integer(reading, "a size")
    if size is None:
        reading.fail("program_size", "a size must be a constant", at=at, hint="declare it with const")
    return size


def _checked(reading: Reading, size: int, at: int) -> int:
    if size < 1:
        reading.fail("program_size", "a size must be at least 1", at=at)
    return size


def _plain_name(reading: Reading) -> str:
    at = reading.at
    name, index = reading.new_name()
    if index is not None:
        reading.fail("program_syntax", "the size belongs to the type, as in bit[2] c", at=at)
    return name


def _add_qubits(reading: Reading, name: str, size: int, at: int) -> None:
    first = len(reading.tally.levels)
    total = first + (size or 1)
    if total > reading.limits.qubits:
        reading.fail("program_too_wide", f"{total} qubits, at most {reading.limits.qubits} are allowed", at=at)
    reading.declare(name, Qubits(range(first, total), single=not size), at)
    reading.tally.grow(total - first)


def _value(reading: Reading, size: int) -> None:
    at = reading.at
    if reading.words[at] == "measure":
        same_size(reading, measured(reading), size, at)
        reading.kept = True
        return
    evaluate(reading)


def _part(reading: Reading) -> Sequence[int]:
    at = reading.at
    found = operand(reading)
    if isinstance(found, Somewhere):
        reading.fail("program_unsupported", "an alias that is known only at run time", at=at)
    return (found,) if isinstance(found, int) else found.indices


def _global_only(reading: Reading) -> None:
    if reading.blocks:
        reading.fail("program_syntax", "this may not be declared inside a block")
