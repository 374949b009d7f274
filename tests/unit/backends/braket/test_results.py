"""Is every form of result read into the same histogram?"""

from __future__ import annotations

import pytest

from backends.braket.results import read
from backends.errors import Refused

GATE = {"braketSchemaHeader": {"name": "braket.task_result.gate_model_task_result", "version": "1"}}
SET = {"braketSchemaHeader": {"name": "braket.task_result.program_set_task_result", "version": "1"}}
AHS = {"braketSchemaHeader": {"name": "braket.task_result.analog_hamiltonian_simulation_task_result", "version": "1"}}


def no_part(path):
    raise AssertionError(f"nothing should be read: {path}")


def reading(document, *, bits=None, shots=4, part=no_part):
    return read(document, bits=bits, shots=shots, part=part)


def gate(**rest):
    return {**GATE, "additionalMetadata": {"action": {"source": "s", "inputs": {"a": 1}}}, **rest}


def test_columns_are_put_where_the_layout_says():
    document = gate(measurements=[[0, 1], [0, 1], [1, 1], [0, 0]], measuredQubits=[5, 2])
    found = reading(document, bits=(2, None, 5))
    assert dict(found.points[0].counts) == {"100": 2, "101": 1, "000": 1}
    assert dict(found.points[0].bindings) == {"a": 1.0}


def test_without_a_layout_the_columns_stand_as_measured():
    assert dict(reading(gate(measurements=[[0, 1]], measuredQubits=[3, 1])).points[0].counts) == {"01": 1}


def test_a_layout_that_the_result_lacks_is_refused():
    with pytest.raises(Refused, match="lacks qubit 7"):
        reading(gate(measurements=[[0]], measuredQubits=[0]), bits=(7,))


@pytest.mark.parametrize("shots", [1, 3, 100, 999])
def test_probabilities_are_rounded_to_sum_to_the_shots(shots):
    chances = {"00": 1 / 3, "01": 1 / 3, "11": 1 / 3}
    found = reading(gate(measurementProbabilities=chances, measuredQubits=[0, 1]), shots=shots)
    counts = found.points[0].counts
    assert sum(counts.values()) == shots
    assert max(counts.values()) - min([*counts.values(), shots // 3]) <= 1
    assert "probabilities" in found.warnings[0]


def test_a_result_without_shots_is_refused():
    with pytest.raises(Refused, match="no measurements"):
        reading(gate(measurements=None, measuredQubits=[0], resultTypes=[]))


def test_simulated_time_and_the_vendors_compiled_program_are_kept():
    about = {
        "action": {"source": "mine"},
        "simulatorMetadata": {"executionDuration": 17},
        "iqmMetadata": {"compiledProgram": "theirs"},
    }
    found = reading(gate(measurements=[[1]], measuredQubits=[0], additionalMetadata=about))
    assert (found.run_ms, found.compiled) == (17, "theirs")


def executable(index, rows):
    return {"inputsIndex": index, "measurements": rows, "measuredQubits": [0]}


SOURCE = {"source": "s", "inputs": {"a": [0.5, 1.5, 2.5]}}


def test_a_program_set_has_a_point_for_each_executable():
    program = {
        "source": SOURCE,
        "additionalMetadata": {},
        "executableResults": [
            executable(0, [[0], [0]]),
            {"inputsIndex": 1, "failureMetadata": {"failureReason": "lost", "retryable": True, "category": "DEVICE"}},
            executable(2, [[1], [0]]),
        ],
    }
    found = reading({**SET, "programResults": [program], "taskMetadata": {"requestedShots": 6}}, bits=(0,), shots=6)
    assert [dict(point.counts) for point in found.points] == [{"0": 2}, {}, {"1": 1, "0": 1}]
    assert [dict(point.bindings) for point in found.points] == [{"a": 0.5}, {"a": 1.5}, {"a": 2.5}]
    assert found.warnings == ("point 1: failed: lost",)


def test_parts_of_a_program_set_may_stand_in_objects_of_their_own():
    objects = {
        "metadata.json": {"requestedShots": 2},
        "programs/0/results.json": {
            "source": "programs/0/program.json",
            "executableResults": ["programs/0/executables/0.json"],
            "additionalMetadata": {},
        },
        "programs/0/program.json": {"source": "s", "inputs": {"a": [0.5]}},
        "programs/0/executables/0.json": executable(0, [[1], [1]]),
    }
    document = {**SET, "programResults": ["programs/0/results.json"], "taskMetadata": "metadata.json"}
    found = reading(document, bits=(0,), shots=2, part=objects.__getitem__)
    assert dict(found.points[0].counts) == {"1": 2}
    assert dict(found.points[0].bindings) == {"a": 0.5}


def shot(before, after, status="Success"):
    return {"shotMetadata": {"shotStatus": status}, "shotResult": {"preSequence": before, "postSequence": after}}


def test_a_rydberg_atom_is_one_that_was_there_and_is_gone():
    shots = [shot([1, 1], [1, 0]), shot([1, 1], [0, 1]), shot([1, 1], [1, 0])]
    assert dict(reading({**AHS, "measurements": shots}).points[0].counts) == {"01": 2, "10": 1}


def test_shots_with_a_missing_atom_are_left_out_and_said():
    shots = [shot([1, 0], [1, 0]), shot([1, 1], [1, 1]), shot([1, 1], [1, 1], "Failure")]
    found = reading({**AHS, "measurements": shots})
    assert dict(found.points[0].counts) == {"00": 1}
    assert found.warnings[0].startswith("2 shots left out")


def test_sites_that_were_to_stay_empty_are_no_atoms():
    about = {"action": {"setup": {"ahs_register": {"filling": [1, 0, 1]}}}}
    found = reading({**AHS, "measurements": [shot([1, 0, 1], [1, 0, 0])], "additionalMetadata": about})
    assert dict(found.points[0].counts) == {"01": 1}


@pytest.mark.parametrize("name", ["annealing_task_result", "photonic_model_task_result", "something_new"])
def test_other_results_are_refused_clearly(name):
    with pytest.raises(Refused, match="braket"):
        reading({"braketSchemaHeader": {"name": f"braket.task_result.{name}", "version": "1"}})
