"""What does a warm child do with a list of gate jobs? Parse once, bind each point, run, count."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from backends.local import aer, exact, qsim
from backends.local.counting import Reading, reading_of
from backends.local.parse import Invalid, circuit_of

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_PROGRAMS = 2048
_DISTRIBUTIONS = 4096
_OUTCOMES_KEPT = 1 << 20
_WARM = (
    ("openqasm2", 'OPENQASM 2.0;include "qelib1.inc";qreg q[2];creg c[2];h q[0];cx q[0],q[1];measure q->c;'),
    ("openqasm3", 'OPENQASM 3.0;include "stdgates.inc";input angle t;qubit q;bit c;rx(t) q;c=measure q;'),
    ("openqasm3", 'OPENQASM 3.0;include "stdgates.inc";qubit q;bit[1] c;x q;c[0]=measure q;'),
)


@dataclass(slots=True)
class Compiled:
    """A parsed program with what is known about it."""

    circuit: QuantumCircuit
    reading: Reading | None
    distributions: dict[tuple[float, ...], exact.Distribution] = field(default_factory=dict)

    def bound(self, point: dict[str, float]) -> QuantumCircuit:
        """At one point; every free name must be bound."""
        free = {parameter.name: parameter for parameter in self.circuit.parameters}
        missing = sorted(free.keys() - point.keys())
        if missing:
            raise Invalid(f"no value for parameter {missing[0]}")
        if not free:
            return self.circuit
        return self.circuit.assign_parameters({free[name]: point[name] for name in free}, inplace=False)


_programs: OrderedDict[str, Compiled] = OrderedDict()
_distributions: OrderedDict[tuple[str, tuple[float, ...]], exact.Distribution] = OrderedDict()


def warm() -> None:
    """Pay for imports and first calls before the first job does."""
    for number, (format_name, source) in enumerate(_WARM):
        job = {"program": f"warm {number}", "points": [{"t": 0.5}], "shots": 1, "seed": 1, "threads": 1}
        programs = {f"warm {number}": {"format": format_name, "source": source}}
        for engine, method in (("exact", ""), ("aer", "statevector")):
            run({"programs": programs, "jobs": [{**job, "engine": engine, "method": method}]})


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Answers in the order of ``jobs``; one that fails is an ``error`` and leaves the others alone.

    A job: program, points, shots, seed or None, engine, method, threads. An answer: counts per point, seed, run_ms,
    note.
    """
    return {"jobs": [_answer(job, request["programs"]) for job in request["jobs"]], "software": versions()}


@cache
def versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in ("qiskit", "qiskit-aer", "qsimcirq", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _answer(job: dict[str, Any], programs: dict[str, dict[str, str]]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        compiled = _compiled(job["program"], programs)
        seed = job["seed"] if job["seed"] is not None else secrets.randbits(31)
        counts, note = _counts(job, compiled, seed)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a library finds wrong with one job stays with that job
        where = {name: getattr(error, name, None) for name in ("line", "column")}
        code = getattr(error, "code", "simulation_failed")
        return {"error": {"type": type(error).__name__, "message": str(error)[:2000], "code": code, **where}}
    return {"counts": counts, "seed": seed, "run_ms": (time.perf_counter() - started) * 1000, "note": note}


def _compiled(sha256: str, programs: dict[str, dict[str, str]]) -> Compiled:
    known = _programs.get(sha256)
    if known is None:
        circuit = circuit_of(**programs[sha256])
        known = _programs[sha256] = Compiled(circuit=circuit, reading=reading_of(circuit))
        while len(_programs) > _PROGRAMS:
            _programs.popitem(last=False)
    else:
        _programs.move_to_end(sha256)
    return known


def _counts(job: dict[str, Any], compiled: Compiled, seed: int) -> tuple[list[dict[str, int]], str]:
    """The note is empty unless another engine than the asked one had to do it."""
    shots, points, reading = job["shots"], job["points"], compiled.reading
    if reading is not None and job["engine"] == "exact":
        drawn = enumerate(_distribution(job["program"], compiled, reading, point) for point in points)
        return [found.sample(shots, seed + number) for number, found in drawn], ""
    if reading is not None and job["engine"] == "qsim":
        circuits = (compiled.bound(point) for point in points)
        return [
            qsim.counts_of(circuit, reading, shots=shots, seed=seed + number, threads=job["threads"])
            for number, circuit in enumerate(circuits)
        ], ""
    if not compiled.circuit.num_clbits and reading is None:
        raise Invalid("the program resets or branches but measures nothing")
    method = job["method"] if job["engine"] == "aer" else "statevector"
    circuits = [aer.measured(compiled.bound(point), reading) for point in points]
    counts = aer.counts_of(circuits, method=method, shots=shots, seed=seed, threads=job["threads"])
    return counts, "" if job["engine"] == "aer" else "aer/statevector: measurement is not only at the end"


def _distribution(
    sha256: str, compiled: Compiled, reading: Reading, point: dict[str, float]
) -> exact.Distribution:
    name = (sha256, tuple(point.values()))
    known = _distributions.get(name)
    if known is None:
        known = _distributions[name] = exact.distribution(compiled.bound(point), reading)
        kept = sum(len(one.outcomes) for one in _distributions.values()) if len(_distributions) % 256 == 0 else 0
        while len(_distributions) > _DISTRIBUTIONS or kept > _OUTCOMES_KEPT:
            kept -= len(_distributions.popitem(last=False)[1].outcomes)
    else:
        _distributions.move_to_end(name)
    return known
