"""What does a gate cost each time it is called? Computed once from its body, so nesting multiplies numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from broker.intake.qasm.blocks import inside
from broker.intake.qasm.events import Body
from broker.intake.qasm.gates import QELIB1, QELIB1_PAPER, Gate, elementary
from broker.intake.qasm.symbols import Number
from broker.intake.qasm.tally import Tally
from broker.intake.qasm.terms import FORMAL, Term

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.intake.qasm.events import Call
    from broker.intake.qasm.reading import Reading, Verb


def gate(body: Mapping[str, Verb]) -> Verb:
    """The verb that steps over ``gate name(angles) qubits { ... }``; only ``body`` verbs may stand inside."""

    def define(reading: Reading) -> None:
        start = reading.at
        name, angles, qubits = _signature(reading)
        before = reading.operands, reading.tally, reading.verbs, reading.times, reading.builder
        body_of = Body()
        reading.operands = {qubit: number for number, qubit in enumerate(qubits)}
        reading.tally, reading.verbs, reading.times, reading.defining = Tally(len(qubits)), body, 1, name
        if reading.builder is not None:
            reading.builder = body_of  # type: ignore[assignment] # only calls may stand in a body
        with reading.scope():
            for place, angle in enumerate(angles):
                unknown = None if reading.builder is None else Term(FORMAL, None, (place,))
                reading.declare(angle, Number(unknown), start)
            if reading.words[reading.at] != "{":
                reading.unexpected("'{'")
            inside(reading)
        tally = reading.tally
        reading.defining = None
        reading.operands, reading.tally, reading.verbs, reading.times, reading.builder = before
        reading.gates[name] = _summary(name, len(angles), len(qubits), tally, tuple(body_of.calls))

    return define


def opaque(reading: Reading) -> None:
    """Step over ``opaque name(angles) qubits;``: to call it is refused, for nobody knows what it does.

    But for ``opaque delay(t) q;``, which is how Qiskit writes a delay in OpenQASM 2.
    """
    name, angles, qubits = _signature(reading)
    reading.expect(";")
    waits = (name, len(angles), len(qubits)) == ("delay", 1, 1)
    gate = replace(elementary(name, len(angles), len(qubits)), declared=True, body=() if waits else None)
    reading.gates[name] = replace(gate, operations=0, counts={}, grain=0.0, depth=0) if waits else gate


def _signature(reading: Reading) -> tuple[str, list[str], list[str]]:
    reading.at += 1
    at = reading.at
    name, index = reading.new_name()
    if index is not None:
        reading.fail("program_syntax", "a gate name has no index", at=at)
    angles: list[str] = []
    if reading.accept("(") and not reading.accept(")"):
        angles = _names(reading, ")")
        reading.expect(")")
    qubits = _names(reading, "{")
    _check_new(reading, name, (len(angles), len(qubits)), at)
    return name, angles, qubits


def _names(reading: Reading, stop: str) -> list[str]:
    found: dict[str, None] = {}
    while True:
        at = reading.at
        name, index = reading.new_name()
        if name in found or index is not None:
            reading.fail("program_redefined", f"'{name}' stands twice in this list, or has an index", at=at)
        found[name] = None
        if not reading.accept(","):
            return list(found)
        if reading.words[reading.at] == stop:
            return list(found)


def _check_new(reading: Reading, name: str, signature: tuple[int, int], at: int) -> None:
    known = reading.gates.get(name)
    if name in reading.names or (known is not None and not _replaceable(reading, known, signature)):
        reading.fail("program_redefined", f"'{name}' is already declared", at=at)


def _replaceable(reading: Reading, known: Gate, signature: tuple[int, int]) -> bool:
    """Whether programs in the wild define this standard gate themselves, and may."""
    if known.declared:
        return False
    if reading.version == 2:  # noqa: PLR2004
        extension = known.name in QELIB1 and known.name not in QELIB1_PAPER
        return extension and (known.parameters, known.qubits) == signature
    return not reading.included and known.name not in {"U", "gphase"}


def _summary(name: str, angles: int, qubits: int, inside: Tally, body: tuple[Call, ...]) -> Gate:
    return Gate(
        name=name,
        parameters=angles,
        qubits=qubits,
        grain=0.0 if inside.clifford else None,
        weight=inside.weight,
        counts=inside.counts,
        operations=inside.operations,
        depth=inside.peak,
        cost=inside.work + 1,
        declared=True,
        body=body,
    )
