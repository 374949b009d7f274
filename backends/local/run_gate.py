"""What does a warm child do with a list of gate jobs? Parse once, bind each point, run, count."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.invalid import Invalid
from backends.local import aer, exact, qsim
from backends.local.answering import Counted, answers
from backends.openqasm.counting import Reading, reading_of
from backends.openqasm.parse import circuit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qiskit import QuantumCircuit

_PROGRAMS = 2048
_OPERATIONS_KEPT = 1 << 20
_DISTRIBUTIONS = 4096
_OUTCOMES_KEPT = 1 << 20
_PACKAGES = ("qiskit", "qiskit-aer", "qsimcirq", "numpy")
_WARM = (
    ("openqasm2", 'OPENQASM 2.0;include "qelib1.inc";qreg q[2];creg c[2];h q[0];cx q[0],q[1];measure q->c;'),
    ("openqasm3", 'OPENQASM 3.0;include "stdgates.inc";input angle t;qubit q;bit c;rx(t) q;c=measure q;'),
    ("openqasm3", "OPENQASM 3.0;qubit[2] q;bit[2] c;cnot q[0],q[1];c=measure q;"),
)


@dataclass(slots=True)
class Compiled:
    """A parsed program with what is known about it."""

    circuit: QuantumCircuit
    reading: Reading | None

    def bound(self, point: Mapping[str, float]) -> QuantumCircuit:
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
_kept = {"operations": 0, "outcomes": 0}


def warm() -> None:
    """Pay for imports and first calls before the first job does."""
    for number, (format_name, source) in enumerate(_WARM):
        name = f"warm {number}"
        job = {"program": name, "points": [{"t": 0.5}], "shots": 1, "seed": 1, "threads": 1}
        programs = {name: {"format": format_name, "source": source}}
        for engine in ("exact", "aer"):
            run({"programs": programs, "jobs": [{**job, "engine": engine, "method": "statevector"}]})
    aer.end_threads()
    if qsim.available():
        qsim.core()


def run(request: dict[str, Any]) -> dict[str, Any]:
    """A job: program (its hash), points, shots, seed or None, engine, method, threads."""
    return answers(request, _counted, _PACKAGES)


def _counted(job: Mapping[str, Any], program: Mapping[str, str], seed: int) -> Counted:
    """The note is empty unless another engine than the asked one had to do it."""
    compiled = _compiled(job["program"], program)
    shots, points, reading = job["shots"], job["points"], compiled.reading
    if reading is not None and job["engine"] == "exact":
        drawn = (_distribution(job["program"], compiled, reading, point) for point in points)
        return [found.sample(shots, seed + number) for number, found in enumerate(drawn)], "", []
    if reading is not None and job["engine"] == "qsim":
        bound = enumerate(compiled.bound(point) for point in points)
        threads = job["threads"]
        return (
            [qsim.counts_of(one, reading, shots=shots, seed=seed + number, threads=threads) for number, one in bound],
            "",
            [],
        )
    return _on_aer(job, compiled, seed)


def _on_aer(job: Mapping[str, Any], compiled: Compiled, seed: int) -> Counted:
    if not compiled.circuit.num_clbits and compiled.reading is None:
        raise Invalid("the program resets or branches but measures nothing")
    asked = job["engine"] == "aer"
    method = job["method"] if asked else "statevector"
    circuits = [aer.measured(compiled.bound(point), compiled.reading) for point in job["points"]]
    counts = aer.counts_of(circuits, method=method, shots=job["shots"], seed=seed, threads=job["threads"])
    return counts, "" if asked else "aer/statevector: measurement is not only at the end", []


def _compiled(sha256: str, program: Mapping[str, str]) -> Compiled:
    known = _programs.get(sha256)
    if known is not None:
        _programs.move_to_end(sha256)
        return known
    circuit = circuit_of(program["format"], program["source"])
    known = _programs[sha256] = Compiled(circuit=circuit, reading=reading_of(circuit))
    _kept["operations"] += len(circuit.data)
    while len(_programs) > _PROGRAMS or (_kept["operations"] > _OPERATIONS_KEPT and len(_programs) > 1):
        _kept["operations"] -= len(_programs.popitem(last=False)[1].circuit.data)
    return known


def _distribution(sha256: str, compiled: Compiled, reading: Reading, point: Mapping[str, float]) -> exact.Distribution:
    name = (sha256, tuple(point[key] for key in sorted(point)))
    known = _distributions.get(name)
    if known is not None:
        _distributions.move_to_end(name)
        return known
    known = _distributions[name] = exact.distribution(compiled.bound(point), reading)
    _kept["outcomes"] += len(known.outcomes)
    while len(_distributions) > _DISTRIBUTIONS or (_kept["outcomes"] > _OUTCOMES_KEPT and len(_distributions) > 1):
        _kept["outcomes"] -= len(_distributions.popitem(last=False)[1].outcomes)
    return known
