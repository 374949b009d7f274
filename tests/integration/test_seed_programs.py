"""Does every sample program give on the real simulator what seeds/README.md says?"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "seeds" / "programs"
SHOTS = 400
CLIFFORD50 = "00000111000000001100011001110100010100100000000001"


def run(name, *more):
    command = [sys.executable, "-W", "ignore", "-m", "tests.support.run_seed", str(PROGRAMS / name), *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    assert sum(counts.values()) == SHOTS
    return counts


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("bell.qasm", {"00", "11"}),
        ("bell3.qasm", {"00", "11"}),
        ("ghz20.qasm", {"0" * 20, "1" * 20}),
        ("hom.perceval.json", {"|2,0>", "|0,2>"}),
    ],
)
def test_two_outcomes_in_about_equal_parts(name, keys):
    counts = run(name)
    assert set(counts) == keys
    assert min(counts.values()) > SHOTS * 0.35


@pytest.mark.parametrize(
    ("name", "key"), [("qft8.qasm", "00000101"), ("clifford50.qasm", CLIFFORD50), ("rabi.pulser.json", "1")]
)
def test_one_outcome_always(name, key):
    assert run(name).get(key, 0) >= SHOTS * 0.99


def test_the_outer_two_of_three_atoms_are_excited():
    assert run("rydberg.ahs.json")["101"] > SHOTS * 0.9


def test_the_sweep_turns_the_first_qubit():
    theta = json.loads((PROGRAMS / "sweep3.points.json").read_text())[1]["theta"]
    ones = sum(count for key, count in run("sweep3.qasm", str(theta)).items() if key[-1] == "1")
    assert ones / SHOTS == pytest.approx(math.sin(theta / 2) ** 2, abs=0.08)
