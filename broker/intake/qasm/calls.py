"""What does one gate call cost? Counted with its modifiers and its broadcast over registers, never expanded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NoReturn

from broker.intake.qasm.events import Call
from broker.intake.qasm.expressions import arguments, evaluate, integer
from broker.intake.qasm.gates import BRAKET, QELIB1, STDGATES, controlled, repeated
from broker.intake.qasm.operands import operand
from broker.intake.qasm.reading import shown
from broker.intake.qasm.symbols import Qubits, Somewhere
from broker.intake.qasm.terms import settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from broker.intake.qasm.events import Modifier
    from broker.intake.qasm.gates import Gate
    from broker.intake.qasm.operands import Operand
    from broker.intake.qasm.reading import Reading
    from broker.intake.qasm.symbols import Value
    from broker.intake.qasm.tally import Tally

    Said = tuple[Gate, tuple[Modifier, ...]]

WIDEST_POWER = 6


def call(reading: Reading, gate: Gate, power: float = 1, said: Said | None = None) -> None:
    """Step over ``gate(angles) operands;``, the statement nearly every program consists of.

    ``gate`` is counted; a builder is told what was ``said``, if another.
    """
    words, start = reading.words, reading.at
    reading.at += 1
    angles: Sequence[Value] = arguments(reading) if words[start + 1] == "(" else ()
    if len(angles) != gate.parameters:
        _wrong_parameters(reading, gate, len(angles), start)
    if gate.body is None and gate.declared:
        _opaque(reading, gate, start)
    if power != int(power):
        _whole_or_known(reading, gate, angles, start)
    qubits = _operands(reading, gate)
    if len(qubits) != gate.qubits:
        detail = f"'{gate.name}' acts on {gate.qubits} qubit(s), {len(qubits)} given"
        reading.fail("program_arity", detail, at=start)
    tally = reading.tally
    if tally.clifford and not gate.clifford(angles):
        tally.clifford = False
    if all(type(qubit) is int for qubit in qubits):
        if len(qubits) > 1 and len(set(qubits)) != len(qubits):
            _duplicate(reading, gate, start)
        tally.apply(gate, qubits, reading.times)  # type: ignore[arg-type] # every one is an int here
        if reading.builder is not None:
            _tell(reading, said or (gate, ()), angles, [qubits])  # type: ignore[list-item] # as above
    else:
        _broadcast(reading, gate, qubits, start, (said or (gate, ()), angles))
    reading.charge(start)


def modified(reading: Reading) -> None:
    """Step over ``ctrl(n) @ inv @ pow(k) @ gate(angles) operands;``."""
    start = reading.at
    controls, power, modifiers = _modifiers(reading)
    gate = plain = reading.gates.get(reading.words[reading.at])
    if gate is None or plain is None:
        undefined(reading)
    if power is None:
        reading.fail("program_unsupported", "a power that is known only at run time", at=start)
    if power != int(power):
        reading.tally.clifford = False
    if gate.declared:
        if power * gate.cost > reading.limits.work:
            reading.too_long(start)
        gate = repeated(gate, math.ceil(power))
    call(reading, controlled(gate, controls), power, (plain, modifiers))


def _tell(reading: Reading, said: Said, angles: Sequence[Value], rows: Iterable[Sequence[int]]) -> None:
    assert reading.builder is not None  # noqa: S101  the caller looked
    gate, modifiers = said
    for row in rows:
        reading.builder.apply(Call(gate, angles, row, modifiers))


def _whole_or_known(reading: Reading, gate: Gate, angles: Sequence[Value], start: int) -> None:
    """Refuse a fractional power that nobody could work out: it takes the gate's matrix."""
    if gate.qubits > WIDEST_POWER:
        reading.fail(
            "program_unsupported", f"a fractional power of a gate on more than {WIDEST_POWER} qubits", at=start
        )
    if reading.defining is None and any(not isinstance(angle, (float, int)) for angle in angles):
        detail = "a fractional power of a gate whose angle is not known before the run"
        reading.fail("program_unsupported", detail, at=start)


def _opaque(reading: Reading, gate: Gate, start: int) -> NoReturn:
    detail = f"'{gate.name}' is opaque: nothing says what it does"
    reading.fail("program_unsupported", detail, at=start, hint="define it with 'gate'")


def undefined(reading: Reading) -> NoReturn:
    """Refuse the name that stands here: it is no gate."""
    name = reading.words[reading.at]
    if not name[:1].isalpha() and name[:1] != "_":
        reading.unexpected("a statement")
    if name == reading.defining:
        reading.fail("program_recursive", f"gate '{name}' calls itself")
    reading.fail("program_undefined", f"{shown(name)} is not defined", hint=_advice(reading, name))


