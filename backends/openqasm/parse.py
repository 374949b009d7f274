"""How does OpenQASM text become a circuit that runs? Intake's own reading, told to a builder. Child side only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backends.invalid import Foreign, Invalid
from backends.openqasm.circuit import CircuitBuilder
from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.limits import LIMITS
from broker.intake.qasm.inspector import build
from broker.intake.qasm.terms import NAME, NotANumber, PointNeeded, worked_out
from broker.intake.text import check_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qiskit import QuantumCircuit

    from backends.openqasm.counting import Reading
    from broker.domain.requirement import Requirement
    from broker.intake.qasm.symbols import Value
    from broker.intake.qasm.terms import Term


@dataclass(frozen=True, slots=True)
class Circuit:
    """``plain`` of parameters, which stand for ``terms`` of the point; ``need`` is what intake said of the program.

    ``reading`` is how a plain end is measured, or None; the bits at ``visible`` make a counts key. A plain program that
    measures nothing has no measurement written. ``numbers`` are the device's own of the first qubits, where the program
    speaks of physical ones; ``written``: the registers of qubits as the text calls them; ``unkept``: some measurement
    goes into no bit.
    """

    plain: QuantumCircuit
    terms: Sequence[tuple[Foreign, Term]]
    need: Requirement
    reading: Reading | None
    visible: tuple[int, ...]
    numbers: tuple[int, ...] = ()
    written: Sequence[tuple[str, int]] = ()
    unkept: bool = False

    def bound(self, point: Mapping[str, float]) -> QuantumCircuit:
        """At one point; every name that an angle hangs on must be bound."""
        if not self.terms:
            return self.plain
        values = values_of(self.terms, point)
        return self.plain.assign_parameters(values, inplace=False)


def values_of(terms: Sequence[tuple[Foreign, Term]], point: Mapping[str, float]) -> dict[Foreign, float]:
    """The number of each parameter."""
    seen: dict[int, Value] = {}

    def named(leaf: Term) -> Value:
        name = str(leaf.parts[0])
        if leaf.word != NAME or name not in point:
            raise Invalid(f"no value for parameter {name}")
        return point[name]

    try:
        return {parameter: float(worked_out(term, named, seen)) for parameter, term in terms}  # type: ignore[arg-type]
    except NotANumber as error:
        raise Invalid(f"an angle has no value at this point: {error}") from error


def circuit_of(format: str, source: str, point: Mapping[str, float] | None = None) -> Circuit:  # noqa: A002  the domain's
    """The circuit as written, still with its parameters, unless the ``point`` is given.

    Raises:
        Invalid: located, as at admission; or the program asks for what no engine here can do.
        PointNeeded: values of the point decide more than angles: give it.
    """
    builder = CircuitBuilder()
    try:
        check_text(source, LIMITS)
        need = build(Program.of(Format(format), source), LIMITS, builder, point)
    except ProgramInvalid as error:
        raise Invalid(error.detail, line=error.line, column=error.column) from error
    reading, visible = builder.finish(width=need.width, bits=need.bits, implicit=need.implicit_measurement)
    return Circuit(
        builder.circuit, builder.terms, need, reading, visible, builder.numbers, builder.written, builder.unkept
    )


__all__ = ["Circuit", "PointNeeded", "circuit_of", "values_of"]
