"""How does a circuit run on Aer without rebuilding anything per run? Warm simulators, passes only where needed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from backends.invalid import Foreign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit import QuantumCircuit

    from backends.openqasm.parse import Circuit

# Of one size for every run, or the same seed would not give the same counts.
_STEADY = {"max_parallel_shots": 1, "max_parallel_experiments": 1}


class Run(NamedTuple):
    """A program and its circuit, bound to one point."""

    program: Circuit
    circuit: QuantumCircuit


def counts_of(runs: Sequence[Run], *, method: str, shots: int, seed: int, threads: int) -> list[dict[str, int]]:
    """Counts in the same order; point n runs under ``seed + n``."""
    simulator = _simulator(method)
    ready = [(native(measured(circuit, program), method), program) for program, circuit in runs]
    outcomes = []
    for number, (circuit, program) in enumerate(ready):
        options = {"seed_simulator": (seed + number) % (1 << 31), "max_parallel_threads": threads, **_STEADY}
        if program.reading is None:
            # Aer cuts away what no measurement sees, and then jumps to a place that is gone.
            options["enable_truncation"] = False
        found = simulator.run(circuit, shots=shots, **options).result()
        if not found.success:
            raise _failure(found)
        visible = program.visible or range(circuit.num_clbits)
        outcomes.append(_keys(found.data(0)["counts"], circuit.num_clbits, visible))
    return outcomes


def end_threads() -> None:
    """After the warm runs: a process with threads cannot be forked. The next run starts its own."""
    from qiskit_aer.jobs import utils

    utils.DEFAULT_EXECUTOR.shutdown(wait=True)
    utils.DEFAULT_EXECUTOR = type(utils.DEFAULT_EXECUTOR)(max_workers=1)


def measured(circuit: QuantumCircuit, program: Circuit) -> QuantumCircuit:
    """With the implicit measurement written out, and no other bits."""
    if program.reading is None or not program.need.implicit_measurement:
        return circuit
    from qiskit import QuantumCircuit

    plain = QuantumCircuit(circuit.qubits)
    for step in circuit.data:
        plain._append(step)  # noqa: SLF001  the checked way costs more than the simulation
    return plain.measure_all(inplace=False)


def native(circuit: QuantumCircuit, method: str) -> QuantumCircuit:
    """In gates that the method knows; most programs pass as they are."""
    if all(name in _known(method) for name in _names(circuit)):
        return circuit
    plain: QuantumCircuit = _unrolling(method).run(circuit)
    if method == "stabilizer" and not all(name in _known(method) for name in plain.count_ops()):
        from backends.local.clifford import rewritten

        return rewritten(plain, _known(method))
    return plain


def _names(circuit: QuantumCircuit) -> set[str]:
    """Also those inside of branches and loops."""
    names = set(circuit.count_ops())
    for step in circuit.data:
        if step.is_control_flow():
            for block in step.operation.blocks:
                names |= _names(block)
    return names


def _keys(counts: dict[str, int], width: int, visible: Sequence[int]) -> dict[str, int]:
    """Aer's keys are hexadecimal with bit 0 last; outcomes that differ in bits that nobody sees are one."""
    if len(visible) == width:
        return {format(int(key, 16), f"0{width}b")[::-1]: count for key, count in counts.items()}
    seen: dict[str, int] = {}
    for key, count in counts.items():
        digits = format(int(key, 16), f"0{width}b")[::-1]
        shown = "".join(digits[place] for place in visible)
        seen[shown] = seen.get(shown, 0) + count
    return seen


@cache
def _simulator(method: str) -> Foreign:
    from qiskit_aer import AerSimulator

    return AerSimulator(method=method)


@cache
def _known(method: str) -> frozenset[str]:
    return frozenset({*_simulator(method).operation_names, "barrier"}) - {"for_loop", "while_loop", "switch_case"}


@cache
def _unrolling(method: str) -> Foreign:
    """Not ``transpile(backend=...)``: that costs 61 ms each time for the same passes."""
    from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
    from qiskit.transpiler import PassManager
    from qiskit.transpiler.passes import BasisTranslator, HighLevelSynthesis, UnrollCustomDefinitions, UnrollForLoops

    # The stabilizer method's own gates are no universal set: unroll to the widest, the rest is rewritten.
    basis = sorted(_known("statevector" if method == "stabilizer" else method) | {"while_loop", "for_loop"})
    library = SessionEquivalenceLibrary
    return PassManager(
        [
            UnrollForLoops(),
            HighLevelSynthesis(basis_gates=basis, equivalence_library=library),
            UnrollCustomDefinitions(library, basis_gates=basis),
            BasisTranslator(library, target_basis=basis),
        ]
    )


def _failure(found: Foreign) -> Exception:
    text = f"{found.status} {' '.join(str(result.status) for result in found.results)}"
    if "memory" in text.lower() or "bad_alloc" in text:
        return MemoryError(text)
    return RuntimeError(text)
