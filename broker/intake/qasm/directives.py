"""Which version, includes and pragmas does the program ask for? A short list is allowed, the rest refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from broker.intake.qasm.blocks import block
from broker.intake.qasm.gates import LIBRARIES2, LIBRARIES3, elementary
from broker.intake.qasm.matrices import WIDEST, is_unitary, matrix_of
from broker.intake.qasm.numbers import whole
from broker.intake.qasm.reading import shown
from broker.intake.qasm.symbols import Qubits

if TYPE_CHECKING:
    from broker.intake.qasm.reading import Reading, Verb

_VERSIONS = {2: frozenset({"2.0"}), 3: frozenset({"3", "3.0", "3.1"})}
_PRAGMA = re.compile(r"#?pragma\s++braket\s++(verbatim|result|unitary|noise)\b(.*+)", re.DOTALL)
_MATRIX = re.compile(r"\s*+\(([^()]*+)\)([^()]++)")
_RESULT = re.compile(r"\s++([a-z_]++)")
# What a run of shots can tell; Braket's other results are for simulators without shots.
_SHOT_RESULTS = frozenset({"probability", "expectation", "variance", "sample"})
_TARGET = re.compile(r"\s*+(?:(\$[0-9]++)|([^\W\d]\w*+)(?:\[([0-9]++)\])?+)\s*+")


def version(reading: Reading) -> None:
    """Step over ``OPENQASM x.y;``, which may only stand first and must agree with the format."""
    at = reading.at
    word = reading.words[at + 1]
    if at:
        reading.fail("program_syntax", "OPENQASM may only be the first statement")
    if word not in _VERSIONS[reading.version]:
        other = 5 - reading.version
        hint = f"send it as format openqasm{other}" if word in _VERSIONS[other] else None
        detail = f"OPENQASM {shown(word)[1:-1]} in a program of format openqasm{reading.version}"
        reading.fail("program_version", detail, at=at + 1, hint=hint)
    reading.at += 2
    reading.expect(";")


def include(reading: Reading) -> None:
    """Step over an include of a library that we carry; no file is ever read."""
    start = reading.at
    libraries = LIBRARIES2 if reading.version == 2 else LIBRARIES3  # noqa: PLR2004
    name = reading.words[start + 1]
    library = libraries.get(name)
    if library is None or reading.nesting:
        allowed = " and ".join(libraries)
        reading.fail(
            "program_include_forbidden",
            f"include {shown(name)[1:-1]} is not allowed",
            hint=f"only {allowed} may be included; paste other definitions into the program",
        )
    reading.at += 2
    reading.expect(";")
    if name in reading.included:
        reading.fail("program_redefined", f"{name} is included twice", at=start)
    _add(reading, name, start)


def pragma(reading: Reading) -> None:
    """Step over a Braket pragma; others are refused, for we cannot know what a vendor does on reading them."""
    word = reading.words[reading.at]
    match = _PRAGMA.fullmatch(word)
    if match is None or match.group(1) == "noise":
        what = "noise pragmas run on no machine that we reach" if match else "only Braket's pragmas are known"
        reading.fail("program_unsupported", what)
    reading.at += 1
    if match.group(1) == "verbatim" and reading.words[reading.at] != "box":
        reading.unexpected("'box'")
    if match.group(1) == "unitary":
        _unitary(reading, match.group(2))
    if match.group(1) == "result":
        _result(reading, match.group(2))


def refused(detail: str, hint: str | None = None) -> Verb:
    """A verb for a word of the language that we do not support."""

    def refuse(reading: Reading) -> None:
        word = shown(reading.words[reading.at])
        reading.fail("program_unsupported", f"{word}: {detail}", hint=hint)

    return refuse


def empty(reading: Reading) -> None:
    """Step over a lone ``;``."""
    reading.at += 1


def scoped(reading: Reading) -> None:
    """Step over a bare ``{ ... }``."""
    block(reading)


def _add(reading: Reading, name: str, start: int) -> None:
    libraries = LIBRARIES2 if reading.version == 2 else LIBRARIES3  # noqa: PLR2004
    library = libraries[name]
    if not reading.included and reading.version == 3:  # noqa: PLR2004
        reading.gates = {word: gate for word, gate in reading.gates.items() if gate.declared or word in _CORE}
    clash = next((word for word in library if word in reading.names or word in reading.gates), None)
    if clash is not None:
        reading.fail("program_redefined", f"{name} declares '{clash}', which is already declared", at=start)
    reading.included.add(name)
    reading.gates.update(library)


_CORE = frozenset({"U", "gphase"})


def _unitary(reading: Reading, text: str) -> None:
    """Count ``unitary(matrix) targets`` as one gate on its targets."""
    at = reading.at - 1
    listed = _MATRIX.fullmatch(text)
    qubits = [_target(reading, part, at) for part in listed.group(2).split(",")] if listed else []
    if listed is None or len(set(qubits)) != len(qubits):
        reading.fail("program_syntax", "a unitary needs distinct targets, as in unitary([[...]]) q[0]", at=at)
    if len(qubits) > WIDEST:
        reading.fail("program_unsupported", f"a unitary on more than {WIDEST} qubits", at=at)
    matrix = matrix_of(listed.group(1))
    if matrix is None or len(matrix) != 1 << len(qubits):
        size = 1 << len(qubits)
        reading.fail(
            "program_syntax", f"a unitary on {len(qubits)} qubit(s) needs {size} rows of {size} numbers", at=at
        )
    if not is_unitary(matrix):
        reading.fail("program_number", "this matrix is not unitary", at=at)
    reading.tally.clifford = False
    reading.tally.apply(elementary("unitary", 0, len(qubits)), qubits, reading.times)
    if reading.builder is not None:
        reading.builder.unitary(matrix, qubits)


def _result(reading: Reading, text: str) -> None:
    """Note which result is asked for: only some devices tell more than counts."""
    found = _RESULT.match(text)
    if found is None or found.group(1) not in _SHOT_RESULTS:
        known = ", ".join(sorted(_SHOT_RESULTS))
        detail = f"the result {shown(text.strip())} cannot be had with shots, only {known}"
        reading.fail("program_unsupported", detail, at=reading.at - 1)
    reading.asked.add(found.group(1))


def _target(reading: Reading, text: str, at: int) -> int:
    match = _TARGET.fullmatch(text)
    if match is None:
        reading.fail("program_syntax", f"{shown(text)} is not a qubit", at=at)
    physical, name, index = match.groups()
    if physical is not None:
        return reading.physical[text.strip()]
    register = reading.names.get(name)
    if not isinstance(register, Qubits) or (index is None) != register.single:
        reading.fail("program_undefined", f"{shown(text.strip())} is not a declared qubit", at=at)
    number = 0 if index is None else whole(reading, index, at)
    if number >= len(register.indices):
        reading.fail("program_index", f"index {number} is out of range", at=at)
    return register.indices[number]
