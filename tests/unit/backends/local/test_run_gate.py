"""Do all engines sample the distribution that the circuit has?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from backends.local import run_gate
from tests.support.local_orders import rotations

SHOTS = 20_000
ENGINES = [("exact", ""), ("aer", "statevector"), ("aer", "matrix_product_state"), ("qsim", "")]


def answer(source, engine="exact", method="", *, form="openqasm2", points=({},), shots=SHOTS, seed=11):
    job = {"program": source, "points": list(points), "shots": shots, "seed": seed, "threads": 1}
    programs = {source: {"format": form, "source": source}}
    reply = run_gate.run({"programs": programs, "jobs": [{**job, "engine": engine, "method": method}]})
    return reply["jobs"][0]


def truth(source):
    """Probabilities by Qiskit's own reference, keys in our order."""
    from qiskit import qasm2
    from qiskit.quantum_info import Statevector

    circuit = qasm2.loads(source, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    state = Statevector(circuit.remove_final_measurements(inplace=False))
    return {key[::-1]: chance for key, chance in state.probabilities_dict().items()}


def p_value(counts, chances):
    """Of a chi-square test; outcomes expected less than 5 times are put together."""
    rare = [key for key in chances if chances[key] * SHOTS < 5]
    keys = [key for key in chances if key not in rare]
    observed = [counts.get(key, 0) for key in keys]
    expected = [chances[key] * SHOTS for key in keys]
    if rare:
        observed.append(SHOTS - sum(observed))
        expected.append(SHOTS - sum(expected))
    return chisquare(observed, np.array(expected) * sum(observed) / sum(expected)).pvalue


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("engine", "method"), ENGINES)
def test_counts_follow_the_distribution(engine, method, seed):
    source = rotations(5, 4, seed)
    assert p_value(answer(source, engine, method)["counts"][0], truth(source)) > 1e-4


CLIFFORD = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[3];
creg c[3];
rx(pi/2) q[0];
u3(pi/2,pi/2,pi) q[1];
rxx(pi/2) q[0],q[1];
swap q[1],q[2];
cu1(pi) q[0],q[2];
u2(0,pi) q[0];
measure q->c;
"""


def test_clifford_gates_with_angles_run_as_stabilizers():
    found = answer(CLIFFORD, "aer", "stabilizer")
    assert p_value(found["counts"][0], truth(CLIFFORD)) > 1e-4


def test_partial_and_crossed_measurement_lands_in_the_right_bits():
    source = (
        'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[4];\ncreg a[2];\ncreg b[3];\nx q[3];\nx q[1];\n'
        "measure q[3]->b[2];\nmeasure q[0]->a[0];\nmeasure q[1]->a[1];\n"
    )
    for engine, method in [*ENGINES, ("aer", "stabilizer")]:
        assert answer(source, engine, method)["counts"] == [{"01001": SHOTS}]


@pytest.mark.parametrize(
    "tail",
    ["reset q[0];\nmeasure q->c;", "measure q[0]->c[0];\nh q[0];", "measure q[0]->c[0];\nmeasure q[1]->c[0];"],
)
def test_what_is_no_plain_end_runs_on_aer_and_says_so(tail):
    source = f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nx q[0];\nx q[1];\n{tail}\n'
    found = answer(source, shots=50)
    assert found["note"] == "aer/statevector: measurement is not only at the end"
    assert found["counts"] == [{"01" if "reset" in tail else "10": 50}]


def test_a_point_without_a_value_is_a_fault_of_the_program():
    source = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float theta;\nqubit q;\nrx(theta) q;\n'
    assert answer(source, form="openqasm3")["error"]["message"] == "no value for parameter theta"
    both = answer(source, form="openqasm3", points=({"theta": 0.0}, {"theta": np.pi}), shots=9)
    assert both["counts"] == [{"0": 9}, {"1": 9}]


def test_one_bad_job_leaves_the_others_alone():
    good, bad = rotations(2, 1, 1), "OPENQASM 2.0;\nqreg q[1];\nnope q[0];\n"
    job = {"points": [{}], "shots": 5, "seed": None, "engine": "exact", "method": "", "threads": 1}
    programs = {name: {"format": "openqasm2", "source": name} for name in (good, bad)}
    reply = run_gate.run({"programs": programs, "jobs": [{**job, "program": name} for name in (good, bad, good)]})
    assert ["error" in one for one in reply["jobs"]] == [False, True, False]


def test_caches_stay_bounded(monkeypatch):
    monkeypatch.setattr(run_gate, "_PROGRAMS", 8)
    monkeypatch.setattr(run_gate, "_DISTRIBUTIONS", 8)
    for seed in range(30):
        answer(rotations(2, 1, seed), shots=3)
    assert len(run_gate._programs) <= 8
    assert len(run_gate._distributions) <= 8


MANY = "OPENQASM 2.0;\n{gate}qreg q[13];\ncreg c[13];\n{body}measure q -> c;\n"
INCLUDE = 'include "qelib1.inc";\n'


MEANINGS = [
    ("cx for csx", INCLUDE + "gate csx a,b { cx a,b; }\n", "x q[0];\ncsx q[0],q[1];\n", "11" + "0" * 11),
    ("x for csx", INCLUDE + "gate csx a,b { x a; }\n", "x q[0];\ncsx q[0],q[1];\n", "0" * 13),
    ("nothing for rx", "gate rx(t) q { U(0,0,0) q; }\n", "rx(pi) q[0];\n", "0" * 13),
    ("rx itself", INCLUDE, "rx(pi) q[0];\n", "1" + "0" * 12),
]


@pytest.mark.parametrize("order", [1, -1])
def test_a1_what_one_program_calls_a_gate_means_nothing_in_the_next(order):
    for name, gate, body, key in MEANINGS[::order]:
        found = answer(MANY.format(gate=gate, body=body), "aer", "stabilizer", shots=10)
        assert found.get("counts") == [{key: 10}], name
