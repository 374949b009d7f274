"""How does a dense circuit run on qsim? Its C++ core directly: cirq would only cost a second. Child side only."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backends.invalid import Foreign
from backends.local.exact import matrix_of
from backends.openqasm.counting import Reading

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_FUSED_QUBITS = 4
_MOST_QUBITS_OF_A_GATE = 4
_CORES = {0: "qsim_avx512", 1: "qsim_avx2", 2: "qsim_sse"}


def available() -> bool:
    """Whether the package is installed; imports nothing."""
    return importlib.util.find_spec("qsimcirq") is not None


def counts_of(circuit: QuantumCircuit, reading: Reading, *, shots: int, seed: int, threads: int) -> dict[str, int]:
    """Counts of a bound circuit with measurements at the end; single precision."""
    options = {"c": _translated(circuit), "s": seed % (1 << 31) or 1, "f": _FUSED_QUBITS, "t": threads}
    rest = {"r": 1, "g": False, "gmode": 0, "gsst": 32, "gdb": 16, "v": 0, "z": False}
    drawn = np.array(core().qsim_sample_final({**options, **rest}, shots), dtype=np.uint64)
    if len(drawn) != shots:
        raise MemoryError("qsim could not allocate the state")
    values, counts = np.unique(drawn, return_counts=True)
    width = circuit.num_qubits
    merged: dict[str, int] = {}
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        spelled = format(value, f"0{width}b")[::-1]
        key = reading.key("".join(spelled[qubit] for qubit in reading.qubits))
        merged[key] = merged.get(key, 0) + count
    return merged


@cache
def core() -> Foreign:
    """The extension module for this processor, without the package around it."""
    spec = importlib.util.find_spec("qsimcirq")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("qsimcirq is not installed")
    folder = Path(spec.origin).parent
    kind = _extension(folder, "qsim_decide").detect_instructions()
    return _extension(folder, _CORES.get(kind, "qsim_basic"))


def _extension(folder: Path, name: str) -> Foreign:
    (file,) = folder.glob(f"{name}.*so")
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"cannot load {file}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _translated(circuit: QuantumCircuit) -> Foreign:
    qsim = core()
    made = qsim.Circuit()
    made.num_qubits = circuit.num_qubits
    place = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    free = [0] * circuit.num_qubits  # the first moment at which a qubit is not busy
    for step in _small(circuit).data:
        if step.name == "measure":
            continue
        qubits = [place[qubit] for qubit in step.qubits]
        moment = max((free[qubit] for qubit in qubits), default=0)
        if qubits:
            flat = np.ascontiguousarray(matrix_of(step), dtype=np.complex64).reshape(-1).view(np.float32).tolist()
            # qsim's first qubit is the matrix's most significant bit, Qiskit's the least.
            qsim.add_matrix_gate(moment, qubits[::-1], flat, made)
        for qubit in qubits:
            free[qubit] = moment + 1
    return made


def _small(circuit: QuantumCircuit) -> QuantumCircuit:
    """Gates wider than qsim's matrices are taken apart."""
    if all(len(step.qubits) <= _MOST_QUBITS_OF_A_GATE for step in circuit.data):
        return circuit
    from backends.local.aer import native

    return native(circuit, "matrix_product_state")
