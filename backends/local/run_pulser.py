"""What does a warm child do with Pulser sequences? QuTiP evolves each once per point and draws from the end."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

from backends.invalid import Foreign, Invalid
from backends.local.answering import MOST_SEEDS, Counted, answers

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGES = ("pulser", "pulser-simulation", "qutip", "numpy")


def warm() -> None:
    """Load Pulser and QuTiP before the first call."""
    import pulser_simulation  # noqa: F401  the import is the point


def run(request: dict[str, Any]) -> dict[str, Any]:
    """A job: program, points, shots, seed or None."""
    return answers(request, _counted, _PACKAGES)


def _counted(job: Mapping[str, Any], program: Mapping[str, str], seed: int) -> Counted:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        points = enumerate(job["points"])
        return [_point(program["source"], at, shots=job["shots"], seed=seed + number) for number, at in points], "", []


def _point(source: str, point: Mapping[str, float], *, shots: int, seed: int) -> dict[str, int]:
    """Pulser's own keys are ours: atom i in register order at place i, 1 = measured 1."""
    import numpy as np
    from pulser.backend import BitStrings
    from pulser_simulation import QutipBackendV2, QutipConfig

    sequence = _built(source, point)
    np.random.seed(seed % MOST_SEEDS)  # noqa: NPY002  the emulator draws from the global generator
    config = QutipConfig(observables=[BitStrings(num_shots=shots)])
    found = QutipBackendV2(sequence, config=config).run().final_bitstrings
    return {str(key): int(count) for key, count in found.items()}


def _built(source: str, point: Mapping[str, float]) -> Foreign:
    from pulser import Sequence

    sequence = Sequence.from_abstract_repr(source)
    if sequence.is_register_mappable():
        raise Invalid("the register is mappable: build the sequence with its qubits", pointer="/register")
    if sequence.is_parametrized():
        sequence = sequence.build(**_values(json.loads(source)["variables"], point))
    if not sequence.is_measured():
        sequence.measure(sequence.get_addressed_bases()[0])
    return sequence


def _values(declared: Mapping[str, Any], point: Mapping[str, float]) -> dict[str, Any]:
    """``name`` binds a variable of size 1, ``name[i]`` the elements of a longer one."""
    values: dict[str, Any] = {}
    for name, variable in declared.items():
        kind = int if variable.get("type") == "int" else float
        size = len(variable.get("value", (0,)))
        names = [name] if size == 1 else [f"{name}[{index}]" for index in range(size)]
        missing = [one for one in names if one not in point]
        if missing:
            raise Invalid(f"no value for variable {missing[0]}", pointer=f"/variables/{name}")
        numbers = [kind(point[one]) for one in names]
        values[name] = numbers[0] if size == 1 else numbers
    return values
