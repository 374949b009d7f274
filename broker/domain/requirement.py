"""What does a program need from a machine? Computed once at intake, in linear time, before any SDK sees the text."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.program import Format, Paradigm


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """A named run of classical bits; in counts keys its bits stand at ``offset .. offset + size - 1``."""

    name: str
    size: int
    offset: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """The demands of one program.

    ``width`` counts qubits (gate), atoms (analog) or modes (photonic). ``gates`` maps arity to count after
    expansion, as sorted pairs; measurement, reset and barrier are not gates. ``depth`` is an upper bound by
    per-qubit levels. ``entangling_cut`` is the largest number of multi-qubit gates that cross any cut of the
    linear qubit order: an upper bound on log2 of the matrix-product-state bond dimension (capped at
    ``width // 2``). ``dynamic`` means mid-circuit measurement that is used later, reset or classical control.
    ``implicit_measurement``: the source measures nothing, so every qubit is measured into register ``meas``.
    ``result_types`` are results beyond counts that pragmas ask for. ``parameters`` are the free names that each
    point must bind. ``shots`` is per point.
    """

    format: Format
    paradigm: Paradigm
    width: int
    photons: int = 0
    gates: tuple[tuple[int, int], ...] = ()
    operations: int = 0
    depth: int = 0
    entangling_cut: int = 0
    registers: tuple[Register, ...] = ()
    parameters: tuple[str, ...] = ()
    clifford: bool = False
    dynamic: bool = False
    implicit_measurement: bool = False
    result_types: tuple[str, ...] = ()
    duration_us: float = 0.0
    global_drive: bool = False
    shots: int = 1
    points: int = 1

    @property
    def bits(self) -> int:
        """Length of a gate-model counts key."""
        return sum(register.size for register in self.registers)

    @property
    def multi_qubit_gates(self) -> int:
        """Gates on two or more qubits."""
        return sum(count for arity, count in self.gates if arity > 1)

    @property
    def statevector_bytes(self) -> int:
        """Memory of a dense double-precision state: 16 bytes x 2**width (gate and analog programs)."""
        return 16 << self.width
