"""How does a reading of OpenQASM become a Qiskit circuit? One step for each plain gate; branches stay branches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backends.invalid import Foreign
from backends.openqasm import standard
from backends.openqasm.conditions import Condition, bits_in, condition_of
from backends.openqasm.counting import Reading
from backends.openqasm.expand import plain_gates
from backends.openqasm.operations import steps_of
from broker.intake.qasm.events import HIDDEN, Call
from broker.intake.qasm.terms import Term

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.intake.qasm.events import Matrix
    from broker.intake.qasm.symbols import Measured, Value


@dataclass(slots=True)
class _Branch:
    """What is done under a condition, and what where it does not hold."""

    condition: Measured
    yes: list[Foreign] = field(default_factory=list)
    no: list[Foreign] = field(default_factory=list)
    registers: dict[Foreign, None] = field(default_factory=dict)


class CircuitBuilder:
    """Builds ``circuit``; ``terms`` are its parameters with what they stand for.

    ``read`` tells of each measured bit its qubit; ``plain`` that every measurement is a plain end: no reset, branch or
    assignment, no gate behind a measurement of its qubit, no qubit or bit used twice. ``numbers`` are the device's own
    of the first qubits; ``written`` are the registers' names in the text; ``unkept`` says that some measurement goes
    into no bit.
    """

    def __init__(self) -> None:
        from qiskit import QuantumCircuit
        from qiskit.circuit import CircuitInstruction as Step
        from qiskit.circuit import Clbit, Measure, Qubit

        self._step, self._clbit, self._qubit = Step, Clbit, Qubit
        self._measure = Measure()
        self.circuit = QuantumCircuit()
        self.terms: list[tuple[Foreign, Term]] = []
        self.read: dict[int, int] = {}
        self.plain = True
        self.numbers: tuple[int, ...] = ()
        self.written: list[tuple[str, int]] = []
        self.unkept = False
        self._same = standard.same()
        self._standard = type(self._same["x"])
        self._qubits: list[Foreign] = []
        self._bits: dict[int, Foreign] = {}
        self._registers: dict[Sequence[int], Foreign] = {}
        self._parameters: dict[int, Foreign] = {}
        self._done: set[int] = set()
        self._idle: set[int] = set()
        self._branches: list[_Branch] = []
        self._outer: list[Callable[[Foreign], object]] = []
        self._put: Callable[[Foreign], object] = self.circuit._append  # noqa: SLF001  the checked way costs four times as much

    def qubits(self, count: int, name: str) -> None:
        self.written.append((name, count))
        more = [self._qubit() for _ in range(count)]
        self._qubits += more
        self.circuit.add_bits(more)

    def physical(self, numbers: Sequence[int]) -> None:
        self.numbers = tuple(numbers)
        self.qubits(len(numbers), "")

    def bits(self, places: range) -> None:
        if places.start < HIDDEN:
            from qiskit.circuit import ClassicalRegister

            # Of a name of ours: a program's registers may be called anything.
            register = self._registers[places] = ClassicalRegister(len(places), f"c{len(self._registers)}")
            self.circuit.add_register(register)
            self._bits.update(zip(places, register, strict=True))
            return
        again = [place for place in places if place in self._bits]
        fresh = {place: self._clbit() for place in places if place not in self._bits}
        self._bits.update(fresh)
        self.circuit.add_bits(fresh.values())
        if again:
            self.assign(again, 0)

    def apply(self, call: Call) -> None:
        gate, angles, qubits, modifiers = call
        self._touched(qubits)
        same = None if modifiers or gate.declared else self._same.get(gate.name)
        if same is not None and qubits:
            self._gate(same, [self._angle(angle) for angle in angles], qubits)
            return
        for plain in plain_gates(call):
            for operation, numbers, targets in steps_of(plain, self._angle):
                self._gate(operation, numbers, targets)

    def unitary(self, matrix: Matrix, qubits: Sequence[int]) -> None:
        from qiskit.circuit.library import UnitaryGate

        self._touched(qubits)
        self._gate(UnitaryGate(matrix, check_input=False), (), qubits[::-1])

    def measure(self, qubits: Sequence[int], bits: Sequence[int] | None) -> None:
        if bits is None:
            self._unkept(qubits)
            return
        for qubit, bit in zip(qubits, bits, strict=True):
            if self._branches or bit >= HIDDEN or qubit in self._done or bit in self.read:
                self.plain = False
            self._idle.discard(qubit)
            self._done.add(qubit)
            self.read[bit] = qubit
            self._put(self._step(self._measure, (self._qubits[qubit],), (self._bits[bit],)))

    def reset(self, qubits: Sequence[int]) -> None:
        from qiskit.circuit import Reset

        self.plain = False
        self._idle.difference_update(qubits)
        for qubit in qubits:
            self._put(self._step(Reset(), (self._qubits[qubit],), ()))

    def assign(self, bits: Sequence[int], value: int) -> None:
        from qiskit.circuit import Store
        from qiskit.circuit.classical import expr

        self.plain = False
        for place, bit in enumerate(bits):
            target = self._bits[bit]
            store = Store(expr.lift(target), expr.lift(bool(value >> place & 1)))
            self._put(self._step(store, (), (target,)))

    def branch(self, condition: Measured) -> None:
        self.plain = False
        self._settle(set(self._idle))
        self._branches.append(_Branch(condition))
        self._outer.append(self._put)
        self._put = self._branches[-1].yes.append

    def otherwise(self) -> None:
        self._put = self._branches[-1].no.append

    def merge(self) -> None:
        self._put = self._outer.pop()
        done = self._branches.pop()
        condition = condition_of(done.condition, self._bits, self._registers)
        if isinstance(condition, bool):
            for step in done.yes if condition else done.no:
                self._put(step)
        elif done.yes or done.no:
            self._decided(condition, done)

    def _decided(self, condition: Condition, done: _Branch) -> None:
        from qiskit import QuantumCircuit
        from qiskit.circuit import IfElseOp

        steps = (*done.yes, *done.no)
        qubits = list(dict.fromkeys(qubit for step in steps for qubit in step.qubits))
        deciding = [self._bits[bit] for bit in bits_in(done.condition)]
        bits = list(dict.fromkeys([*deciding, *(bit for step in steps for bit in step.clbits)]))
        inner = []
        for side in (done.yes, done.no):
            body = QuantumCircuit(qubits, bits, *done.registers)
            for step in side:
                body._append(step)  # noqa: SLF001  as above
            inner.append(body)
        if self._branches and isinstance(condition, tuple) and hasattr(condition[0], "size"):
            done.registers[condition[0]] = None
        if self._branches:
            self._branches[-1].registers |= done.registers
        operation = IfElseOp(condition, inner[0], inner[1] if done.no else None)
        self._put(self._step(operation, qubits, bits))

    def _touched(self, qubits: Sequence[int]) -> None:
        if self._idle:
            self._settle(self._idle.intersection(qubits))
        if self._done and not self._done.isdisjoint(qubits):
            self.plain = False

    def _unkept(self, qubits: Sequence[int]) -> None:
        """A measurement into no bit: only what comes behind it can tell, so that it waits for that."""
        self.unkept = True
        self._idle.update(qubit for qubit in qubits if qubit not in self._done)
        if self._branches:
            self._settle(set(self._idle))

    def _settle(self, qubits: set[int]) -> None:
        for qubit in sorted(qubits):
            self.plain = False
            self._idle.discard(qubit)
            if HIDDEN - 1 not in self._bits:
                self._bits[HIDDEN - 1] = self._clbit()
                self.circuit.add_bits([self._bits[HIDDEN - 1]])
            self._put(self._step(self._measure, (self._qubits[qubit],), (self._bits[HIDDEN - 1],)))

    def _gate(self, gate: Foreign, angles: Sequence[Foreign], qubits: Sequence[int]) -> None:
        targets = [self._qubits[qubit] for qubit in qubits]
        if type(gate) is self._standard:
            self._put(self._step.from_standard(gate, targets, angles))
        else:
            self._put(self._step(gate, targets, ()))

    def _angle(self, value: Value) -> Foreign:
        if type(value) is not Term:
            return float(value)  # type: ignore[arg-type] # a builder's reading follows every value
        known = self._parameters.get(id(value))
        if known is None:
            from qiskit.circuit import Parameter

            known = self._parameters[id(value)] = Parameter(f"a{len(self.terms)}")
            self.terms.append((known, value))
        return known

    def finish(self, *, width: int, bits: int, implicit: bool) -> tuple[Reading | None, tuple[int, ...]]:
        """How a plain end is read (None: it is none), and which of the circuit's bits make a key, in its order."""
        place = {bit: index for index, bit in enumerate(self.circuit.clbits)}
        if implicit:
            every = tuple(range(width))
            if self.plain:
                return Reading(qubits=every, bits=every, width=width), ()
            first = self.circuit.num_clbits
            self.circuit.add_bits([self._clbit() for _ in every])
            self.circuit.measure(self.circuit.qubits, self.circuit.clbits[first:])
            return None, tuple(range(first, first + width))
        visible = tuple(place[self._bits[bit]] for bit in range(bits))
        if not self.plain:
            return None, visible
        read = sorted(self.read)
        return Reading(qubits=tuple(self.read[bit] for bit in read), bits=tuple(read), width=bits), visible
