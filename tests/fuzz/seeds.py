"""From which programs does the fuzz start? Real ones: the seeds of the project, MQT Bench, and the tests' own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import guess, inspect
from tests.support import local_orders, quandela_programs
from tests.support.hostile import documents
from tests.support.hostile.corpus import ADMITTED, corpus

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LONGEST = 20_000
MOST_OPERATIONS = 300
_BENCHES = ("ghz", "qft", "wstate", "graphstate", "dj", "bv", "qaoa", "vqe_real_amp", "ae", "qpeexact")
_QUBITS = 4


def seeds() -> dict[Format, list[str]]:
    """Admitted programs of every format, always in the same order."""
    found: dict[Format, list[str]] = {form: [] for form in Format}
    for form, source in _all():
        if len(source) <= LONGEST and source not in found[form] and _admitted(form, source):
            found[form].append(source)
    return found


def _all() -> Iterator[tuple[Format, str]]:
    for path in sorted((ROOT / "seeds" / "programs").iterdir()):
        if not path.name.endswith(".points.json"):
            source = path.read_text(encoding="utf-8")
            yield guess(source, path.name), source
    for source in (local_orders.BELL, local_orders.ASYMMETRIC2, local_orders.rotations(3, 2, 1), local_orders.ghz(4)):
        yield Format.OPENQASM2, source
    for source in (local_orders.ASYMMETRIC3, local_orders.SWEEP):
        yield Format.OPENQASM3, source
    yield Format.AHS, local_orders.atoms((1, 1, 0))
    yield Format.AHS, local_orders.atoms((1, 1), local=[0.0, 1.0])
    yield Format.PULSER, json.dumps(documents.pulser())
    for circuit in (quandela_programs.BEAM_SPLITTER, quandela_programs.INTERFEROMETER):
        yield Format.PERCEVAL, quandela_programs.source(circuit)
    for hostile in corpus():
        if hostile.expectation == ADMITTED:
            yield hostile.format, hostile.source
    yield from _benches()
    yield from _photonic()
    yield from _atoms()


def _admitted(form: Format, source: str) -> bool:
    try:
        return inspect(Program.of(form, source)).operations <= MOST_OPERATIONS
    except ProgramInvalid:
        return False


def _benches() -> Iterator[tuple[Format, str]]:
    from mqt.bench import BenchmarkLevel, get_benchmark
    from qiskit import qasm2, qasm3

    for name in _BENCHES:
        circuit = get_benchmark(benchmark=name, level=BenchmarkLevel.INDEP, circuit_size=_QUBITS)
        circuit = circuit.decompose(reps=3)
        yield Format.OPENQASM2, qasm2.dumps(circuit)
        yield Format.OPENQASM3, qasm3.dumps(circuit)


def _photonic() -> Iterator[tuple[Format, str]]:
    """With all that an experiment can hold: expressions, heralds, detectors, ports, noise, post-selection."""
    import perceval as pcvl
    from perceval.serialization import serialize

    named, other = pcvl.P("theta"), pcvl.P("b")
    circuit = pcvl.Circuit(3, name="three modes")
    circuit.add(0, pcvl.BS(theta=pcvl.Expression("2*theta + sin(b)/3", {named, other})))
    circuit.add(1, pcvl.BS.H()).add(2, pcvl.PS(other)).add(0, pcvl.PERM([1, 0])).add(
        0, pcvl.Unitary(pcvl.Matrix.eye(2))
    )
    yield Format.PERCEVAL, quandela_programs.source(serialize(circuit), "|1,1,0>")
    experiment = pcvl.Experiment(3, noise=pcvl.NoiseModel(brightness=0.5), name="an experiment")
    experiment.add(0, circuit).add_herald(2, 0, "h").add_port(0, pcvl.Port(pcvl.Encoding.DUAL_RAIL, "data"))
    experiment.add(0, pcvl.Detector.threshold()).set_postselection(pcvl.PostSelect("[0]==1"))
    experiment.with_input(pcvl.BasicState([1, 0]))
    document = {"command": "probs", "experiment": serialize(experiment)}
    yield Format.PERCEVAL, json.dumps(document)
    for name in ("postprocessed cnot", "heralded cnot", "heralded cz"):
        gate = pcvl.catalog[name].build_experiment()
        gate.with_input(pcvl.BasicState([1, 0, 1, 0]))
        yield Format.PERCEVAL, json.dumps({"command": "sample_count", "experiment": serialize(gate)})


def _atoms() -> Iterator[tuple[Format, str]]:
    from tests.support import pasqal_programs

    for sequence in (pasqal_programs.chain(2), pasqal_programs.asymmetric(), pasqal_programs.random_sequence(1)):
        yield Format.PULSER, sequence.to_abstract_repr()