def _operands(reading: Reading, gate: Gate) -> list[Operand]:
    words, known, at = reading.words, reading.operands, reading.at
    qubits: list[Operand] = []
    if not gate.qubits and words[at] == ";":
        reading.at += 1
        return qubits
    while True:
        found = known.get(words[at])
        if found is None:
            reading.at = at
            qubits.append(operand(reading))
            at = reading.at
        else:
            qubits.append(found)
            at += 1
        if words[at] == ";":
            reading.at = at + 1
            return qubits
        if words[at] != ",":
            reading.at = at
            reading.unexpected("',' or ';'")
        at += 1


def _modifiers(reading: Reading) -> tuple[int, float | None, tuple[Modifier, ...]]:
    controls, power = 0, 1.0
    found: list[Modifier] = []
    known = True
    while (word := reading.words[reading.at]) in {"ctrl", "negctrl", "inv", "pow"}:
        at = reading.at
        reading.at += 1
        if word == "pow":
            reading.expect("(")
            value = settled(evaluate(reading))
            reading.expect(")")
            known = known and value is not None
            power = min(power * abs(value or 0), 1e18)
            found.append((word, value or 0))
        elif word == "inv":
            found.append((word, 0))
        else:
            more = _controls(reading)
            controls += more
            found.append((word, more))
            if controls > reading.limits.qubits:
                reading.fail("program_too_wide", f"more than {reading.limits.qubits} controls", at=at)
        reading.expect("@")
    return controls, power if known else None, tuple(found)


def _controls(reading: Reading) -> int:
    if not reading.accept("("):
        return 1
    at = reading.at
    count = integer(reading, "the number of controls")
    if count is None or count < 1:
        reading.fail("program_parameters", "the number of controls must be a constant of at least 1", at=at)
    reading.expect(")")
    return count


def _broadcast(
    reading: Reading, gate: Gate, qubits: Sequence[Operand], start: int, told: tuple[Said, Sequence[Value]]
) -> None:
    """Apply to each position of the registers; where that is too much to look at, bound it."""
    sizes = {len(qubit.indices) for qubit in qubits if isinstance(qubit, Qubits)}
    if len(sizes) > 1:
        detail = f"registers of different sizes: {', '.join(map(str, sorted(sizes)))}"
        reading.fail("program_arity", detail, at=start, hint="all registers of one call must have the same size")
    size = max(sizes, default=1)
    tally, times = reading.tally, reading.times
    if (tally.work + size * gate.cost * times) > reading.limits.work:
        reading.too_long(start)
    if len(qubits) == 1 and isinstance(qubits[0], Qubits):
        tally.apply_each(gate, qubits[0].indices, times)
        if reading.builder is not None:
            _tell(reading, *told, ((qubit,) for qubit in qubits[0].indices))
        return
    columns = [_column(qubit, size) for qubit in qubits]
    if any(isinstance(qubit, Somewhere) for qubit in qubits) or (len(qubits) > 1 and size > reading.budget):
        tally.apply_somewhere(gate, _span(tally, columns), times * size)
        return
    reading.budget -= size * (len(qubits) > 1)
    for row in zip(*columns, strict=True):
        if len(set(row)) != len(row):
            _duplicate(reading, gate, start)
        tally.apply(gate, row, times)
        if reading.builder is not None:
            _tell(reading, *told, (row,))


def _column(qubit: Operand, size: int) -> Sequence[int]:
    if isinstance(qubit, int):
        return (qubit,) * size
    return qubit.indices if isinstance(qubit, Qubits) else qubit.among


def _span(tally: Tally, columns: Sequence[Sequence[int]]) -> tuple[int, int]:
    """Qubits between which all of these surely lie, found without looking at each."""
    if any(not isinstance(column, range) and column[0] != column[-1] for column in columns):
        return 0, len(tally.levels) - 1
    ends = [qubit for column in columns for qubit in (column[0], column[-1])]
    return min(ends), max(ends)


def _duplicate(reading: Reading, gate: Gate, start: int) -> NoReturn:
    reading.fail("program_duplicate_qubit", f"'{gate.name}' is given the same qubit twice", at=start)


def _wrong_parameters(reading: Reading, gate: Gate, given: int, start: int) -> NoReturn:
    detail = f"'{gate.name}' takes {gate.parameters} angle(s), {given} given"
    reading.fail("program_parameters", detail, at=start)


def _advice(reading: Reading, name: str) -> str | None:
    if reading.version == 2:  # noqa: PLR2004
        missing = name in QELIB1 and '"qelib1.inc"' not in reading.included
        return 'add: include "qelib1.inc";' if missing else None
    if '"stdgates.inc"' in reading.included:
        return _RENAMED.get(name) or ("define it with 'gate'" if name in BRAKET or name in QELIB1 else None)
    return 'add: include "stdgates.inc";' if name in STDGATES else None


_RENAMED = {"cnot": "the standard name is cx", "ccnot": "the standard name is ccx", "i": "the standard name is id"}
