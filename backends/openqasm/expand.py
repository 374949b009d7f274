"""Which plain gates does one call come to? Definitions are followed, modifiers worked out; no name of a user is left.

A user's gate is what its body says, whatever it is called. Nothing here recurses over a chain of definitions: it may be
as long as the text allows.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from backends.openqasm import standard
from backends.openqasm.powers import power_of
from broker.intake.qasm.events import Call, Unbuildable
from broker.intake.qasm.terms import FORMAL, computed, settled, worked_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from broker.intake.qasm.events import Modifier
    from broker.intake.qasm.symbols import Value
    from broker.intake.qasm.terms import Term

_ROTATIONS: Final = frozenset({"RX", "RY", "RZ", "RXX", "RYY", "RZZ"})
_PHASES: Final = frozenset({"Phase", "U1", "CPhase", "CU1", "GlobalPhase"})


@dataclass(frozen=True, slots=True)
class Plain:
    """A gate of Qiskit's (``gate``, a StandardGate) or a ``matrix``; qubits that control it come first in ``qubits``.

    ``closed`` says of each control whether it acts on 1. The first qubit of a matrix is its lowest bit.
    """

    gate: object
    angles: tuple[Value, ...]
    qubits: tuple[int, ...]
    closed: tuple[bool, ...] = ()
    inverted: bool = False
    matrix: object = None


@dataclass(frozen=True, slots=True)
class _Mode:
    """What stands before a call: controls, and ``steps`` to take with its matrix, the nearest first."""

    controls: tuple[int, ...] = ()
    closed: tuple[bool, ...] = ()
    exponent: int = 1
    fractions: tuple[float, ...] = ()


def plain_gates(call: Call) -> Iterator[Plain]:
    """In the order in which they act.

    Raises:
        Unbuildable: a power that nobody can work out.
        PointNeeded: the power of an angle that only a point gives.
    """
    waiting: list[Iterator[tuple[Call, _Mode]]] = [iter([(call, _Mode())])]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        inner, outer = found
        inner, mode = _modes(inner, outer)
        body = _body_of(inner)
        if body is None:
            yield from _standard(inner, mode)
        elif mode.fractions:
            yield _fraction(inner, mode)
        elif mode.exponent:
            waiting.append(_inside(inner, body, mode))


def _modes(call: Call, outer: _Mode) -> tuple[Call, _Mode]:
    """The call without modifiers, and all that stands before it."""
    if not call.modifiers:
        return call, outer
    taken, closed = 0, list[bool]()
    exponent, fractions = 1, list[float]()
    for word, number in call.modifiers:
        if word in {"ctrl", "negctrl"}:
            taken += int(number)
            closed += [word == "ctrl"] * int(number)
    for step in reversed([-1.0 if word == "inv" else number for word, number in _steps(call.modifiers)]):
        if fractions or step != int(step):
            fractions.append(step)
        else:
            exponent *= int(step)
    if fractions and exponent != 1:
        fractions, exponent = [float(exponent), *fractions], 1
    if fractions and outer.exponent != 1:
        fractions.append(outer.exponent)
    controls = outer.controls + tuple(call.qubits[:taken])
    mode = _Mode(
        controls, outer.closed + tuple(closed), 1 if fractions else exponent * outer.exponent, tuple(fractions)
    )
    return Call(call.gate, call.angles, call.qubits[taken:]), mode


def _steps(modifiers: Sequence[Modifier]) -> list[Modifier]:
    return [(word, number) for word, number in modifiers if word in {"inv", "pow"}]


def _body_of(call: Call) -> Sequence[Call] | None:
    if call.gate.declared:
        if call.gate.body is None:
            raise Unbuildable(f"nothing says what '{call.gate.name}' does")
        return call.gate.body
    own = standard.defined().get(call.gate.name) if call.gate.name not in standard.same() else None
    return None if own is None else own.body


def _inside(call: Call, body: Sequence[Call], mode: _Mode) -> Iterator[tuple[Call, _Mode]]:
    sign = 1 if mode.exponent > 0 else -1
    inner = _Mode(mode.controls, mode.closed, sign)
    seen: dict[int, Value] = {}

    # An angle is a real number whatever it was given as: half of 1 is not 0 here.
    given = [computed("float", float, angle) for angle in call.angles]

    def formal(leaf: Term) -> Value:
        return given[int(leaf.parts[0])] if leaf.word == FORMAL else leaf  # type: ignore[arg-type] # a number

    for _ in range(abs(mode.exponent)):
        for each in body if sign > 0 else reversed(body):
            angles = [worked_out(angle, formal, seen) for angle in each.angles]
            yield Call(each.gate, angles, [call.qubits[place] for place in each.qubits], each.modifiers), inner


def _standard(call: Call, mode: _Mode) -> Iterator[Plain]:
    gate, angles = standard.same()[call.gate.name], tuple(call.angles)
    qubits, kind = mode.controls + tuple(call.qubits), _word(gate)
    if not mode.fractions and abs(mode.exponent) == 1:
        yield Plain(gate, angles, qubits, mode.closed, inverted=mode.exponent < 0)
    elif kind in _PHASES or (kind in _ROTATIONS and not mode.fractions):
        angle = angles[0]
        for step in mode.fractions or (mode.exponent,):
            angle = _scaled(angle, step)
        yield Plain(gate, (angle,), qubits, mode.closed)
    elif mode.fractions or mode.exponent:
        for angle in angles:
            settled(angle)
        matrix = power_of([Plain(gate, angles, tuple(range(len(call.qubits))))], mode.fractions or (mode.exponent,))
        yield Plain(None, (), qubits, mode.closed, matrix=matrix)


def _word(gate: object) -> str:
    return str(gate).rpartition(".")[2]


def _scaled(angle: Value, step: float) -> Value:
    """A fractional power is the principal one: a phase lies between -pi and pi when it is taken."""
    if step != int(step):
        number = settled(angle) or 0
        angle = number - math.tau * math.ceil((number - math.pi) / math.tau)
    return computed("*", operator.mul, angle, step)


def _fraction(call: Call, mode: _Mode) -> Plain:
    """Of a gate with a definition: by its matrix."""
    for angle in call.angles:
        settled(angle)
    alone = Call(call.gate, call.angles, range(len(call.qubits)))
    try:
        matrix = power_of(list(plain_gates(alone)), mode.fractions, len(call.qubits))
    except RecursionError:
        raise Unbuildable("fractional powers within powers, too deep to be worked out") from None
    return Plain(None, (), mode.controls + tuple(call.qubits), mode.closed, matrix=matrix)
