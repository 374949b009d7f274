"""Do generated programs mean to us what they mean to Qiskit and Braket? Some here; many by ``tests.fuzz.readings``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fuzz.readings import difference

BACKENDS = Path(__file__).parents[4] / "backends"
# Wires and sandboxes stand for a vendor: they read what we sent as the vendor does.
THEIRS = {"wire", "sandbox"}
READERS = re.compile(
    r"qasm[23]\.loads|\bqasm[23]\b\s*import|from qiskit import .*qasm|qiskit_qasm3_import|\bopenqasm3\b\s*(?:import|\.)"
    r"|from openqasm3|default_simulator\.openqasm|\bInterpreter\("
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("version", [2, 3])
def test_a_generated_program_means_what_others_read(version):
    wrong = [found for number in range(60) if (found := difference(number, 7, version)) is not None]
    assert not wrong, "\n".join(wrong)


def test_no_other_reader_of_openqasm_is_left_in_the_backends():
    ours = [path for path in BACKENDS.rglob("*.py") if THEIRS.isdisjoint(path.relative_to(BACKENDS).parts)]
    found = [f"{path.name}: {hit[0]}" for path in ours for hit in READERS.finditer(path.read_text())]
    assert len(ours) > 100
    assert not found


def test_no_regular_expression_reads_a_program():
    """``terms.py`` has one for Qiskit's own words; ``translated.py`` reads what a child wrote, not a program."""
    braket = [BACKENDS / "braket" / f"{name}.py" for name in ("translate", "as_written", "gates", "request")]
    rooms = [*(BACKENDS / "openqasm").glob("*.py"), *braket, BACKENDS / "quandela/gates.py"]
    assert len(rooms) > len(braket) + 5
    assert not [path.name for path in rooms if re.search(r"^import re$", path.read_text(), re.MULTILINE)]
