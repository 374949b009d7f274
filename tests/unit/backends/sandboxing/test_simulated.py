"""Is a sandbox's task all that a lying simulation can spoil, and is the bill never the child's word alone?"""

from __future__ import annotations

import json

import pytest

from backends.braket.sandbox.serve import BraketSandbox
from backends.child import ChildError, ChildKilled
from backends.pasqal.sandbox.machines import Machines
from backends.quandela.sandbox.serve import Sandbox
from backends.sandboxing.runner import RunFailed
from backends.sandboxing.tasks import Task


def says(answer):
    def call(request, **_):
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


FAILURES = [
    ChildError(kind="x", message="\x00no", where={}, tail=""),
    ChildKilled("crash"),
    {},
    [],
    {"result": "{}", "run_ms": 1, "arn": "another"},
]
BRAKET = [
    {"result": 7, "run_ms": 1},
    {"result": "[]", "run_ms": 1},
    {"result": "[" * 10**5, "run_ms": 1},
    {"result": "{}", "run_ms": 10**9},
    {"result": "{}", "run_ms": -1},
    {"result": "{}", "run_ms": "1"},
]
QUANDELA = [
    {"results": "{}", "shots": 101, "run_ms": 1},
    {"results": "{}", "shots": True, "run_ms": 1},
    {"results": "{}", "shots": 1, "run_ms": 10**9},
    {"results": None, "shots": 1, "run_ms": 1},
]
PASQAL = [
    {"counter": {"00": 101}, "serialised_results": ""},
    {"counter": {"00": "1"}, "serialised_results": ""},
    {"counter": {"0": 1, "00": 1}, "serialised_results": ""},
    {"counter": 7, "serialised_results": ""},
]


@pytest.fixture
def braket(tmp_path):
    made = BraketSandbox(tmp_path)
    yield made
    made.close()


@pytest.fixture
def quandela(tmp_path):
    made = Sandbox(tmp_path)
    yield made
    made.close()


@pytest.fixture
def machines(tmp_path):
    made = Machines(tmp_path)
    yield made
    made.close()


def task(device, request):
    return Task(id="t", device=device, token="qsub-1", shots=100, request=request, notes={"max_duration": 9})


@pytest.mark.parametrize("answer", [*FAILURES, *BRAKET])
def test_a3_a_lie_of_braket_s_simulator_fails_its_own_task(braket, monkeypatch, answer):
    monkeypatch.setattr(braket._children, "call", says(answer))
    with pytest.raises(RunFailed) as caught:
        braket._run(task("arn:aws:braket:::device/quantum-simulator/amazon/sv1", {"action": "{}", "shots": 100}))
    assert "\x00" not in str(caught.value)


@pytest.mark.parametrize("answer", [*FAILURES, *QUANDELA])
def test_a3_a_lie_of_quandela_s_simulator_fails_its_own_task(quandela, monkeypatch, answer):
    monkeypatch.setattr(quandela._children, "call", says(answer))
    with pytest.raises(RunFailed):
        quandela._run(task("sim:slos", {"max_shots": 100}))


@pytest.mark.parametrize("answer", [*FAILURES, *PASQAL])
def test_a3_a_lie_of_pasqal_s_simulator_fails_its_own_task(machines, monkeypatch, answer):
    monkeypatch.setattr(machines._pool, "call", says(answer))
    asked = {"sequence": "{}", "variables": None, "runs": 100}

    class Row:
        configuration = None

    with pytest.raises(RunFailed):
        machines.run(task("EMU_FREE", asked), lambda family: Row())


@pytest.mark.parametrize("answer", [{}, {"FRESNEL": "x"}, {"FRESNEL": 1, "FRESNEL_CAN1": "x"}])
def test_a3_specifications_that_are_none_are_not_kept(machines, monkeypatch, tmp_path, answer):
    monkeypatch.setattr(machines._pool, "call", says(answer))
    with pytest.raises(ChildError):
        machines.specs()
    assert not (tmp_path / "specs.json").exists()
    monkeypatch.setattr(machines._pool, "call", says({"FRESNEL": "x", "FRESNEL_CAN1": "y"}))
    assert json.loads((tmp_path / "specs.json").read_text() if machines.specs() else "") == machines.specs()
