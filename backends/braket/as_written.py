"""May a program go to Braket as it was written? Told by the words of intake's own reading, and by what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.errors import Refused
from broker.intake.qasm.gates import BRAKET
from broker.intake.qasm.tokens import END, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from backends.openqasm.parse import Circuit

# With one of these a program says something that is worked out here: Braket's devices take less than its interpreter.
_WORKED_OUT = frozenset(
    ("include", "for", "if", "const", "let", "gate", "int", "uint", "bool", "ctrl", "negctrl", "inv", "pow", "gphase")
)
_BLOCKS = frozenset({"for", "if", "gate"})
_PRAGMAS = ("#pragma", "pragma")


def only_as_written(source: str) -> bool:
    """Whether it names the device's own qubits, or has a pragma that only the device can carry out."""
    return any("$" in word or _tells_the_device(word) for word in words(source))


def may_go(source: str, circuit: Circuit) -> bool:
    """Whether it is a straight program in Braket's dialect."""
    found = words(source)
    return (
        _WORKED_OUT.isdisjoint(found)
        and any(word in BRAKET or word.startswith(_PRAGMAS) for word in found)
        and not circuit.unkept
        and registers_of(circuit) <= 1
    )


def registers_of(circuit: Circuit) -> int:
    """How many classical registers are measured into: Braket reports no more than one."""
    if circuit.reading is None or circuit.need.implicit_measurement:
        return 0
    ends = [register.offset + register.size for register in circuit.need.registers]
    return len({next(place for place, end in enumerate(ends) if bit < end) for bit in circuit.reading.bits})


def layout_of(circuit: Circuit) -> list[int | None]:
    """The qubit behind each classical bit, by the device's own number where the program names it so."""
    reading = circuit.reading
    if reading is None:
        raise Refused(
            "mid-circuit measurement, reset and classical control are not offered on Braket", code="program_invalid"
        )
    bits: list[int | None] = [None] * reading.width
    for qubit, bit in zip(reading.qubits, reading.bits, strict=True):
        bits[bit] = circuit.numbers[qubit] if qubit < len(circuit.numbers) else qubit
    return bits


def gathered(source: str, circuit: Circuit, layout: Sequence[int | None]) -> str:
    """The same program with one register for all measured bits.

    Raises:
        Refused: it measures inside of blocks.
    """
    found = words(source)
    if not _BLOCKS.isdisjoint(found):
        raise Refused("measure into one classical register: Braket reports no more", code="program_invalid")
    outcome = "b"
    while any(word.partition("[")[0] == outcome for word in found):
        outcome += "_"
    order = [qubit for qubit in dict.fromkeys(layout) if qubit is not None]
    lines = [" ".join(statement).replace(" ;", ";") for statement in _statements(found) if not _is_classical(statement)]
    lines.append(f"bit[{len(order)}] {outcome};")
    names = _names(circuit)
    lines += [f"{outcome}[{place}] = measure {names[qubit]};" for place, qubit in enumerate(order)]
    return "\n".join(lines) + "\n"


def _names(circuit: Circuit) -> dict[int, str]:
    """How each qubit is written; those of a layout."""
    if circuit.numbers:
        return {number: f"${number}" for number in circuit.numbers}
    every = [f"{name}[{place}]" for name, count in circuit.written for place in range(count)]
    return dict(enumerate(every))


def _tells_the_device(word: str) -> bool:
    return word.startswith(_PRAGMAS) and "unitary" not in word.split("(", maxsplit=1)[0].split()


def _is_classical(statement: Sequence[str]) -> bool:
    return statement[0].partition("[")[0] in {"bit", "creg"} or "measure" in statement


def _statements(found: Sequence[str]) -> Iterator[list[str]]:
    statement: list[str] = []
    for word in found:
        if word == END:
            return
        statement.append(word)
        if word in {";", "{", "}"} or word.startswith(_PRAGMAS):
            if statement != [";"]:
                yield statement
            statement = []
