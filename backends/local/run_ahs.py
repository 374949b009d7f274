"""What does a warm child do with analog Hamiltonian programs? Braket's Rydberg simulator evolves each and draws."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

from backends.invalid import Invalid
from backends.local.answering import MOST_SEEDS, Counted, answers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PACKAGES = ("amazon-braket-default-simulator", "amazon-braket-schemas", "scipy", "numpy")
_HEADER = {"name": "braket.ir.ahs.program", "version": "1"}


def warm() -> None:
    """Load the simulator before the first call."""
    from braket.analog_hamiltonian_simulator.rydberg import rydberg_simulator  # noqa: F401  the import is the point


def run(request: dict[str, Any]) -> dict[str, Any]:
    """A job: program, points, shots, seed or None. An AHS program has no parameters: points only repeat it."""
    return answers(request, _counted, _PACKAGES)


def _counted(job: Mapping[str, Any], program: Mapping[str, str], seed: int) -> Counted:
    document = json.loads(program["source"])
    lost, counts = 0, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, _ in enumerate(job["points"]):
            shots = _shots(document, shots=job["shots"], seed=seed + number)
            kept, missing = _keys(shots, document["setup"]["ahs_register"]["filling"])
            counts.append(kept)
            lost += missing
    warning = f"{lost} shots left out: an atom was missing before the sequence, or the shot failed"
    return counts, "", [warning] if lost else []


def _shots(document: Mapping[str, Any], *, shots: int, seed: int) -> Iterable[Any]:
    import numpy as np
    from braket.analog_hamiltonian_simulator.rydberg.rydberg_simulator import RydbergAtomSimulator
    from braket.ir.ahs import Program
    from pydantic.v1 import ValidationError

    try:
        program = Program.parse_obj({**document, "braketSchemaHeader": _HEADER})
    except ValidationError as error:
        first = error.errors()[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        raise Invalid(str(first["msg"]), pointer=pointer) from error
    np.random.seed(seed % MOST_SEEDS)  # noqa: NPY002  the simulator draws from the global generator
    found: Iterable[Any] = RydbergAtomSimulator().run(program, shots=shots).measurements
    return found


def _keys(shots: Iterable[Any], filling: list[int]) -> tuple[dict[str, int], int]:
    """1 = Rydberg: there before, gone after. Sites that were to stay empty are no atoms."""
    filled = [site for site, full in enumerate(filling) if full]
    counts: Counter[str] = Counter()
    lost = 0
    for shot in shots:
        before, after = shot.shotResult.preSequence, shot.shotResult.postSequence
        if not all(before[site] for site in filled):
            lost += 1
            continue
        counts["".join("0" if after[site] else "1" for site in filled)] += 1
    return dict(counts), lost
