"""Do counts that travelled the whole route agree with direct simulation? And how many creates does a sweep take?"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import chi2

from backends.errors import Refused
from broker.domain.program import Format, Program
from tests.contract.braket_case import CASE
from tests.contract.promises import ended, order_of, requirement
from tests.support.gate_programs import ROTATION

SHOTS = 2000
PROGRAMS = 20


@pytest.fixture(scope="module")
def route(tmp_path_factory):
    bench = CASE.start(tmp_path_factory.mktemp("braket"))
    bench.knobs.turn(noise=False)
    adapter = bench.adapter()
    yield bench, adapter, {device.name: device for device in adapter.devices()}
    adapter.close()
    bench.close()


def a_circuit(seed: int):
    """Three or four qubits, fifteen gates of many kinds, measured out of order into two registers."""
    draw = random.Random(seed)
    width = draw.choice((3, 4))
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{width}];", "creg a[1];", f"creg b[{width - 1}];"]
    ones = ("h", "x", "s", "t", "sdg", "rx({:.3f})", "ry({:.3f})", "u3({:.3f},0.3,1.1)")
    twos = ("cx", "cz", "swap", "cu1({:.3f})", "crz({:.3f})", "ch")
    for _ in range(15):
        angle = draw.uniform(0, 6.28)
        if draw.random() < 0.55:
            lines.append(f"{draw.choice(ones).format(angle)} q[{draw.randrange(width)}];")
        else:
            first, second = draw.sample(range(width), 2)
            lines.append(f"{draw.choice(twos).format(angle)} q[{first}],q[{second}];")
    order = draw.sample(range(width), width)
    bits = ["a[0]", *(f"b[{place}]" for place in range(width - 1))]
    lines += [f"measure q[{qubit}] -> {bit};" for qubit, bit in zip(order, bits, strict=True)]
    return "\n".join(lines), width, order


def exact(source: str, order: list[int]) -> dict[str, float]:
    """Probabilities by Qiskit's state vector, keys in our bit order."""
    from qiskit import qasm2
    from qiskit.quantum_info import Statevector

    circuit = qasm2.loads(source, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    circuit.remove_final_measurements()
    found: dict[str, float] = {}
    for key, chance in Statevector(circuit).probabilities_dict().items():
        ours = "".join(key[::-1][qubit] for qubit in order)
        found[ours] = found.get(ours, 0.0) + chance
    return found


def distance(counts, chances, shots: int) -> tuple[float, int]:
    """Pearson's statistic over cells of at least five expected counts; the rest is one cell."""
    cells = [(counts.get(key, 0), chance * shots) for key, chance in chances.items() if chance * shots >= 5]
    rest = (shots - sum(seen for seen, _ in cells), shots - sum(wanted for _, wanted in cells))
    if rest[1] >= 5:
        cells.append(rest)
    else:
        assert rest[0] <= 25
    return sum((seen - wanted) ** 2 / wanted for seen, wanted in cells), max(len(cells) - 1, 0)


def test_twenty_circuits_agree_with_the_state_vector(route):
    _, backend, devices = route
    device = devices["braket/sv1"]
    sent = []
    for seed in range(PROGRAMS):
        source, width, order = a_circuit(seed)
        need = requirement(Format.OPENQASM2, width=width, registers=(("a", 1), ("b", width - 1)))
        job = order_of(CASE, device, program=Program.of(Format.OPENQASM2, source), requirement=need, shots=SHOTS)
        sent.append((backend.submit(job), exact(source, order)))
    statistic, freedom = 0.0, 0
    for remote_id, chances in sent:
        ended(backend, remote_id)
        one, cells = distance(backend.fetch(remote_id).points[0].counts, chances, SHOTS)
        assert chi2.sf(one, max(cells, 1)) > 1e-6
        statistic, freedom = statistic + one, freedom + cells
    assert chi2.sf(statistic, freedom) > 1e-4


def an_atom_program(omega: float, delta: float, spacing: float) -> str:
    import json

    times = ["0", "1e-7", "9e-7", "1e-6"]
    drive = {"time_series": {"times": times, "values": ["0", str(omega), str(omega), "0"]}, "pattern": "uniform"}
    flat = {"time_series": {"times": times, "values": ["0"] * 4}, "pattern": "uniform"}
    detuning = {"time_series": {"times": times, "values": [str(delta)] * 4}, "pattern": "uniform"}
    sites = [["0", str(place * spacing)] for place in range(3)]
    return json.dumps(
        {
            "setup": {"ahs_register": {"sites": sites, "filling": [1, 1, 1]}},
            "hamiltonian": {
                "drivingFields": [{"amplitude": drive, "phase": flat, "detuning": detuning}],
                "localDetuning": [],
            },
        }
    )


def atoms_exact(omega: float, delta: float, spacing: float) -> dict[str, float]:
    """Three driven atoms, in small steps of the exact propagator."""
    x, n, one = np.array([[0, 1], [1, 0]]) / 2, np.diag([0.0, 1.0]), np.eye(2)

    def on(matrices):
        product = np.eye(1)
        for place in range(3):
            product = np.kron(product, matrices.get(place, one))
        return product

    drive, rise = sum(on({a: x}) for a in range(3)), sum(on({a: n}) for a in range(3))
    forces = sum(5.42e-24 / (abs(a - b) * spacing) ** 6 * on({a: n, b: n}) for a in range(3) for b in range(a + 1, 3))
    state, steps = np.eye(8)[0].astype(complex), 500
    for step in range(steps):
        time = (step + 0.5) / steps * 1e-6
        level = omega * min(time / 1e-7, 1.0, (1e-6 - time) / 1e-7)
        state = expm(-1j * (level * drive - delta * rise + forces) * 1e-6 / steps) @ state
    return {f"{key:03b}": float(abs(amplitude) ** 2) for key, amplitude in enumerate(state)}


@pytest.mark.parametrize(("omega", "delta", "spacing"), [(4e6, 0.0, 5.5e-6), (5e6, 3e6, 6.5e-6), (3e6, -2e6, 9e-6)])
def test_atoms_agree_with_the_propagator(route, omega, delta, spacing):
    _, backend, devices = route
    program = Program.of(Format.AHS, an_atom_program(omega, delta, spacing))
    order = order_of(
        CASE,
        devices["braket/quera-aquila"],
        program=program,
        requirement=requirement(Format.AHS, width=3),
        shots=1000,
    )
    remote_id = backend.submit(order)
    ended(backend, remote_id)
    counts = backend.fetch(remote_id).points[0].counts
    assert sum(counts.values()) == 1000
    statistic, freedom = distance(counts, atoms_exact(omega, delta, spacing), 1000)
    assert chi2.sf(statistic, freedom) > 1e-5


def test_a_sweep_of_a_hundred_points_is_one_create(route):
    bench, backend, devices = route
    points = tuple({"theta": 3.141592653589793 * (place % 2)} for place in range(100))
    need = requirement(Format.OPENQASM3, width=1, registers=(("c", 1),), parameters=("theta",), points=100)
    order = order_of(
        CASE,
        devices["braket/iqm-garnet"],
        program=Program.of(Format.OPENQASM3, ROTATION),
        requirement=need,
        points=points,
        shots=20,
    )
    remote_id = backend.submit(order)
    ended(backend, remote_id)
    outcome = backend.fetch(remote_id)
    assert len(bench.ledger.entries("create", order.token)) == 1
    assert [dict(point.counts) for point in outcome.points] == [{"0": 20}, {"1": 20}] * 50
    assert (outcome.usage.tasks, outcome.usage.shots) == (1, 2000)


def test_a_device_without_program_sets_says_that_each_point_is_a_task(route):
    bench, backend, devices = route
    device = devices["braket/aqt-ibex-q1"]
    assert (device.sweeps, device.max_points) == (False, 1)
    need = requirement(Format.OPENQASM3, width=1, registers=(("c", 1),), parameters=("theta",), points=2)
    order = order_of(
        CASE, device, program=Program.of(Format.OPENQASM3, ROTATION), requirement=need,
        points=({"theta": 0.0}, {"theta": 1.0}),
    )  # fmt: skip
    with pytest.raises(Refused, match="one parameter set per task"):
        backend.submit(order)
    assert bench.ledger.entries("create", order.token) == []
    single = replace(order, points=({"theta": 0.0},))
    remote_id = backend.submit(single)
    ended(backend, remote_id)
    assert dict(backend.fetch(remote_id).points[0].bindings) == {"theta": 0.0}


def test_noise_of_the_published_size_is_in_a_qpu_run(route):
    bench, backend, devices = route
    device = devices["braket/rigetti-cepheus-1-108q"]
    bench.knobs.turn(noise=True)
    try:
        order = order_of(CASE, device, shots=4000)
        remote_id = backend.submit(order)
        ended(backend, remote_id)
    finally:
        bench.knobs.turn(noise=False)
    counts = backend.fetch(remote_id).points[0].counts
    wrong = sum(count for key, count in counts.items() if key not in ("00", "11")) / 4000
    assert 1.2 * device.calibration.readout_error < wrong < 3.0 * device.calibration.readout_error
