"""How much faster is the chosen engine than the obvious one? Paired runs, medians; the ratio is baseline over ours."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from backends.local.adapter import LocalBackend
from tests.support.local_orders import BELL, Orders, rotations, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row = tuple[str, float, float, float, float]

_SMALL = 6000
_SMALL_PER_S = 3000


def rows() -> list[Row]:
    """(what, baseline seconds, our seconds, ratio, the least ratio that is good enough), about two minutes of work."""
    with tempfile.TemporaryDirectory() as folder:
        backend = LocalBackend(data=Path(folder), environ=os.environ, max_run_s=120.0, idle_s=5.0, memory_bytes=0)
        orders = Orders({device.name: device for device in backend.devices()})
        try:
            return list(_measured(backend, orders))
        finally:
            backend.close()


def _measured(backend: LocalBackend, orders: Orders) -> Iterator[Row]:
    def through(device: str) -> Callable[[str], None]:
        return lambda source: _check(run(backend, orders(source, device, shots=1000), 120))

    for device in ("local/auto", "local/aer", "local/qsim"):
        through(device)(rotations(14, 4, 1))
    aer, auto = through("local/aer"), through("local/auto")
    yield _paired("shallow, 25 qubits: Aer statevector / auto", 10.0, aer, auto, _circuits(25, 4, 3))
    yield _paired("dense, 20 qubits: Aer statevector / auto", 4.0, aer, auto, _circuits(20, 24, 5))
    yield _paired("dense, 23 qubits: Aer statevector / auto", 4.0, aer, auto, _circuits(23, 24, 3))
    direct = "20 qubits: warm Aer here / the same through the host"
    yield _paired(direct, 1 / 1.3, _aer_directly, aer, _circuits(20, 24, 5))
    yield _paired("4 qubits: transpile + run / ours, both in-process", 30.0, _transpiled, _ours, _circuits(4, 4, 15))
    yield _throughput("one small program", backend, [orders(BELL, seed=seed) for seed in range(_SMALL)])
    programs = [rotations(2, 2, seed) for seed in range(_SMALL)]
    yield _throughput("all different", backend, [orders(source, shots=100) for source in programs])


def _circuits(qubits: int, layers: int, number: int) -> list[str]:
    return [rotations(qubits, layers, seed) for seed in range(100, 100 + number)]


def _paired(
    name: str, goal: float, baseline: Callable[[str], None], ours: Callable[[str], None], work: list[str]
) -> Row:
    """One after the other on each circuit, so that a busy minute slows both."""
    pairs = [(_timed(baseline, source), _timed(ours, source)) for source in work]
    first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
    return name, first, second, statistics.median(one / other for one, other in pairs), goal


def _timed(what: Callable[[str], None], source: str) -> float:
    started = time.perf_counter()
    what(source)
    return time.perf_counter() - started


def _throughput(name: str, backend: LocalBackend, work: list) -> Row:
    """The baseline is the time that the goal of 3,000 jobs a second allows."""
    spent = []
    for _ in range(3):
        started = time.perf_counter()
        ids = backend.submit_many(work)
        backend.wait(ids, 120, need=len(ids))
        for outcome in backend.fetch_many(ids):
            _check(outcome)
        spent.append(time.perf_counter() - started)
        if name == "all different":
            break  # the second time they would not be new
    ours = statistics.median(spent)
    allowed = len(work) / _SMALL_PER_S
    return f"{len(work)} small jobs, {name}: 3,000/s / ours", allowed, ours, allowed / ours, 1.0


def _check(outcome) -> None:
    assert sum(outcome.points[0].counts.values())


def _aer_directly(source: str) -> None:
    from qiskit import qasm2
    from qiskit_aer import AerSimulator

    circuit = qasm2.loads(source, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    _warm.setdefault("aer", AerSimulator(method="statevector")).run(circuit, shots=1000).result().get_counts()


def _transpiled(source: str) -> None:
    from qiskit import qasm2, transpile
    from qiskit_aer import AerSimulator

    circuit = qasm2.loads(source, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    simulator = AerSimulator()
    simulator.run(transpile(circuit, backend=simulator), shots=1000).result().get_counts()


def _ours(source: str) -> None:
    from backends.local import run_gate

    if "ours" not in _warm:
        run_gate.warm()
        _warm["ours"] = True
    job = {"program": source, "points": [{}], "shots": 1000, "seed": 1, "engine": "exact", "method": "", "threads": 1}
    reply = run_gate.run({"programs": {source: {"format": "openqasm2", "source": source}}, "jobs": [job]})
    assert sum(reply["jobs"][0]["counts"][0].values()) == 1000


_warm: dict = {}

if __name__ == "__main__":
    for row in rows():
        name, baseline, ours, ratio, goal = row
        print(f"{name:58} {baseline:9.4f} s {ours:9.4f} s  ×{ratio:7.2f}  (goal {goal:.2f})", flush=True)
