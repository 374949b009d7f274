"""What does a warm child do with a list of gate jobs? Parse once, bind each point, run, count."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from backends.local import aer, exact, qsim
from backends.local.answering import Counted, answers
from backends.openqasm.parse import Circuit, PointNeeded, circuit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.openqasm.counting import Reading

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


_Values = tuple[tuple[str, float], ...]
_Program = tuple[str, str, _Values | None]
"""Format, hash, and the point where its values decide about more than angles."""

# None: the program is another one at each point.
_programs: OrderedDict[_Program, Circuit | None] = OrderedDict()
_distributions: OrderedDict[tuple[str, str, _Values], exact.Distribution] = OrderedDict()
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
    shots, points = job["shots"], job["points"]
    circuits = [_circuit(job["program"], program, point) for point in points]
    asked = job["engine"]
    if asked in {"exact", "qsim"}:
        plain = [(circuit, circuit.reading) for circuit in circuits if circuit.reading is not None]
        if len(plain) == len(circuits):
            each = list(zip(plain, points, range(seed, seed + len(points)), strict=True))
            if asked == "exact":
                return [_exact(job["program"], program, *one, shots) for one in each], "", []
            return (
                [
                    qsim.counts_of(circuit.bound(point), reading, shots=shots, seed=each_seed, threads=job["threads"])
                    for (circuit, reading), point, each_seed in each
                ],
                "",
                [],
            )
    method = job["method"] if asked == "aer" else "statevector"
    runs = [aer.Run(circuit, circuit.bound(point)) for circuit, point in zip(circuits, points, strict=True)]
    counts = aer.counts_of(runs, method=method, shots=shots, seed=seed, threads=job["threads"])
    return counts, "" if asked == "aer" else "aer/statevector: measurement is not only at the end", []


def _circuit(sha256: str, program: Mapping[str, str], point: Mapping[str, float]) -> Circuit:
    form, source = program["format"], program["source"]
    name: _Program = (form, sha256, None)
    if name not in _programs:
        try:
            _keep(name, circuit_of(form, source))
        except PointNeeded:
            _keep(name, None)
    _programs.move_to_end(name)
    circuit = _programs[name]
    if circuit is not None:
        return circuit
    name = (form, sha256, _values(point))
    circuit = _programs.get(name)
    if circuit is None:
        circuit = circuit_of(form, source, point)
        _keep(name, circuit)
    return circuit


def _keep(name: _Program, circuit: Circuit | None) -> None:
    _programs[name] = circuit
    _kept["operations"] += _size(circuit)
    while len(_programs) > _PROGRAMS or (_kept["operations"] > _OPERATIONS_KEPT and len(_programs) > 1):
        _kept["operations"] -= _size(_programs.popitem(last=False)[1])


def _size(circuit: Circuit | None) -> int:
    return 0 if circuit is None else len(circuit.plain.data)


def _values(point: Mapping[str, float]) -> _Values:
    return tuple(sorted(point.items()))


def _exact(
    sha256: str,
    program: Mapping[str, str],
    plain: tuple[Circuit, Reading],
    point: Mapping[str, float],
    seed: int,
    shots: int,
) -> dict[str, int]:
    name = (program["format"], sha256, _values(point))
    known = _distributions.get(name)
    if known is None:
        circuit, reading = plain
        known = _distributions[name] = exact.distribution(circuit.bound(point), reading)
        _kept["outcomes"] += len(known.outcomes)
        while len(_distributions) > _DISTRIBUTIONS or (_kept["outcomes"] > _OUTCOMES_KEPT and len(_distributions) > 1):
            _kept["outcomes"] -= len(_distributions.popitem(last=False)[1].outcomes)
    _distributions.move_to_end(name)
    return known.sample(shots, seed)
