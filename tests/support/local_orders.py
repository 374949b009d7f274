"""Orders for local devices, with the requirement that intake itself finds."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace

from backends.base import Order
from broker.domain.ids import JobId, ProjectId, attempt_id, token_of
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect

JOB = JobId("01900000-0000-7000-8000-000000000001")
_numbers = itertools.count(1)

BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q->c;\n'
ASYMMETRIC2 = (
    'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg a[1];\ncreg b[2];\nx q[0];\n'
    "measure q[0]->a[0];\nmeasure q[1]->b[0];\nmeasure q[2]->b[1];\n"
)
ASYMMETRIC3 = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[1] a;\nbit[2] b;\nx q[0];\n'
    "a[0] = measure q[0];\nb[0] = measure q[1];\nb[1] = measure q[2];\n"
)
SWEEP = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float theta;\nqubit q;\nbit[1] c;\nrx(theta) q;\nc[0] = measure q;\n'
)


class Orders:
    """Builds orders for the devices of one backend."""

    def __init__(self, devices):
        self.devices = devices

    def __call__(self, source, device="local/auto", *, shots=200, points=({},), seed=1, form=None, **options):
        form = form or (Format.OPENQASM3 if "OPENQASM 3" in source else Format.OPENQASM2)
        program = Program.of(form, source)
        attempt = attempt_id(JOB, next(_numbers))
        return Order(
            job=JOB,
            project=ProjectId("01900000-0000-7000-8000-00000000000a"),
            attempt=attempt,
            token=token_of(attempt),
            device=self.devices[device],
            program=program,
            requirement=replace(inspect(program), shots=shots, points=len(points)),
            shots=shots,
            points=tuple(points),
            seed=seed,
            options=options,
        )


def run(backend, order, timeout_s=60):
    """The outcome of one order."""
    remote_id = backend.submit(order)
    backend.wait([remote_id], timeout_s)
    return backend.fetch(remote_id)


def rotations(qubits, layers, seed, *, end="measure q->c;"):
    """A dense circuit of random one-qubit gates and a brickwork of controlled gates."""
    draw = random.Random(seed)
    lines = []
    for layer in range(layers):
        for qubit in range(qubits):
            angles = ",".join(f"{draw.uniform(0, 3):.4f}" for _ in range(3))
            lines.append(f"u3({angles}) q[{qubit}];")
        lines += [f"cx q[{qubit}],q[{qubit + 1}];" for qubit in range(layer % 2, qubits - 1, 2)]
    head = f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[{qubits}];\ncreg c[{qubits}];\n'
    return head + "\n".join([*lines, end]) + "\n"


def ghz(qubits):
    """Clifford, over all qubits."""
    gates = ["h q[0];", *(f"cx q[{place}],q[{place + 1}];" for place in range(qubits - 1))]
    head = f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[{qubits}];\ncreg c[{qubits}];\n'
    return head + "\n".join([*gates, "measure q->c;"]) + "\n"


def atoms(filling=(1, 1), *, local=None, rabi=7.853981e6):
    """An AHS program: a half turn (by default) of all atoms, too far apart to see each other."""
    times = [0, 1e-7, 4e-7, 5e-7]

    def series(values):
        return {"time_series": {"times": times, "values": values}, "pattern": "uniform"}

    drive = {"amplitude": series([0, rabi, rabi, 0]), "phase": series([0] * 4), "detuning": series([0] * 4)}
    hamiltonian = {"drivingFields": [drive], "localDetuning": []}
    if local is not None:
        field = {"time_series": {"times": times, "values": [0, 2e7, 2e7, 0]}, "pattern": local}
        hamiltonian["localDetuning"] = [{"magnitude": field}]
    sites = [[place * 3e-5, 0] for place in range(len(filling))]
    register = {"sites": sites, "filling": list(filling)}
    header = {"name": "braket.ir.ahs.program", "version": "1"}
    program = {"braketSchemaHeader": header, "setup": {"ahs_register": register}, "hamiltonian": hamiltonian}
    return json.dumps(program)
