"""What does a genuine simulator make of a sample program? Prints its counts as JSON, in a process of its own.

``python -W ignore -m tests.support.run_seed FILE [theta]``
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

SHOTS = 400


def gate(text: str, theta: str | None) -> dict[str, int]:
    """Keys in qiskit's order: classical bit 0 is the rightmost."""
    from qiskit import qasm2, qasm3, transpile
    from qiskit_aer import AerSimulator

    simulator = AerSimulator(seed_simulator=1)
    circuit = qasm2.loads(text) if "OPENQASM 2" in text else qasm3.loads(text)
    if theta is not None:
        circuit = circuit.assign_parameters({circuit.parameters[0]: float(theta)})
    wide = circuit.num_qubits > 30
    ready = circuit if wide else transpile(circuit, simulator)
    method = "stabilizer" if wide else "automatic"
    return simulator.run(ready, shots=SHOTS, method=method).result().get_counts()


def pulser(text: str) -> dict[str, int]:
    from pulser import Sequence
    from pulser_simulation import QutipEmulator

    return QutipEmulator.from_sequence(Sequence.from_abstract_repr(text)).run().sample_final_state(SHOTS)


def ahs(text: str) -> dict[str, int]:
    """1 = Rydberg: the atom is lost before the second picture."""
    from braket.analog_hamiltonian_simulator.rydberg.rydberg_simulator import RydbergAtomSimulator
    from braket.ir.ahs import Program

    answer = RydbergAtomSimulator().run(Program.parse_raw(text), shots=SHOTS, steps=200)
    return Counter("".join("01"[not seen] for seen in each.shotResult.postSequence) for each in answer.measurements)


def perceval(text: str) -> dict[str, int]:
    from perceval import BasicState, Processor
    from perceval.algorithm import Sampler
    from perceval.serialization import deserialize

    body = json.loads(text)
    processor = Processor("SLOS", deserialize(body["circuit"]))
    processor.min_detected_photons_filter(body["min_detected_photons"])
    processor.with_input(BasicState(body["input_state"]))
    return {str(state): count for state, count in Sampler(processor).sample_count(SHOTS)["results"].items()}


def main(path: Path, theta: str | None = None) -> None:
    text = path.read_text()
    ways = {".pulser": pulser, ".ahs": ahs, ".perceval": perceval}
    way = ways.get(Path(path.stem).suffix)
    print(json.dumps(gate(text, theta) if way is None else way(text)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
