"""Do small gate circuits give on Quandela's route the counts that a gate simulator gives?"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from scipy.stats import chisquare

from backends.base import Phase
from backends.errors import Refused
from backends.quandela.adapter import backend
from backends.quandela.sandbox.serve import ServedSandbox
from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect
from tests.contract.promises import ended
from tests.support import quandela_programs as programs

SHOTS = 2000
HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


@pytest.fixture(scope="module")
def quandela(tmp_path_factory):
    served = ServedSandbox(tmp_path_factory.mktemp("quandela"))
    environ = {"QSUBMIT_QUANDELA_SANDBOX_URL": served.url}
    adapter = backend(data=tmp_path_factory.mktemp("adapter"), environ=environ)
    yield adapter
    adapter.close()
    served.close()


def order(text, form=Format.OPENQASM2, **changes):
    """The text as a gate order on the small gate device."""
    plain = programs.order(on=programs.gate_device(), shots=SHOTS)
    program = Program.of(form, text)
    try:
        need = inspect(program)
    except ProgramInvalid:  # intake would stop it: the adapter has to refuse it by itself
        need = plain.requirement
    return replace(plain, program=program, requirement=need, **changes)


def counts_of(adapter, text, **changes):
    remote_id = adapter.submit(order(text, **changes))
    look = ended(adapter, remote_id)
    assert look.phase is Phase.DONE, look
    (point,) = adapter.fetch(remote_id).points
    return dict(point.counts)


def chances_of(text):
    """By Qiskit's state vector; key[i] is qubit i, as every qubit is measured into the bit of its number."""
    from qiskit import qasm2
    from qiskit.quantum_info import Statevector

    circuit = qasm2.loads(text)
    circuit.remove_final_measurements()
    found = Statevector(circuit).probabilities_dict()
    return {key[::-1]: chance for key, chance in found.items() if chance > 1e-9}


def random_circuit(seed):
    dice = random.Random(seed)
    qubits = dice.choice((2, 3))
    lines = [HEAD, f"qreg q[{qubits}];\ncreg c[{qubits}];\n"]
    for _ in range(3):
        for qubit in range(qubits):
            angles = ", ".join(f"{dice.uniform(0, 6.28):.3f}" for _ in range(3))
            lines.append(f"u3({angles}) q[{qubit}];\n")
        control, target = dice.sample(range(qubits), 2)
        lines.append(f"cx q[{control}], q[{target}];\n")
    return "".join(lines) + "measure q -> c;\n"


@pytest.mark.parametrize("seed", range(6))
def test_a_random_circuit_agrees_with_simulation(quandela, seed):
    text = random_circuit(seed)
    chances, counts = chances_of(text), counts_of(quandela, text)
    assert sum(counts.values()) == SHOTS
    assert set(counts) <= set(chances)
    often = [key for key, chance in chances.items() if chance * SHOTS >= 5]
    meant = [chances[key] for key in often]
    seen = [counts.get(key, 0) for key in often]
    expected = [chance / sum(meant) * sum(seen) for chance in meant]
    assert chisquare(seen, expected).pvalue > 1e-6


def test_a_bit_that_is_not_written_stays_nought_and_an_unread_qubit_is_left_out(quandela):
    text = HEAD + "qreg q[3];\ncreg c[4];\nx q[0];\nx q[1];\nmeasure q[1] -> c[3];\nmeasure q[2] -> c[0];\n"
    assert counts_of(quandela, text) == {"0001": SHOTS}


def test_without_measurement_every_qubit_is_read(quandela):
    assert counts_of(quandela, HEAD + "qreg q[2];\nx q[1];\n") == {"01": SHOTS}


def test_a_parameter_is_bound(quandela):
    text = (
        'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float theta;\nqubit q;\nbit c;\nrx(theta) q;\nc = measure q;\n'
    )
    counts = counts_of(quandela, text, form=Format.OPENQASM3, points=({"theta": 3.141592653589793},))
    assert counts == {"1": SHOTS}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (HEAD + "qreg q[5];\nh q[0];\n", "limit_exceeded"),
        (HEAD + "qreg q[2];\nh q[0];\n" + "cx q[0],q[1];\nh q[0];\nh q[1];\n" * 8, "limit_exceeded"),
        (HEAD + "qreg q[1];\ncreg c[2];\nmeasure q[0] -> c[0];\nh q[0];\nmeasure q[0] -> c[1];\n", "program_invalid"),
        (HEAD + "qreg q[1];\nreset q[0];\n", "program_invalid"),
        (HEAD + "qreg q[2];\nnonsense q[0];\n", "program_invalid"),
    ],
    ids=["too wide", "too many photons", "twice", "reset", "unknown gate"],
)
def test_what_cannot_become_photonic_is_refused_with_a_reason(quandela, text, code):
    with pytest.raises(Refused) as caught:
        quandela.submit(order(text))
    assert caught.value.code == code
    assert str(caught.value)


def test_an_error_in_the_text_is_located(quandela):
    with pytest.raises(Refused) as caught:
        quandela.submit(order(HEAD + "qreg q[1];\nnonsense q[0];\n"))
    assert caught.value.line == 4
