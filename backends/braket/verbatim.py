"""Which qubit does each classical bit of a Braket program get? Read from its declarations and measurements alone."""

from __future__ import annotations

import re

from backends.errors import Refused

# Words of Braket's dialect that standard OpenQASM 3 does not have.
_BRAKET = re.compile(
    r"#pragma\s+braket\b|\$\d|\b(cnot|ccnot|cphaseshift(00|01|10)?|phaseshift|gpi2?|prx|zz|xx|yy|xy|vi?|ti|si|pswap)\b"
    r"\s*(\([^;]*\))?\s*[A-Za-z_$]"
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


def speaks_braket(source: str) -> bool:
    """Whether the text is already in Braket's dialect: then it goes as it is."""
    bare = _COMMENT.sub(" ", source)
    own = set(_OWN_GATE.findall(bare))
    return "stdgates.inc" not in bare and any(match[1] not in own for match in _BRAKET.finditer(bare))


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
    matches = [(name, at, target) for name, at, target in _ASSIGNED.findall(bare)]
    matches += [(name, at, target) for target, name, at in _ARROW.findall(bare)]
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
