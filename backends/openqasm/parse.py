"""How does OpenQASM text become a circuit? The fast importer first; never with access to a file. Child side only."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from backends.invalid import Foreign, Invalid
from backends.openqasm import braket_gates
from backends.openqasm.downgrade import as_openqasm2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qiskit import QuantumCircuit

_INCLUDE: Final = re.compile(r'\binclude\s*"([^"]*)"\s*;')
_OWN_GATE: Final = re.compile(r"\bgate\s+([A-Za-z_]\w*)")
_VERSION: Final = re.compile(r"\A(?:\s|//[^\n]*\n|/\*.*?\*/)*OPENQASM\s+[\d.]+\s*;", re.DOTALL)
_PRAGMA: Final = re.compile(r"^[ \t]*#?pragma[^\n]*", re.MULTILINE)
_AT: Final = re.compile(r"^(?:<input>:)?(\d+),(\d+):\s*")
_LIBRARIES: Final = {"stdgates.inc", "qelib1.inc"}


def circuit_of(format: str, source: str) -> QuantumCircuit:  # noqa: A002  the word of the domain
    """The circuit as written, still with its parameters."""
    for library in _INCLUDE.findall(source):
        if library not in _LIBRARIES:
            raise Invalid(f"include of {library!r}: only the standard libraries can be included")
    circuit = _from2(source) if format == "openqasm2" else _from3(source)
    if not circuit.num_qubits:
        raise Invalid("the program declares no qubit")
    return circuit


def _from2(source: str) -> QuantumCircuit:
    return _located(_load2, source)


def _load2(text: str, known: Sequence[Any] | None = None) -> QuantumCircuit:
    from qiskit import qasm2

    known = qasm2.LEGACY_CUSTOM_INSTRUCTIONS if known is None else known
    # Qiskit would take its own gate of the same name instead of the user's definition, without a word.
    own = set(_OWN_GATE.findall(text))
    known = [each for each in known if each.name not in own]
    return qasm2.loads(text, include_path=(), custom_instructions=known, strict=False)


def _from3(source: str) -> QuantumCircuit:
    text = _PRAGMA.sub("", source)
    braket = not _INCLUDE.search(text)
    simple = as_openqasm2(text)
    circuit = None if simple is None else _fast3(simple, braket=braket)
    if circuit is not None:
        return circuit
    return _located(_load3, _with_prelude(text, braket_gates.definitions(text)) if braket else text)


def _load3(text: str) -> QuantumCircuit:
    """The importer reads a part of the language; what it lacks is worked out before."""
    from qiskit_qasm3_import import convert

    from backends.openqasm.unroll import circuit_source

    return convert(circuit_source(text))


def _fast3(text: str, *, braket: bool) -> QuantumCircuit | None:
    """None where OpenQASM 2 does not cope: the slower importer, which sees the original, then has its turn."""
    from qiskit.qasm2 import QASM2ParseError

    used = braket_gates.used(text) if braket else frozenset()
    if not used.issubset(braket_gates.SAME):
        return None
    try:
        return _load2(text, [_instruction(name) for name in used]) if braket else _load2(text)
    except QASM2ParseError:
        return None


@cache
def _instruction(name: str) -> Foreign:
    from qiskit import qasm2
    from qiskit.circuit import library

    class_name, parameters, qubits = braket_gates.SAME[name]
    return qasm2.CustomInstruction(name, parameters, qubits, getattr(library, class_name), builtin=True)


def _with_prelude(text: str, prelude: str) -> str:
    """On the version's own line, so that line numbers stay true."""
    version = _VERSION.match(text)
    at = version.end() if version else 0
    return f"{text[:at]} {prelude}{text[at:]}"


def _located(load: Callable[[str], QuantumCircuit], text: str) -> QuantumCircuit:
    try:
        return load(text)
    except (MemoryError, RecursionError, Invalid):
        raise
    except Exception as error:
        message = getattr(error, "message", None) or str(error)
        message = str(message).strip("'\"")
        at = _AT.match(message)
        if at is None:
            raise Invalid(message[:500]) from error
        raise Invalid(message[at.end() :][:500], line=int(at[1]), column=int(at[2]) + 1) from error
