"""What does an OpenQASM program need? The tables of statements, and the Requirement they lead to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Paradigm
from broker.domain.requirement import Register, Requirement
from broker.intake.qasm import control, declarations, definitions, directives, measurement
from broker.intake.qasm.blocks import ASSIGN
from broker.intake.qasm.blocks import program as read
from broker.intake.qasm.calls import modified
from broker.intake.qasm.events import Unbuildable
from broker.intake.qasm.gates import BRAKET, BUILTIN2, BUILTIN3, PHASE
from broker.intake.qasm.numbers import whole
from broker.intake.qasm.reading import Reading
from broker.intake.qasm.terms import NotANumber
from broker.intake.qasm.tokens import block_comment
from broker.intake.text import place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.program import Program
    from broker.intake.limits import Limits
    from broker.intake.qasm.events import Builder
    from broker.intake.qasm.reading import Verb

_BODY2: dict[str, Verb] = {"barrier": measurement.barrier}
_VERBS2: dict[str, Verb] = {
    "OPENQASM": directives.version,
    "include": directives.include,
    "qreg": declarations.qreg,
    "creg": declarations.creg,
    "gate": definitions.gate(_BODY2),
    "opaque": definitions.opaque,
    "measure": measurement.measure,
    "reset": measurement.reset,
    "barrier": measurement.barrier,
    "if": control.if_register,
    ";": directives.empty,
}

_MODIFIED: dict[str, Verb] = dict.fromkeys(("ctrl", "negctrl", "inv", "pow"), modified)
_BODY3: dict[str, Verb] = {"barrier": measurement.barrier, "for": control.loop, ";": directives.empty, **_MODIFIED}
_CALIBRATION = "pulse-level programs are not accepted"
_REFUSED: dict[str, Verb] = {
    "def": directives.refused("subroutines are not supported", "write a 'gate', or inline it"),
    "extern": directives.refused("external functions are not supported"),
    "cal": directives.refused(_CALIBRATION),
    "defcal": directives.refused(_CALIBRATION),
    "defcalgrammar": directives.refused(_CALIBRATION),
    "switch": directives.refused("switch is not supported", "write if ... else if ..."),
    "array": directives.refused("arrays are not supported", "use bit[n] or separate variables"),
    "complex": directives.refused("complex variables are not supported"),
    "duration": directives.refused("duration variables are not supported", "write the time in delay[...]"),
    "stretch": directives.refused("stretch is not supported"),
    "break": directives.refused("leaving a loop early is not supported"),
    "continue": directives.refused("leaving a loop early is not supported"),
    "return": directives.refused("return is not supported"),
    "end": directives.refused("ending early is not supported"),
    "@": directives.refused("annotations are not supported"),
}
_VERBS3: dict[str, Verb] = {
    "OPENQASM": directives.version,
    "include": directives.include,
    "qreg": declarations.qreg,
    "creg": declarations.creg,
    "qubit": declarations.qubit,
    "bit": declarations.bit,
    "const": declarations.constant,
    "input": declarations.parameter,
    "output": declarations.output,
    "let": declarations.alias,
    "gate": definitions.gate(_BODY3),
    "measure": measurement.measure,
    "reset": measurement.reset,
    "barrier": measurement.barrier,
    "delay": measurement.delay,
    "if": control.if_else,
    "for": control.loop,
    "while": control.endless,
    "box": control.box,
    ASSIGN: declarations.assignment,
    ";": directives.empty,
    "{": directives.scoped,
    "pragma": directives.pragma,
    **dict.fromkeys(("int", "uint", "float", "angle", "bool"), declarations.variable),
    **_MODIFIED,
    **_REFUSED,
}


def inspect_openqasm2(program: Program, limits: Limits) -> Requirement:
    """The demands of an OpenQASM 2 program."""
    _no_block_comment(program.source)
    return _requirement(program.format, Reading(program.source, limits, _VERBS2, BUILTIN2, 2))


def _no_block_comment(source: str) -> None:
    comment = block_comment(source)
    if comment is not None:
        line, column = place(source, comment)
        detail = "OpenQASM 2 has no /* */ comments"
        raise ProgramInvalid("program_syntax", detail, line=line, column=column, hint="use // comments")


def inspect_openqasm3(program: Program, limits: Limits) -> Requirement:
    """The demands of an OpenQASM 3 program; Braket's gates exist where nothing is included."""
    return _requirement(program.format, _reading3(program.source, limits))


def build(program: Program, limits: Limits, builder: Builder, point: Mapping[str, float] | None = None) -> Requirement:
    """The demands of an OpenQASM program, while ``builder`` is told of all that it does.

    Raises:
        ProgramInvalid: as at admission; or the builder cannot say a statement.
        PointNeeded: without a ``point``, where values that it gives decide more than angles.
    """
    if program.format is Format.OPENQASM2:
        _no_block_comment(program.source)
        reading = Reading(program.source, limits, _VERBS2, BUILTIN2, 2)
    else:
        reading = _reading3(program.source, limits)
    reading.builder, reading.point, reading.budget = builder, point, _ALL
    if reading.physical:
        builder.physical(sorted({int(word[1:]) for word in reading.physical}))
    try:
        return _requirement(program.format, reading)
    except (Unbuildable, NotANumber) as error:
        reading.fail("program_unsupported", str(error), at=_statement(reading))


# Of words that are read again: the limits of operations and work end a reading for a builder.
_ALL = 1 << 62


def _statement(reading: Reading) -> int:
    """Where the statement begins that was just read."""
    at = max(reading.at - 2, 0)
    while at and reading.words[at] not in {";", "{", "}"}:
        at -= 1
    return at + 1 if at else 0


def _reading3(source: str, limits: Limits) -> Reading:
    reading = Reading(source, limits, _VERBS3, _GATES3, 3)
    if "$" in source:
        _physical_qubits(reading)
    return reading


_PHYSICAL = re.compile(r"\$[0-9]++")
_GATES3 = {**BUILTIN3, **BRAKET, "gphase": PHASE}


def _physical_qubits(reading: Reading) -> None:
    """Number the physical qubits that occur, in their own order; the others of the chip do not count."""
    found: dict[str, int] = {}
    for at, word in enumerate(reading.words):
        if "$" in word:
            found |= {qubit: at for qubit in _PHYSICAL.findall(word) if qubit not in found}
    numbers: dict[int, list[str]] = {}
    for word, at in found.items():
        number = whole(reading, word[1:], at)
        if number >= reading.limits.qubits:
            reading.fail("program_too_wide", f"there is no machine with a qubit {word[:20]}", at=at)
        numbers.setdefault(number, []).append(word)
    for place_, number in enumerate(sorted(numbers)):
        reading.physical.update(dict.fromkeys(numbers[number], place_))
    reading.tally.grow(len(numbers))


def _requirement(form: Format, reading: Reading) -> Requirement:
    read(reading)
    tally = reading.tally
    width = len(tally.levels)
    if not width:
        reading.fail("program_empty", "the program declares no qubits")
    registers = tuple(reading.registers)
    implicit = not reading.kept
    return Requirement(
        format=form,
        paradigm=Paradigm.GATE,
        width=width,
        gates=tuple(sorted((arity, count) for arity, count in tally.counts.items() if count)),
        operations=tally.operations,
        depth=max(tally.peak, tally.floor),
        entangling_cut=tally.entangling_cut(),
        registers=(Register(name="meas", size=width, offset=0),) if implicit else registers,
        parameters=tuple(reading.parameters),
        clifford=tally.clifford,
        dynamic=tally.dynamic,
        implicit_measurement=implicit,
        result_types=tuple(sorted(reading.asked)),
    )
