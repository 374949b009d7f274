"""How is a Qiskit gate said in Braket's OpenQASM? A table of exact equals; the rest is taken apart."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from backends.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Qiskit class → Braket name; parameters and qubits stand in the same order in both.
_EQUALS = {
    "IGate": "i",
    "XGate": "x",
    "YGate": "y",
    "ZGate": "z",
    "HGate": "h",
    "SGate": "s",
    "SdgGate": "si",
    "TGate": "t",
    "TdgGate": "ti",
    "SXGate": "v",
    "SXdgGate": "vi",
    "PhaseGate": "phaseshift",
    "U1Gate": "phaseshift",
    "RXGate": "rx",
    "RYGate": "ry",
    "RZGate": "rz",
    "RGate": "prx",
    "UGate": "U",
    "U3Gate": "U",
    "CXGate": "cnot",
    "CYGate": "cy",
    "CZGate": "cz",
    "CSXGate": "cv",
    "CPhaseGate": "cphaseshift",
    "CU1Gate": "cphaseshift",
    "SwapGate": "swap",
    "iSwapGate": "iswap",
    "ECRGate": "ecr",
    "RXXGate": "xx",
    "RYYGate": "yy",
    "RZZGate": "zz",
    "CCXGate": "ccnot",
    "CSwapGate": "cswap",
}

Gate = tuple[str, tuple[Any, ...], tuple[int, ...]]
"""Braket name, parameters, qubits."""


@cache
def _names() -> dict[type, str]:
    from qiskit.circuit.library import standard_gates

    return {getattr(standard_gates, name): braket for name, braket in _EQUALS.items()}


class Speaker:
    """Says gates with the operations of one device; ``say`` is called with each gate in order."""

    def __init__(self, operations: Sequence[str], say: Callable[[Gate], None]) -> None:
        self._known = {name.lower() for name in operations}
        self._say = say

    def gate(self, operation: Any, qubits: Sequence[int]) -> None:  # noqa: ANN401  a Qiskit operation
        """Say one gate, exactly or by its parts. A user's own ``gate h`` is no ``HGate``: classes decide, not names.

        Raises:
            Refused: neither the gate nor its parts have a Braket equal.
        """
        name = _names().get(operation.base_class) if hasattr(operation, "base_class") else None
        controls_are_ones = getattr(operation, "ctrl_state", None) in (None, (1 << _controls(operation)) - 1)
        if name and controls_are_ones and self._word(name, tuple(operation.params), tuple(qubits)):
            return
        parts = _parts(operation)
        if parts is None:
            raise Refused(f"the gate {operation.name} cannot be said in Braket's OpenQASM", code="program_invalid")
        for part in parts.data:
            self.gate(part.operation, [qubits[parts.find_bit(qubit).index] for qubit in part.qubits])

    def _word(self, name: str, parameters: tuple[Any, ...], qubits: tuple[int, ...]) -> bool:
        if name.lower() in self._known:
            self._say((name, parameters, qubits))
        elif name == "i":
            pass
        elif name == "U":
            theta, phi, lam = parameters
            for axis, angle in (("rz", lam), ("ry", theta), ("rz", phi)):
                self._say((axis, (angle,), qubits))
        elif name == "phaseshift":
            # Equal up to a global phase; a controlled one is another gate and never comes here.
            self._say(("rz", parameters, qubits))
        elif name == "cnot" and "cz" in self._known:
            for part in (("h", (), qubits[1:]), ("cz", (), qubits), ("h", (), qubits[1:])):
                self._say(part)
        else:
            return False
        return True


def _controls(operation: Any) -> int:  # noqa: ANN401  a Qiskit operation
    return int(getattr(operation, "num_ctrl_qubits", 0))


def _parts(operation: Any) -> Any:  # noqa: ANN401  a Qiskit operation and its definition
    """What a gate is made of; modifiers such as ``inv @`` and ``pow(…) @`` are worked out first."""
    definition = getattr(operation, "definition", None)
    if definition is not None:
        return definition
    if not hasattr(operation, "modifiers"):
        return None
    from qiskit import QuantumCircuit
    from qiskit.transpiler.passes import HighLevelSynthesis

    alone = QuantumCircuit(operation.num_qubits)
    alone.append(operation, alone.qubits)
    plain = HighLevelSynthesis()(alone)
    return None if any(part.operation is operation for part in plain.data) else plain
