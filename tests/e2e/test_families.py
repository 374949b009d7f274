"""Do counts agree with a direct simulation, over every family of circuits of a public collection?"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from mqt.bench import BenchmarkLevel, get_benchmark
from mqt.bench.benchmarks import get_available_benchmark_names
from qiskit import qasm2, qasm3, transpile
from qiskit_aer import AerSimulator

from tests.support.chi import same
from tests.support.hub import wait_all

SIZES = (7, 6, 5, 8, 4, 9, 10)
SHOTS = 4000
SEED = 2026
LEAST_P = 1e-4
AT_ONCE = 8
# OpenQASM 2 cannot say what these do between their measurements.
DYNAMIC = frozenset({"dynamic_qft", "ghz_dynamic", "iqpe"})
LEFT_OUT = {
    "ae": "its angles are arrays that Qiskit's own exporters cannot write",
    "seven_qubit_steane_code": "has 13 qubits at least",
    "shor": "has 18 qubits at least",
    "shors_nine_qubit_code": "has 17 qubits at least",
}


@dataclass(frozen=True)
class Family:
    name: str
    format: str
    source: str
    direct: dict[str, int]


def circuit_of(name):
    """The family's circuit in the first of our sizes that it comes in."""
    for size in SIZES:
        try:
            found = get_benchmark(name, BenchmarkLevel.INDEP, size)
        except ValueError:
            continue
        if not found.num_clbits:
            found.measure_all()
        return found
    raise AssertionError(f"{name} comes in none of the sizes {SIZES}")


def directly(circuit, simulator):
    """Counts in our bit order: classical bit 0 of the first register is leftmost."""
    ran = simulator.run(transpile(circuit, simulator), shots=SHOTS, seed_simulator=SEED + 1).result()
    return {key.replace(" ", "")[::-1]: count for key, count in ran.get_counts().items()}


@pytest.fixture(scope="session")
def families():
    simulator, found = AerSimulator(), []
    names = [name for name in get_available_benchmark_names() if name not in LEFT_OUT]
    for number, name in enumerate(names):
        circuit = circuit_of(name)
        older = number % 2 and name not in DYNAMIC
        source = qasm2.dumps(circuit) if older else qasm3.dumps(circuit)
        format_ = "openqasm2" if older else "openqasm3"
        found.append(Family(name=name, format=format_, source=source, direct=directly(circuit, simulator)))
    return found


def test_the_collection_has_enough_families_in_both_languages(families):
    assert len(families) >= 30
    assert min(sum(each.format == form for each in families) for form in ("openqasm2", "openqasm3")) >= 12


def test_the_comparison_would_see_keys_that_are_read_backwards(families):
    backwards = [same({key[::-1]: count for key, count in each.direct.items()}, each.direct) for each in families]
    assert sum(p <= LEAST_P for p in backwards) >= 10


def test_every_family_comes_back_as_the_direct_simulation_says(hub, families):
    with hub.client() as client, ThreadPoolExecutor(AT_ONCE) as pool:

        def sent(each):
            return client.submit(
                each.source, format=each.format, shots=SHOTS, seed=SEED, device="local/auto", name=each.name
            )["id"]

        ids = list(pool.map(sent, families))
        ended = wait_all(client, ids)
        failed = {
            each.name: ended[job]["error"]
            for each, job in zip(families, ids, strict=True)
            if ended[job]["state"] != "succeeded"
        }
        assert failed == {}
        counts = [result["counts"] for result in pool.map(client.result, ids)]
    assert all(sum(one.values()) == SHOTS for one in counts)
    likelihoods = {each.name: same(one, each.direct) for each, one in zip(families, counts, strict=True)}
    unlike = {name: p for name, p in likelihoods.items() if p <= LEAST_P}
    assert unlike == {}, json.dumps(likelihoods, indent=1)
