"""Which qubit does each classical bit of a Braket program get? Read from its declarations and measurements alone."""

from __future__ import annotations

import re

from backends.errors import Refused

_INCLUDE = re.compile(r"\binclude\s*[\"']")
_PRAGMA_OR_PHYSICAL = re.compile(r"#pragma\s+braket\b|\$\d")
# Gates that Braket knows without any include; OpenQASM 3 itself knows only U and gphase.
_BUILT_IN = re.compile(
    r"\b(i|x|y|z|h|si?|ti?|vi?|r[xyz]|prx|phaseshift|c?cnot|c[yzv]|cphaseshift(?:00|01|10)?|c?swap|iswap|pswap|ecr|xx"
    r"|yy|zz|xy|ms|gpi2?)\b\s*(?:\([^;]*\))?\s*[A-Za-z_$]"
)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_OWN_GATE = re.compile(r"\bgate\s+([A-Za-z_]\w*)")
_DECLARED = re.compile(r"\b(qubit|bit|qreg|creg)\b\s*(?:\[(\d+)\])?\s*([A-Za-z_]\w*)\s*(?:\[(\d+)\])?")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)\s*(?:\[(\d+)\])?\s*=\s*measure\s+([^;]+);")
_ARROW = re.compile(r"\bmeasure\s+([^;]+?)\s*->\s*([A-Za-z_]\w*)\s*(?:\[(\d+)\])?\s*;")
_ANY = re.compile(r"\bmeasure\b")
_TARGET = re.compile(r"\$(\d+)|([A-Za-z_]\w*)\s*(?:\[(\d+)\])?")
_PHYSICAL = re.compile(r"\$(\d+)")
_LIMIT = 1 << 16


def has_include(source: str) -> bool:
    """Whether the text takes its gates from a file: Braket's dialect never does."""
    return _INCLUDE.search(_COMMENT.sub(" ", source)) is not None


def speaks_braket(source: str) -> bool:
    """Whether a text without includes uses what only Braket has built in: then it goes as it is."""
    bare = _COMMENT.sub(" ", source)
    own = set(_OWN_GATE.findall(bare))
    return bool(_PRAGMA_OR_PHYSICAL.search(bare)) or any(name not in own for name in _BUILT_IN.findall(bare))


def one_register(source: str) -> str:
    """The same program with one register for all measured bits: Braket reports no more than one.

    A program that measures into one register, or into none, comes back as it was.
    """
    bare = _COMMENT.sub(" ", source)
    _, bits = _registers(bare)
    measured = {name for name, _, _ in _measurements(bare)}
    if len(measured) < 2:  # noqa: PLR2004  one register is what Braket wants
        return source
    _, layout = layout_of(source)
    names = {qubit: text for text, qubit in _qubit_names(bare)}
    kept = _ARROW.sub("", _ASSIGNED.sub("", bare))
    kept = _DECLARED.sub(lambda found: found[0] if found[1] in ("qubit", "qreg") else "", kept)
    outcome = "b"
    while re.search(rf"\b{outcome}\b", kept) or outcome in bits:
        outcome += "_"
    order = list(dict.fromkeys(qubit for qubit in layout if qubit is not None))
    lines = [f"{outcome}[{at}] = measure {names[qubit]};" for at, qubit in enumerate(order)]
    kept = re.sub(r"^\s*;\s*$", "", kept, flags=re.MULTILINE)
    return "\n".join([kept.rstrip(), f"bit[{len(order)}] {outcome};", *lines]) + "\n"


def _qubit_names(bare: str) -> list[tuple[str, int]]:
    """How each qubit is written."""
    qubits, _ = _registers(bare)
    names = [(f"{name}[{at}]", first + at) for name, (first, size) in qubits.items() for at in range(size)]
    return names + [(f"${number}", int(number)) for number in _PHYSICAL.findall(bare)]


def _measurements(bare: str) -> list[tuple[str, str, str]]:
    """Register, index (or nothing) and target of each measurement, in either way of writing it."""
    found = [(name, at, target) for name, at, target in _ASSIGNED.findall(bare)]
    return found + [(name, at, target) for target, name, at in _ARROW.findall(bare)]


def layout_of(source: str) -> tuple[int, list[int | None]]:
    """How many qubits there are, and the qubit behind each classical bit. Without measurements: every qubit.

    Raises:
        Refused: a measurement is written in a way that this reader does not know.
    """
    bare = _COMMENT.sub(" ", source)
    qubits, bits = _registers(bare)
    physical = [int(number) for number in _PHYSICAL.findall(bare)]
    width = sum(size for _, size in qubits.values())
    every: list[int | None] = [*(sorted(set(physical)) or range(width))]
    if not _ANY.search(bare):
        return max(width, len(set(physical))), every
    found: list[int | None] = [None] * sum(size for _, size in bits.values())
    _fill(bare, qubits, bits, found)
    return max(width, len(set(physical))), found


def _registers(bare: str) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]:
    """Qubit and bit registers: name → (first number, size), numbered in the order of declaration."""
    qubits: dict[str, tuple[int, int]] = {}
    bits: dict[str, tuple[int, int]] = {}
    for kind, before, name, after in _DECLARED.findall(bare):
        registers = qubits if kind in ("qubit", "qreg") else bits
        size = int(before or after or 1)
        first = sum(length for _, length in registers.values())
        if first + size > _LIMIT:
            raise Refused("the program declares too many bits", code="program_invalid")
        registers[name] = (first, size)
    return qubits, bits


def _fill(
    bare: str, qubits: dict[str, tuple[int, int]], bits: dict[str, tuple[int, int]], found: list[int | None]
) -> None:
    matches = _measurements(bare)
    if len(matches) != len(_ANY.findall(bare)) or any(name not in bits for name, _, _ in matches):
        raise Refused("each measurement must name the bits that it fills", code="program_invalid")
    for name, at, target in matches:
        first, size = bits[name]
        places = [first + int(at)] if at else list(range(first, first + size))
        measured = _measured(target, qubits)
        if len(places) != len(measured) or places[-1] >= first + size:
            raise Refused(f"a measurement of {len(measured)} qubits fills {len(places)} bits", code="program_invalid")
        for place, qubit in zip(places, measured, strict=True):
            found[place] = qubit


def _measured(target: str, qubits: dict[str, tuple[int, int]]) -> list[int]:
    found = _TARGET.fullmatch(target.strip())
    if found is None or (found[2] and found[2] not in qubits):
        raise Refused(f"the measurement of {target.strip()[:40]} cannot be read", code="program_invalid")
    if found[1]:
        return [int(found[1])]
    first, size = qubits[found[2]]
    return [first + int(found[3])] if found[3] else list(range(first, first + size))
