"""Which qubits does an operand mean? One, several, or one of several that only the run can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.intake.qasm.expressions import integer
from broker.intake.qasm.numbers import whole
from broker.intake.qasm.reading import shown
from broker.intake.qasm.symbols import Bits, Qubits, Somewhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.intake.qasm.reading import Reading

Operand = int | Qubits | Somewhere
"""One qubit, several that broadcast, or one not known yet."""


def operand(reading: Reading) -> Operand:
    """Step over one qubit operand of a statement."""
    at = reading.at
    word = reading.words[at]
    if word[:1] == "$":
        return _physical(reading, word)
    name, index = reading.split()
    if reading.defining is not None:
        return _formal(reading, name, at)
    qubits = _register(reading, name, at)
    if index is not None:
        reading.operands[word] = found = _pick(reading, qubits, whole(reading, index, at), at)
        return found
    if reading.words[reading.at] == "[":
        return _index(reading, qubits, at)
    return qubits.indices[0] if qubits.single else qubits


def qubits_of(reading: Reading) -> Sequence[int] | Somewhere:
    """Step over one operand; the qubits that it means, in order."""
    found = operand(reading)
    if isinstance(found, int):
        return (found,)
    return found.indices if isinstance(found, Qubits) else found


def slice_of(reading: Reading, indices: Sequence[int]) -> Sequence[int] | Somewhere:
    """Step over ``[index]``, ``[from:to]``, ``[from:step:to]`` or ``[{i, j}]`` and choose from ``indices``."""
    at = reading.at
    reading.expect("[")
    reading.deeper()
    chosen = _set(reading, indices, at) if reading.words[reading.at] == "{" else _range(reading, indices, at)
    reading.nesting -= 1
    reading.expect("]")
    return chosen


def _index(reading: Reading, qubits: Qubits, at: int) -> Operand:
    chosen = slice_of(reading, qubits.indices)
    if reading.words[reading.at] == "[":
        reading.unexpected("',' or ';'")
    if isinstance(chosen, Somewhere):
        return chosen
    single = len(chosen) == 1 and ":" not in reading.words[at : reading.at]
    return chosen[0] if single else Qubits(chosen)


def _range(reading: Reading, indices: Sequence[int], at: int) -> Sequence[int] | Somewhere:
    parts: list[int | None] = []
    given: list[bool] = []
    while True:
        empty = reading.words[reading.at] in {":", "]"}
        given.append(not empty)
        parts.append(None if empty else integer(reading, "an index"))
        if not reading.accept(":"):
            break
    if len(parts) > 3 or (len(parts) == 1 and not given[0]):  # noqa: PLR2004  from, step, to
        reading.unexpected("']'")
    if any(part is None and known for part, known in zip(parts, given, strict=True)):
        if len(parts) > 1:
            reading.fail("program_unsupported", "a slice with bounds that are known only at run time", at=at)
        return Somewhere(indices)
    if len(parts) == 1:
        return (_pick(reading, Qubits(indices), int(parts[0] or 0), at),)
    return _slice(reading, indices, parts, at)


def _slice(reading: Reading, indices: Sequence[int], parts: list[int | None], at: int) -> Sequence[int]:
    first, step, last = parts if len(parts) == 3 else (parts[0], 1, parts[1])  # noqa: PLR2004  as above
    step = 1 if step is None else step
    if step == 0:
        reading.fail("program_index", "a slice cannot have step 0", at=at)
    size = len(indices)
    low, high = (0, size - 1) if step > 0 else (size - 1, 0)
    first = low if first is None else first + size * (first < 0)
    last = high if last is None else last + size * (last < 0)
    if not (0 <= first < size and 0 <= last < size):
        reading.fail("program_index", f"slice out of range, the register has {size}", at=at)
    stop = last + (1 if step > 0 else -1)
    chosen = indices[first : stop if stop >= 0 else None : step]
    if not isinstance(indices, range):
        reading.tally.work += len(chosen)
        reading.charge(at)
    if not chosen:
        reading.fail("program_index", "this slice is empty", at=at)
    return chosen


def _set(reading: Reading, indices: Sequence[int], at: int) -> Sequence[int]:
    reading.expect("{")
    chosen: list[int] = []
    while not reading.accept("}"):
        if chosen:
            reading.expect(",")
        value = integer(reading, "an index")
        if value is None:
            reading.fail("program_unsupported", "an index set that is known only at run time", at=at)
        chosen.append(_pick(reading, Qubits(indices), value, at))
    if not chosen:
        reading.fail("program_index", "this index set is empty", at=at)
    if len(set(chosen)) != len(chosen):
        reading.fail("program_duplicate_qubit", "this index set holds the same qubit twice", at=at)
    return tuple(chosen)


def _pick(reading: Reading, qubits: Qubits, index: int, at: int) -> int:
    size = len(qubits.indices)
    low = -size if reading.version == 3 else 0  # noqa: PLR2004  OpenQASM 3 counts back from the end
    if not low <= index < size:
        reading.fail("program_index", f"index {index} is out of range, the register has {size} qubits", at=at)
    return qubits.indices[index]


def _register(reading: Reading, name: str, at: int) -> Qubits:
    symbol = reading.names.get(name)
    if symbol is None:
        reading.fail("program_undefined", f"'{shown(name)[1:-1]}' is not declared", at=at)
    if isinstance(symbol, Qubits):
        return symbol
    kind = "a classical register" if isinstance(symbol, Bits) else "a number"
    return reading.fail("program_type", f"'{name}' is {kind}, a qubit must stand here", at=at)


def _formal(reading: Reading, name: str, at: int) -> int:
    found = reading.operands.get(name)
    if found is None or at + 1 != reading.at or reading.words[at] != name:
        reading.fail(
            "program_undefined",
            f"{shown(reading.words[at])} is not a qubit of gate '{reading.defining}'",
            at=at,
            hint="inside a gate only its own qubit names may be used, without index",
        )
    return found


def _physical(reading: Reading, word: str) -> int:
    if word not in reading.physical or reading.defining is not None:
        reading.unexpected("a qubit of the gate" if reading.defining else "the number of a physical qubit")
    reading.at += 1
    reading.operands[word] = reading.physical[word]
    return reading.physical[word]
