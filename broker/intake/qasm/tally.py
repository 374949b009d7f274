"""What does the program add up to? Counts, levels, cuts and flags, one operation at a time, nothing expanded."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from broker.intake.qasm.gates import Gate


class Tally:
    """Running totals over qubits 0..n-1; the body of a gate definition has a tally of its own.

    ``levels[q]`` is the depth reached on qubit q, never more than ``peak``; a barrier over many qubits raises
    ``floor`` to the peak instead of touching each. ``answered`` is the level of the latest measurement.
    ``crossing`` holds differences: its running sum is the weight of gates over the cut between q and q+1.
    """

    __slots__ = (
        "answered",
        "clifford",
        "counts",
        "crossing",
        "dynamic",
        "floor",
        "levels",
        "measured",
        "operations",
        "peak",
        "swept",
        "weight",
        "work",
    )

    def __init__(self, qubits: int = 0) -> None:
        self.levels = [0] * qubits
        self.crossing = [0] * qubits
        self.counts: dict[int, int] = {}
        self.measured: set[int] = set()
        self.swept: dict[int, Sequence[int]] = {}
        self.answered = self.floor = self.peak = self.operations = self.work = self.weight = 0
        self.clifford = True
        self.dynamic = False

    def grow(self, qubits: int) -> None:
        """Add qubits at the end."""
        self.levels.extend([0] * qubits)
        self.crossing.extend([0] * qubits)

    def apply(self, gate: Gate, qubits: Sequence[int], times: int) -> None:
        """One gate on distinct qubits, ``times`` in a row."""
        counts = self.counts
        for arity, count in gate.counts.items():
            counts[arity] = counts.get(arity, 0) + count * times
        self.operations += gate.operations * times
        self.work += gate.cost * times
        if self.measured and not self.measured.isdisjoint(qubits):
            self.dynamic = True
        if len(qubits) == 1:
            self._lift_one(qubits[0], gate.depth * times)
        elif qubits:
            self._lift(qubits, gate.depth * times)
            self._cross(min(qubits), max(qubits), gate.weight * times)

    def apply_each(self, gate: Gate, qubits: Sequence[int], times: int) -> None:
        """A one-qubit gate on each of these qubits."""
        total = times * len(qubits)
        for arity, count in gate.counts.items():
            self.counts[arity] = self.counts.get(arity, 0) + count * total
        self.operations += gate.operations * total
        self.work += gate.cost * total
        self.dynamic = self.dynamic or not self.measured.isdisjoint(qubits)
        levels, floor, depth = self.levels, self.floor, gate.depth * times
        raised = [max(levels[qubit], floor) + depth for qubit in qubits]
        if isinstance(qubits, range) and qubits.step == 1:
            levels[qubits.start : qubits.stop] = raised
        else:
            for qubit, level in zip(qubits, raised, strict=True):
                levels[qubit] = level
        self.peak = max(self.peak, *raised)

    def apply_somewhere(self, gate: Gate, span: tuple[int, int], times: int) -> None:
        """One gate on qubits not known yet, all within ``span``: a safe bound for each figure."""
        for arity, count in gate.counts.items():
            self.counts[arity] = self.counts.get(arity, 0) + count * times
        self.operations += gate.operations * times
        self.work += gate.cost * times
        self.dynamic = self.dynamic or bool(self.measured)
        self.peak = max(self.peak, self.floor) + gate.depth * times
        self.floor = self.peak
        self._cross(*span, gate.weight * times)

    def touch(self, qubits: Iterable[int], times: int) -> None:
        """A measurement or reset of each qubit."""
        for qubit in qubits:
            self._lift_one(qubit, times)
            self.operations += times
            self.work += times
            self.answered = max(self.answered, self.levels[qubit])

    def sweep(self, among: Sequence[int]) -> None:
        """A measurement of a qubit that is not known now; each register is looked at once."""
        if id(among) in self.swept or not self.measured.isdisjoint(among):
            self.dynamic = True
        if id(among) not in self.swept:
            self.swept[id(among)] = among
            self.measured.update(among)

    def align(self, qubits: Sequence[int]) -> None:
        """A barrier: what follows on these qubits starts after all that came before on any of them."""
        if len(qubits) > 64:  # noqa: PLR2004  many: one floor for all is quick and still an upper bound
            self.floor = self.peak
            return
        self._lift(qubits, 0)

    def entangling_cut(self) -> int:
        """The heaviest cut, capped where more gates cannot entangle more."""
        return min(max(accumulate(self.crossing), default=0), len(self.levels) // 2)

    def _lift_one(self, qubit: int, depth: int) -> None:
        level = self.levels[qubit]
        level = max(level, self.floor) + depth
        self.levels[qubit] = level
        self.peak = max(self.peak, level)

    def _lift(self, qubits: Sequence[int], depth: int) -> None:
        levels = self.levels
        level = self.floor
        for qubit in qubits:
            level = max(level, levels[qubit])
        level += depth
        for qubit in qubits:
            levels[qubit] = level
        self.peak = max(self.peak, level)

    def _cross(self, low: int, high: int, weight: int) -> None:
        self.weight += weight
        if low < high:
            self.crossing[low] += weight
            self.crossing[high] -= weight
