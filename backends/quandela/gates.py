"""How does a small gate circuit become a photonic one? Dual rail, Perceval's own CNOTs; runs in a child process.

Qubit k is the modes 2k and 2k+1: |0> is a photon in the first, |1> in the second. A CNOT that no other follows on
either of its qubits is post-selected (success 1/9, no extra photon); every other one is heralded by two photons more,
since what a post-selected one lets through wrongly could come back into the code. Success is the product: this is for
demonstrations and lessons, on simulators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends.quandela.serial import Foreign, Unfit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backends.openqasm.counting import Reading

MAX_QUBITS = 4
# Where a strong simulator still answers in about a second.
MAX_MODES = 20
MAX_PHOTONS = 10
MAX_BITS = 64
UNREAD = "_"


def experiment_of(request: Mapping[str, Any]) -> tuple[Foreign, str]:
    """``format``, ``source``, ``points``, ``bounds`` → the experiment, and the qubit behind each classical bit.

    Raises:
        Unfit: not such a circuit, or too large a one for the platform.
    """
    circuit, reading = _bound(request["format"], request["source"], request["points"])
    if reading is None:
        raise Unfit("only circuits that measure each qubit once, at the end, can become photonic")
    if reading.width > MAX_BITS:
        raise Unfit(f"{reading.width} classical bits, at most {MAX_BITS}", code="limit_exceeded")
    behind = [UNREAD] * reading.width
    for qubit, bit in zip(reading.qubits, reading.bits, strict=True):
        behind[bit] = str(qubit)
    return _photonic(circuit, request["bounds"]), ".".join(behind)


def _bound(form: str, source: str, points: Sequence[Mapping[str, float]]) -> tuple[Foreign, Reading | None]:
    from backends.openqasm.parse import circuit_of

    if len(points) != 1:
        raise Unfit("a sweep of a gate circuit is one job for each point here", code="limit_exceeded")
    point = points[0]
    circuit = circuit_of(form, source, point)
    if set(circuit.need.parameters) != set(point):
        raise Unfit(f"the point binds {sorted(point)}, the circuit needs {sorted(circuit.need.parameters)}")
    return circuit.plain, circuit.reading


def _photonic(circuit: Foreign, bounds: Mapping[str, int]) -> Foreign:
    from perceval import BasicState, Experiment, PostSelect

    qubits = circuit.num_qubits
    if qubits > MAX_QUBITS:
        raise Unfit(f"{qubits} qubits, at most {MAX_QUBITS} become photonic", code="limit_exceeded")
    steps = _steps(circuit)
    _check_size(qubits, steps, bounds)
    experiment = Experiment(2 * qubits)
    for place, (touched, matrix) in enumerate(steps):
        modes = tuple(mode for qubit in touched for mode in (2 * qubit, 2 * qubit + 1))
        experiment.add(modes, _unitary(matrix) if matrix is not None else _cnot(last=_is_last(steps, place)))
    one_each = " & ".join(f"[{2 * qubit},{2 * qubit + 1}]==1" for qubit in range(qubits))
    experiment.set_postselection(PostSelect(one_each))
    experiment.with_input(BasicState([1, 0] * qubits))
    experiment.min_detected_photons_filter(qubits)
    return experiment


Step = tuple[tuple[int, ...], Foreign]
"""The qubits, and the 2×2 matrix of a gate on one; a step on two is a CNOT."""


def _steps(circuit: Foreign) -> list[Step]:
    from qiskit import transpile

    plain = transpile(circuit.remove_final_measurements(inplace=False), basis_gates=["u", "cx"], optimization_level=1)
    place = {qubit: index for index, qubit in enumerate(plain.qubits)}
    found: list[Step] = []
    for step in plain.data:
        if step.name in ("measure", "barrier"):
            continue
        if step.name not in ("u", "cx"):
            raise Unfit(f"{step.name} cannot become photonic")
        matrix = step.operation.to_matrix() if step.name == "u" else None
        found.append((tuple(place[qubit] for qubit in step.qubits), matrix))
    return found


def _is_last(steps: Sequence[Step], place: int) -> bool:
    """Whether no later CNOT touches a qubit of this one."""
    mine = set(steps[place][0])
    return not any(len(touched) > 1 and mine & set(touched) for touched, _ in steps[place + 1 :])


def _check_size(qubits: int, steps: Sequence[Step], bounds: Mapping[str, int]) -> None:
    pairs = [place for place, (touched, _) in enumerate(steps) if len(touched) > 1]
    heralded = sum(not _is_last(steps, place) for place in pairs)
    needs = {"modes": 2 * qubits + 2 * len(pairs), "photons": qubits + 2 * heralded}
    for kind, number in needs.items():
        if number > bounds[kind]:
            detail = f"the circuit needs {number} {kind} as a photonic one, the platform has {bounds[kind]}"
            raise Unfit(detail, code="limit_exceeded")


def _unitary(matrix: Foreign) -> Foreign:
    from perceval import Matrix, Unitary

    return Unitary(Matrix(matrix))


def _cnot(*, last: bool) -> Foreign:
    from perceval import catalog

    gate = catalog["postprocessed cnot" if last else "heralded cnot"].build_experiment()
    gate.clear_postselection()
    return gate


def bits_of(counts: Mapping[str, int], behind: str) -> dict[str, int]:
    """Counts of dual-rail states as counts of classical bits; ``behind`` as ``experiment_of`` gave it."""
    found: dict[str, int] = {}
    for state, count in counts.items():
        photons = [int(number) for number in state.strip("|>").split(",")]
        key = "".join("0" if qubit == UNREAD else str(photons[2 * int(qubit) + 1]) for qubit in behind.split("."))
        found[key] = found.get(key, 0) + count
    return found
