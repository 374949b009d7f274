"""Does intake read every sample program as what its README row says?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broker.domain.program import Format, Program
from broker.intake.inspect import guess, inspect

PROGRAMS = Path(__file__).parents[3] / "seeds" / "programs"

EXPECTED = {
    "bell.qasm": (Format.OPENQASM2, {"width": 2, "gates": ((1, 1), (2, 1)), "clifford": True}),
    "bell3.qasm": (Format.OPENQASM3, {"width": 2, "gates": ((1, 1), (2, 1)), "clifford": True}),
    "ghz20.qasm": (Format.OPENQASM3, {"width": 20, "multi_qubit_gates": 19, "clifford": True, "entangling_cut": 1}),
    "clifford50.qasm": (Format.OPENQASM2, {"width": 50, "multi_qubit_gates": 490, "clifford": True}),
    "qft8.qasm": (Format.OPENQASM2, {"width": 8, "multi_qubit_gates": 56, "clifford": False, "bits": 8}),
    "sweep3.qasm": (Format.OPENQASM3, {"width": 3, "parameters": ("theta",), "clifford": False}),
    "rabi.pulser.json": (Format.PULSER, {"width": 1, "duration_us": 0.5, "global_drive": True}),
    "rydberg.ahs.json": (Format.AHS, {"width": 3, "duration_us": 3.0, "global_drive": True}),
    "hom.perceval.json": (Format.PERCEVAL, {"width": 2, "photons": 2}),
}


def test_every_program_is_listed_here_and_in_the_readme():
    files = {path.name for path in PROGRAMS.iterdir()} - {"sweep3.points.json"}
    assert files == set(EXPECTED)
    readme = (PROGRAMS.parent / "README.md").read_text()
    assert all(name in readme for name in files | {"sweep3.points.json"})


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_intake_reads_it(name):
    source = (PROGRAMS / name).read_text()
    format_, demands = EXPECTED[name]
    assert guess(source, name) is format_
    need = inspect(Program.of(format_, source))
    assert {key: getattr(need, key) for key in demands} == demands
    assert not need.dynamic


def test_points_bind_the_parameter_of_the_sweep():
    points = json.loads((PROGRAMS / "sweep3.points.json").read_text())
    assert len(points) == 5
    assert all(set(point) == {"theta"} for point in points)
