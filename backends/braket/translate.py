"""How does a user's OpenQASM become Braket's? Runs in a child: parse with Qiskit, write gates, measure at the end."""

from __future__ import annotations

import contextlib
import importlib
import re
import warnings
from typing import TYPE_CHECKING, Any

from backends.braket.gates import Gate, Speaker
from backends.braket.verbatim import has_include, layout_of, one_register, speaks_braket
from backends.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEEP = frozenset({"barrier"})
_WORDS = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
_OWN_GATE = re.compile(r"\bgate\s+([A-Za-z_]\w*)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_FUNCTIONS = frozenset({"sin", "cos", "tan", "exp", "log", "sqrt", "arcsin", "arccos", "arctan", "pi"})


def warm() -> None:
    """Import Qiskit, and Pulser where it is installed, before the first program comes: each project has a new fork."""
    with contextlib.suppress(ImportError):
        importlib.import_module("pulser.sampler")
    _qiskit_circuit("openqasm3", 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit q;\nbit c;\nh q;\nc = measure q;\n')


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
    if request["verbatim"]:
        return _as_it_is(source, wanted)
    may_be_braket = request["format"] == "openqasm3" and not has_include(source)
    if may_be_braket and speaks_braket(source):
        return _as_it_is(one_register(source), wanted, layout_of(source))
    circuit = _unrolled(_qiskit_circuit(request["format"], source))
    writer = _Writer(request["operations"], request["parameters"])
    writer.read(circuit)
    return _answer(writer.text(), writer.width, writer.bits, wanted)


def _as_it_is(source: str, wanted: int, layout: tuple[int, list[int | None]] | None = None) -> dict[str, Any]:
    qubits, bits = layout or layout_of(source)
    return _answer(source, qubits, bits, wanted)


def _answer(source: str, qubits: int, bits: Sequence[int | None], wanted: int) -> dict[str, Any]:
    if wanted and len(bits) != wanted:
        raise Refused(f"the program has {len(bits)} classical bits where {wanted} were found", code="program_invalid")
    return {"source": source, "qubits": qubits, "bits": list(bits)}


def _qiskit_circuit(form: str, source: str) -> Any:  # noqa: ANN401  a Qiskit circuit
    from qiskit import qasm2, qasm3

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Qiskit's importer warns of its own calls
            if form == "openqasm3":
                return qasm3.loads(source)
            # Qiskit would take its own gate of the same name instead of the user's definition, without a word.
            own = set(_OWN_GATE.findall(source))
            known = [each for each in qasm2.LEGACY_CUSTOM_INSTRUCTIONS if each.name not in own]
            return qasm2.loads(source, custom_instructions=known)
    except Exception as error:
        raise Refused(f"the program cannot be read: {error}"[:500], code="program_invalid") from error


def _unrolled(circuit: Any) -> Any:  # noqa: ANN401  a Qiskit circuit
    """A loop over known numbers is no control flow to the device."""
    if "for_loop" not in circuit.count_ops():
        return circuit
    from qiskit.transpiler import PassManager
    from qiskit.transpiler.passes import UnrollForLoops

    return PassManager([UnrollForLoops()]).run(circuit)


class _Writer:
    """Collects gates on the qubits that the program uses, numbered anew without gaps; the program's order stays."""

    def __init__(self, operations: Sequence[str], parameters: Sequence[str]) -> None:
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

    def read(self, circuit: Any) -> None:  # noqa: ANN401  a Qiskit circuit
        """Take every instruction; end with the layout of the classical bits."""
        source: list[int | None] = [None] * circuit.num_clbits
        measures = False
        for instruction in circuit.data:
            name = instruction.operation.name
            qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
            if name in _KEEP:
                continue
            self._refuse_dynamics(instruction, qubits)
            if name == "measure":
                measures = True
                source[circuit.find_bit(instruction.clbits[0]).index] = qubits[0]
                self._measured.add(qubits[0])
                self._number(qubits)
            else:
                self._speaker.gate(instruction.operation, qubits)
        if not measures:
            source = list(range(circuit.num_qubits))
            self._number(range(circuit.num_qubits))
        self.bits = tuple(None if qubit is None else self._place[qubit] for qubit in source)

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
        text = _WORD.sub(lambda word: _WORDS.get(word[0], word[0]), str(angle))
        unknown = set(_WORD.findall(re.sub(r"[\d.]+e[+-]?\d+", "", text))) - _FUNCTIONS - set(self._parameters)
        if unknown:
            raise Refused(f"the angle {text} uses {', '.join(sorted(unknown))}", code="program_invalid")
        return text

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
