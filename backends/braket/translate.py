"""How does a user's OpenQASM become Braket's? In a child: read as intake reads, write gates, measure last."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

from backends.braket.as_written import gathered, layout_of, may_go, only_as_written, registers_of
from backends.braket.gates import Gate, Speaker
from backends.braket.terms import text_of
from backends.errors import Refused
from backends.invalid import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backends.openqasm.parse import Circuit
    from broker.intake.qasm.terms import Term


def warm() -> None:
    """Import Qiskit, and Pulser where it is installed, before the first program comes: each project has a new fork."""
    with contextlib.suppress(ImportError):
        importlib.import_module("pulser.sampler")
    _read("openqasm3", 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit q;\nbit c;\nh q;\nc = measure q;\n')


def translate(request: Mapping[str, Any]) -> dict[str, Any]:
    """``{task, format, source, bits, parameters, operations, verbatim}`` → ``{source, bits, qubits}``.

    ``task`` is ``openqasm``, or ``pulser``: then ``{source, bindings}`` → ``{source}``, an AHS program.
    ``bits`` is the number of classical bits of a counts key; 0 asks that every qubit be measured. The answer's
    ``bits`` give the qubit behind each of them.

    Raises:
        Refused: the program cannot be said to this device.
    """
    if request.get("task") == "pulser":
        from backends.braket.translate_pulser import translated

        return translated(request)
    source, wanted = request["source"], int(request["bits"])
    circuit = _read(request["format"], source)
    as_it_is = request["verbatim"] or (request["format"] == "openqasm3" and only_as_written(source))
    if as_it_is or (request["format"] == "openqasm3" and may_go(source, circuit)):
        layout = layout_of(circuit)
        text = gathered(source, circuit, layout) if registers_of(circuit) > 1 else source
        return _answer(text, circuit.need.width, layout, wanted)
    writer = _Writer(request["operations"], request["parameters"], circuit.terms)
    writer.read(circuit)
    return _answer(writer.text(), writer.width, writer.bits, wanted)


def _answer(source: str, qubits: int, bits: Sequence[int | None], wanted: int) -> dict[str, Any]:
    if wanted and len(bits) != wanted:
        raise Refused(f"the program has {len(bits)} classical bits where {wanted} were found", code="program_invalid")
    return {"source": source, "qubits": qubits, "bits": list(bits)}


def _read(form: str, source: str) -> Circuit:
    from backends.openqasm.parse import PointNeeded, circuit_of

    try:
        return circuit_of(form, source)
    except PointNeeded as error:
        detail = "an input decides about more than angles here, which Braket does not offer"
        raise Refused(detail, code="program_invalid") from error
    except Invalid as error:
        message = f"the program cannot be read: {error}"[:500]
        raise Refused(message, code="program_invalid", line=error.line, column=error.column) from error


class _Writer:
    """Collects gates on the qubits that the program uses, numbered anew without gaps; the program's order stays."""

    def __init__(self, operations: Sequence[str], parameters: Sequence[str], terms: Sequence[tuple[Any, Term]]) -> None:
        self._terms = {parameter.name: term for parameter, term in terms}
        self._speaker = Speaker(operations, self._say)
        self._parameters = tuple(parameters)
        self._lines: list[str] = []
        self._place: dict[int, int] = {}
        self._measured: set[int] = set()
        self._register = _free_name("q", self._parameters)
        self._outcome = _free_name("b", self._parameters)
        self.bits: tuple[int | None, ...] = ()

    @property
    def width(self) -> int:
        return len(self._place)

    def read(self, program: Circuit) -> None:
        """Take every instruction; end with the layout of the classical bits."""
        circuit = program.plain
        place = {qubit: number for number, qubit in enumerate(circuit.qubits)}
        for instruction in circuit.data:
            qubits = [place[qubit] for qubit in instruction.qubits]
            self._refuse_dynamics(instruction, qubits)
            if instruction.operation.name == "measure":
                self._measured.add(qubits[0])
                self._number(qubits)
            else:
                self._speaker.gate(instruction.operation, qubits)
        if program.need.implicit_measurement:
            self._number(range(circuit.num_qubits))
        self.bits = tuple(None if qubit is None else self._place[qubit] for qubit in layout_of(program))

    def _refuse_dynamics(self, instruction: Any, qubits: Sequence[int]) -> None:  # noqa: ANN401  Qiskit's
        name = instruction.operation.name
        if name in ("reset", "delay") or hasattr(instruction.operation, "blocks"):
            raise Refused(f"{name} is not offered on Braket", code="program_invalid")
        if name != "measure" and instruction.clbits:
            raise Refused("classical control is not offered on Braket", code="program_invalid")
        if name != "measure" and self._measured.intersection(qubits):
            raise Refused("a gate follows a measurement of its qubit", code="program_invalid")

    def _number(self, qubits: Sequence[int] | range) -> list[int]:
        return [self._place.setdefault(qubit, len(self._place)) for qubit in qubits]

    def _say(self, gate: Gate) -> None:
        name, parameters, qubits = gate
        angles = f"({', '.join(self._angle(angle) for angle in parameters)})" if parameters else ""
        targets = ", ".join(f"{self._register}[{place}]" for place in self._number(qubits))
        self._lines.append(f"{name}{angles} {targets};")

    def _angle(self, angle: Any) -> str:  # noqa: ANN401  a number or a Qiskit expression
        if not getattr(angle, "parameters", None):
            return repr(float(angle))
        return text_of(angle, self._terms)

    def text(self) -> str:
        """The program: inputs, registers, gates, one measurement for each measured qubit."""
        measured = list(dict.fromkeys(qubit for qubit in self.bits if qubit is not None))
        lines = ["OPENQASM 3.0;", *(f"input float {name};" for name in self._parameters)]
        lines.append(f"qubit[{self.width}] {self._register};")
        if measured:
            lines.append(f"bit[{len(measured)}] {self._outcome};")
        lines += self._lines
        lines += [f"{self._outcome}[{at}] = measure {self._register}[{qubit}];" for at, qubit in enumerate(measured)]
        return "\n".join(lines) + "\n"


def _free_name(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name
