"""Do the programs that once ran as another one, or were admitted and failed, give what they say on every engine?"""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect
from tests.unit.backends.braket.test_translate import measured, spoken
from tests.unit.backends.local.test_run_gate import answer

FAULTS = Path(__file__).with_name("faults")
POINTS = {
    "function-of-parameter": {"a": 0.5235987755982988},
    "input-int": {"k": 3},
    "parameter-t": {"t": 3.141592653589793},
}
# The counts key of every shot, by kind: k01 one program's gates in another's answer, k02 a gate named like an engine's,
# k03 pragmas, k04 integers, k08 names of OpenQASM 2, k09 admitted and then failed, k10 nothing measured,
# k11 comments, k12 names of Braket's gates, k13 loops on Braket. The order within k01 is what shows the fault.
RIGHT = {
    "k01-rx-1-first.qasm": "0000000000000",
    "k01-rx-2-then.qasm": "1000000000000",
    "k01-u2-1-first.qasm": "0000000000000",
    "k01-own-csx-1-first.qasm": "1100000000000",
    "k01-own-csx-2-then.qasm": "0000000000000",
    "k02-rzz-dynamic.qasm3": "10",
    "k02-ecr-13-qubits.qasm": "1000000000000",
    "k02-id.qasm3": "1",
    "k02-r-one-angle-dynamic.qasm3": "10",
    "k02-initialize-dynamic.qasm3": "10",
    "k02-rzz-quandela.qasm": "10",
    "k03-unitary-one.qasm3": "10",
    "k03-unitary-two-default-route.qasm3": "10",
    "k03-unitary-quandela.qasm3": "10",
    "k04-reverse-register.qasm3": "00001",
    "k04-middle-qubit.qasm3": "010",
    "k04-size-contradiction.qasm3": "000010",
    "k04-unsigned-wraps.qasm3": "10",
    "k08-output.qasm": "1",
    "k08-in.qasm": "1",
    "k08-angle.qasm": "1",
    "k08-opaque-delay.qasm": "1",
    "k09-alias-in-loop.qasm3": "0101",
    "k09-bit-in-loop.qasm3": "10",
    "k09-alias-one-qubit.qasm3": "01",
    "k09-bit-initial-value.qasm3": "010",
    "k09-function-of-parameter.qasm3": "1",
    "k09-input-int.qasm3": "1",
    "k09-measure-unassigned-middle.qasm3": "0",
    "k09-classical-assignment.qasm3": "11",
    "k09-power-of-own-clifford-gate-13.qasm3": "1000000000000",
    "k09-pow-function.qasm3": "1",
    "k10-reset-and-creg.qasm": "10",
    "k10-if-and-creg.qasm": "10",
    "k10-aer-13-qubits.qasm": "1000000000000",
    "k10-only-conditional-measure.qasm": "1",
    "k11-line-comment.qasm3": "1",
    "k11-openqasm2.qasm": "1",
    "k11-braket-dialect.qasm3": "11",
    "k12-parameter-t.qasm3": "1",
    "k12-register-s.qasm3": "010",
    "k13-for-index.qasm3": "111",
    "k13-int-variable.qasm3": "010",
    "k13-two-bits-on-one-line.qasm3": "10",
}
SHARES = {
    "k01-u2-2-then.qasm": {"0000000000000": 0.5, "1000000000000": 0.5},
    "k02-ryy-constant-body-dynamic.qasm": {"00": 0.9605, "11": 0.0395},
}


def read(name):
    form = Format.OPENQASM3 if name.endswith("3") else Format.OPENQASM2
    source = (FAULTS / name).read_text()
    point = POINTS.get(name.partition("-")[2].partition(".")[0], {})
    return form, source, point, inspect(Program.of(form, source))


def engines(need):
    yield from (("exact", ""), ("aer", "statevector"), ("aer", "matrix_product_state"))
    if not need.dynamic:
        yield "qsim", ""
    if need.clifford:
        yield "aer", "stabilizer"


@pytest.mark.parametrize("name", RIGHT)
def test_every_local_engine_gives_what_the_program_says(name):
    form, source, point, need = read(name)
    for engine, method in engines(need):
        reply = answer(source, engine, method, form=form.value, points=[point], shots=50)
        assert reply.get("counts") == [{RIGHT[name]: 50}], (engine, method, reply)
    assert need.bits == len(RIGHT[name])


@pytest.mark.parametrize("name", SHARES)
def test_every_local_engine_gives_the_shares_that_the_program_says(name):
    form, source, point, need = read(name)
    for engine, method in engines(need):
        (counts,) = answer(source, engine, method, form=form.value, points=[point], shots=20_000)["counts"]
        assert counts.keys() == SHARES[name].keys()
        assert all(abs(counts[key] / 20_000 - share) < 0.015 for key, share in SHARES[name].items())


@pytest.mark.parametrize("name", RIGHT)
def test_what_braket_may_get_means_the_same_there(name):
    form, source, point, need = read(name)
    if need.dynamic or point:
        return
    said = spoken(source, form=form.value, bits=0 if need.implicit_measurement else need.bits)
    order, outcome = measured(said["source"])
    found = dict(zip(order, outcome, strict=True))
    key = "".join("0" if qubit is None else found[qubit] for qubit in said["bits"])
    assert key == RIGHT[name]


def test_a_result_that_shots_cannot_tell_is_refused_at_admission():
    with pytest.raises(ProgramInvalid, match="cannot be had with shots") as caught:
        read("k03-state-vector.qasm3")
    assert (caught.value.line, caught.value.column) == (4, 1)


def test_a_result_that_only_some_devices_tell_is_asked_of_those():
    *_, need = read("k03-expectation-x.qasm3")
    assert need.result_types == ("expectation",)
