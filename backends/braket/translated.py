"""Is this OpenQASM the order's program? What a child wrote is read again, line by line, before it is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from backends.translation import Untrue, parts_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from backends.base import Order

_NAME = r"[^\W\d]\w{0,254}"
_QUBITS = re.compile(rf"qubit\[([0-9]{{1,6}})\] ({_NAME});")
_BITS = re.compile(rf"bit\[([0-9]{{1,6}})\] ({_NAME});")
_GATE = re.compile(rf"({_NAME})(?:\(([^;{{}}\[\]]*)\))? ({_NAME}\[[^;()]*);")
_TARGET = re.compile(rf"({_NAME})\[([0-9]{{1,6}})\]")
_ANGLE = re.compile(r"[\w.+*/(), -]*")
_WORD = re.compile(rf"(?<![0-9.]){_NAME}")
_FUNCTIONS = frozenset({"sin", "cos", "tan", "exp", "log", "sqrt", "arcsin", "arccos", "arctan", "pi", "e"})
# The gates that gates.py says, all of them Braket's own.
_GATES = frozenset(
    (
        *("i", "x", "y", "z", "h", "s", "si", "t", "ti", "v", "vi", "phaseshift", "rx", "ry", "rz", "prx", "U"),
        *("cnot", "cy", "cz", "cv", "cphaseshift", "swap", "iswap", "ecr", "xx", "yy", "zz", "ccnot", "cswap"),
    )
)
_MEASURING = re.compile(
    rf"bit \[ [0-9]{{1,6}} \] {_NAME} ;|"
    rf"{_NAME} \[ [0-9]{{1,6}} \] = measure (?:\$[0-9]{{1,6}}|{_NAME} \[ [0-9]{{1,6}} \]) ;"
)
_LARGEST = 1 << 16
_TOKEN = re.compile(r"//[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/|\s+|(#?pragma\b[^\n]*|\"[^\"\n]*\"|\$?\w+|[{};]|.)", re.DOTALL)


def checked(answer: Mapping[str, Any], order: Order, *, most: int) -> tuple[str, tuple[int | None, ...]]:
    """Source and layout of the classical bits.

    Raises:
        Untrue: it is neither the order's own text nor a plain program on the order's qubits.
    """
    source, qubits, bits = parts_of(answer, ("source", "qubits", "bits"))
    text = text_of(source, most=most)
    layout = _layout(bits, qubits, order)
    if text != order.program.source:
        try:
            _Reader(order, layout).read(text)
        except Untrue:
            if not _is_gathered(text, order.program.source):
                raise
    return text, layout


def _layout(bits: object, qubits: object, order: Order) -> tuple[int | None, ...]:
    need = order.requirement
    wanted = need.width if need.implicit_measurement else need.bits
    # A program on physical qubits names them by the device's own numbers.
    if type(qubits) is not int or not 0 <= qubits <= need.width:
        raise Untrue(f"it has other qubits than the {need.width} of the program")
    if not isinstance(bits, list) or (wanted and len(bits) != wanted):
        raise Untrue(f"it reads other bits than the {wanted} of the program")
    if any(bit is not None and (type(bit) is not int or not 0 <= bit < _LARGEST) for bit in bits):
        raise Untrue("its bits are no qubits")
    return tuple(bits)


def _is_gathered(text: str, own: str) -> bool:
    """Whether a text is the order's, but for the classical bits: a translator may gather registers into one."""
    kept, measured = _parted(text)
    return kept == _parted(own)[0] and all(map(_MEASURING.fullmatch, measured))


def _parted(source: str) -> tuple[list[str], list[str]]:
    """Statements that compute, and those that declare or fill classical bits; comments and gaps left out."""
    kept: list[str] = []
    measured: list[str] = []
    for statement in _statements(source):
        classical = statement[0] in ("bit", "creg") or "measure" in statement
        (measured if classical else kept).append(" ".join(statement))
    return kept, measured


def _statements(source: str) -> Iterator[list[str]]:
    statement: list[str] = []
    for found in _TOKEN.finditer(source):
        word = found[1]
        if word is None:
            continue
        statement.append(word)
        if word in ";{}" or word.startswith(("#", "pragma")):
            if statement != [";"]:
                yield statement
            statement = []
    if statement:
        yield statement


class _Reader:
    """Reads what translate.py writes: inputs, one register of each kind, gates, one measurement for each bit."""

    def __init__(self, order: Order, layout: Sequence[int | None]) -> None:
        self._parameters = order.requirement.parameters
        self._width = order.requirement.width
        self._words = _FUNCTIONS | set(self._parameters)
        self._measured = list(dict.fromkeys(qubit for qubit in layout if qubit is not None))

    def read(self, text: str) -> None:
        lines = text.split("\n")
        head = ["OPENQASM 3.0;", *(f"input float {name};" for name in self._parameters)]
        tail = len(lines) - 1 - len(self._measured)
        if lines[: len(head)] != head or lines[-1] or tail < len(head) + 1:
            raise Untrue("it does not begin and end as a translated program does")
        register, width = self._declared(_QUBITS, lines[len(head)])
        if not 1 <= width <= self._width:
            raise Untrue(f"it has {width} qubits, the program {self._width}")
        first = len(head) + 1
        if self._measured:
            outcome, size = self._declared(_BITS, lines[first])
            if size != len(self._measured):
                raise Untrue("its classical register is not that of its layout")
            self._measurements(lines[tail:-1], outcome, register)
            first += 1
        for line in lines[first:tail]:
            self._gate(line, register, width)

    def _declared(self, form: re.Pattern[str], line: str) -> tuple[str, int]:
        found = form.fullmatch(line)
        if found is None or found[2] in self._words:
            raise Untrue("it lacks the declaration of a register")
        return found[2], int(found[1])

    def _measurements(self, lines: Sequence[str], outcome: str, register: str) -> None:
        for place, (line, qubit) in enumerate(zip(lines, self._measured, strict=True)):
            if line != f"{outcome}[{place}] = measure {register}[{qubit}];":
                raise Untrue("it measures something else than its layout says")

    def _gate(self, line: str, register: str, width: int) -> None:
        found = _GATE.fullmatch(line)
        if found is None or found[1] not in _GATES:
            raise Untrue(f"it holds a line that is no gate: {line[:60]!r}")
        angles = found[2] or ""
        if not _ANGLE.fullmatch(angles) or not set(_WORD.findall(angles)) <= self._words:
            raise Untrue(f"it holds an angle that is none: {line[:60]!r}")
        for target in found[3].split(", "):
            at = _TARGET.fullmatch(target)
            if at is None or at[1] != register or int(at[2]) >= width:
                raise Untrue(f"it holds a gate on another qubit: {line[:60]!r}")
