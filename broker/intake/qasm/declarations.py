"""Which registers, constants, parameters and aliases does the program declare? One function per word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.intake.qasm.blocks import ASSIGNMENTS
from broker.intake.qasm.expressions import evaluate, integer
from broker.intake.qasm.kinds import kept_as
from broker.intake.qasm.measurement import fill, measured, same_size
from broker.intake.qasm.numbers import whole
from broker.intake.qasm.operands import operand
from broker.intake.qasm.operations import BINARY
from broker.intake.qasm.places import bits_of, size_of
from broker.intake.qasm.symbols import Bits, Number, Qubits, Somewhere
from broker.intake.qasm.terms import NAME, NotANumber, Term, computed, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.intake.qasm.reading import Reading
    from broker.intake.qasm.symbols import Value


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
    reading.add_bits(name, size, at)
    if reading.accept("="):
        symbol = reading.names[name]
        assert isinstance(symbol, Bits)  # noqa: S101  just declared
        _value(reading, symbol.places, first=True)
    reading.expect(";")


def assignment(reading: Reading) -> None:
    """Step over ``c = measure q;``, ``c[0] = measure q;`` or ``n += 1;``."""
    at = reading.at
    name = reading.words[at].partition("[")[0]
    symbol = reading.names[name]
    if isinstance(symbol, Bits):
        bits = bits_of(reading)
        reading.expect("=")
        _value(reading, bits)
    elif isinstance(symbol, Number) and symbol.assignable:
        _, index = reading.split()
        if index is not None or reading.words[reading.at] not in ASSIGNMENTS:
            reading.unexpected("'='")
        if reading.guarded:
            detail = f"'{name}' would depend on measured bits"
            reading.fail("program_unsupported", detail, at=at, hint="act on qubits in the branches of this if")
        _assigned(reading, name, symbol)
    else:
        reading.fail("program_type", f"'{name}' cannot be assigned", at=at)
    reading.expect(";")


def constant(reading: Reading) -> None:
    """Step over ``const type name = value;``."""
    reading.at += 1
    word = reading.words[reading.at].partition("[")[0]
    if word not in _NUMERIC:
        reading.unexpected("a numeric type")
    kept = kept_as(word, _type_size(reading))
    at = reading.at
    name = _plain_name(reading)
    reading.expect("=")
    value = _as(reading, kept, evaluate(reading), at)
    reading.expect(";")
    reading.declare(name, Number(value), at)


def variable(reading: Reading) -> None:
    """Step over ``int n;`` or ``float x = value;``; without a value it is 0."""
    kept = kept_as(reading.words[reading.at].partition("[")[0], _type_size(reading))
    at = reading.at
    name = _plain_name(reading)
    value: Value = 0
    if reading.accept("="):
        if reading.words[reading.at] == "measure":
            detail = f"'{name}' would depend on measured bits"
            reading.fail(
                "program_unsupported", detail, hint="measure into a bit, and test that in the condition of an if"
            )
        value = evaluate(reading)
    reading.expect(";")
    reading.declare(name, Number(_as(reading, kept, value, at), kept), at)
    reading.followed.add(name)


def _assigned(reading: Reading, name: str, symbol: Number) -> None:
    """Its new value; not followed where nobody knows whether, or how often, this is done."""
    at = reading.at
    word = reading.words[at].removesuffix("=")
    reading.at += 1
    value = evaluate(reading)
    assert symbol.kept is not None  # noqa: S101  it is assignable
    if word:
        value = _computed(reading, at, word, symbol.value, value)
    value = None if reading.vague else _as(reading, symbol.kept, value, at)
    reading.names[name] = Number(value, symbol.kept)
    if value is not None:
        reading.followed.add(name)


def _computed(reading: Reading, at: int, word: str, left: Value, right: Value) -> Value:
    if word not in BINARY:
        reading.unexpected("'='")
    try:
        return computed(word, BINARY[word][1], left, right)
    except NotANumber as error:
        reading.fail("program_number", str(error), at=at)


def _as(reading: Reading, kept: Callable[[Value], Value], value: Value, at: int) -> Value:
    try:
        return kept(value)
    except NotANumber as error:
        reading.fail("program_number", str(error), at=at)


def parameter(reading: Reading) -> None:
    """Step over ``input type name;``: each point binds it."""
    _global_only(reading)
    reading.at += 1
    word = reading.words[reading.at].partition("[")[0]
    if word not in _NUMERIC:
        reading.fail("program_unsupported", "an input must be float, angle, int, uint or bool")
    kept = kept_as(word, _type_size(reading))
    at = reading.at
    name = _plain_name(reading)
    reading.expect(";")
    reading.declare(name, Number(_input(reading, name, kept, at)), at)
    reading.parameters.append(name)
    if len(reading.parameters) > reading.limits.parameters:
        reading.fail("program_too_large", f"more than {reading.limits.parameters} parameters", at=at)


def _input(reading: Reading, name: str, kept: Callable[[Value], Value], at: int) -> Value:
    """Not followed, a term for a builder, or its value at the point."""
    if reading.builder is None:
        return None
    if reading.point is None:
        return kept(Term(NAME, None, (name,)))
    if name not in reading.point:
        reading.fail("program_parameters", f"no value for parameter {name}", at=at)
    return _as(reading, kept, reading.point[name], at)


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
_NUMERIC = frozenset({"int", "uint", "bool", "float", "angle"})


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
    if reading.builder is not None:
        reading.builder.qubits(total - first, name)


def _value(reading: Reading, bits: Sequence[int] | Somewhere, *, first: bool = False) -> None:
    """What stands behind ``bits =``: a measurement, or a number; ``first``: the bits are still 0."""
    at = reading.at
    if reading.words[at] == "measure":
        qubits = measured(reading)
        same_size(reading, size_of(qubits), size_of(bits), at)
        fill(reading, qubits, bits)
        return
    value = settled(evaluate(reading))
    if value is not None and not isinstance(value, int):
        reading.fail("program_type", "bits can be given whole numbers only", at=at)
    if value is not None and not 0 <= value < 1 << size_of(bits):
        reading.fail("program_type", f"{value} does not fit into {size_of(bits)} bit(s)", at=at)
    if first and value == 0:
        return
    reading.tally.dynamic = True
    if reading.builder is not None:
        assert value is not None  # noqa: S101  a builder's reading follows every value
        assert not isinstance(bits, Somewhere)  # noqa: S101  as above
        reading.builder.assign(bits, value)


def _part(reading: Reading) -> Sequence[int]:
    at = reading.at
    found = operand(reading)
    if isinstance(found, Somewhere):
        reading.fail("program_unsupported", "an alias that is known only at run time", at=at)
    return (found,) if isinstance(found, int) else found.indices


def _global_only(reading: Reading) -> None:
    if reading.blocks:
        reading.fail("program_syntax", "this may not be declared inside a block")
