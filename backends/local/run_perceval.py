"""What does a warm child do with photonic programs? SLOS gives the distribution, which is sampled; else Clifford."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backends import sympy_text
from backends.invalid import Foreign, Invalid
from backends.local.answering import MOST_SEEDS, Counted, answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PACKAGES = ("perceval-quandela", "exqalibur", "numpy")
# More output states than this are drawn photon by photon instead of being listed.
_LISTED_STATES = 300_000
_PREFIX = ":PCVL:"


def warm() -> None:
    """Load Perceval before the first call; from here on no text is evaluated."""
    import perceval.runtime  # noqa: F401  the import is the point

    sympy_text.close()


def run(request: dict[str, Any]) -> dict[str, Any]:
    """A job: program, points, shots, seed or None."""
    return answers(request, _counted, _PACKAGES)


def _counted(job: Mapping[str, Any], program: Mapping[str, str], seed: int) -> Counted:
    document = json.loads(program["source"])
    counts, notes, warnings = [], set(), set()
    for number, point in enumerate(job["points"]):
        drawn, engine, kept = _point(document, point, shots=job["shots"], seed=seed + number)
        counts.append(drawn)
        notes.add(engine)
        if kept < 1 - 1e-9:  # rounding
            warnings.add(f"all shots are samples that passed the filters; {kept:.3g} of the runs would")
    return counts, ", ".join(sorted(notes)), sorted(warnings)


def _point(
    document: Mapping[str, Any], point: Mapping[str, float], *, shots: int, seed: int
) -> tuple[dict[str, int], str, float]:
    """Counts, what simulated them, and the share of runs that the filters keep."""
    experiment = _experiment(document)
    _bind(experiment, point)
    photons, modes = experiment.input_state.n, experiment.circuit_size
    parameters = document.get("parameters") or {}
    if math.comb(photons + modes - 1, photons) > _LISTED_STATES:
        return _sampled(experiment, parameters, shots=shots, seed=seed)
    answer = _computer("SLOS", parameters).probs(experiment)
    chances = {_key(state): float(chance) for state, chance in answer["results"].items()}
    return _drawn(chances, shots, seed), _words("slos", experiment), float(answer.get("global_perf", 1))


def _sampled(
    experiment: Foreign, parameters: Mapping[str, Any], *, shots: int, seed: int
) -> tuple[dict[str, int], str, float]:
    import perceval

    perceval.random_seed(seed % MOST_SEEDS)
    answer = _computer("CliffordClifford2017", parameters).sample_count(experiment, max_samples=shots)
    counts = {_key(state): int(count) for state, count in answer["results"].items()}
    return counts, _words("clifford-clifford-2017", experiment), float(answer.get("global_perf", 1))


def _words(engine: str, experiment: Foreign) -> str:
    noise = ", with its noise model" if experiment.noise is not None else ""
    return f"perceval/{engine}: {experiment.input_state.n} photons in {experiment.circuit_size} modes{noise}"


def _drawn(chances: Mapping[str, float], shots: int, seed: int) -> dict[str, int]:
    import numpy as np

    if not chances:
        raise Invalid("no outcome passes the filters")
    keys = sorted(chances)
    weights = np.array([max(chances[key], 0.0) for key in keys])
    draws = np.random.Generator(np.random.PCG64(seed)).multinomial(shots, weights / weights.sum())
    return {key: int(count) for key, count in zip(keys, draws, strict=True) if count}


def _key(state: Foreign) -> str:
    """``|2,0>``, whatever annotations the photons had."""
    return f"|{','.join(str(int(count)) for count in state)}>"


def _computer(engine: str, parameters: Mapping[str, Any]) -> Foreign:
    from perceval.runtime import SimulatedComputer

    computer = SimulatedComputer(engine)
    computer.parameters = dict(parameters)
    return computer


def _bind(experiment: Foreign, point: Mapping[str, float]) -> None:
    for name, parameter in experiment.get_circuit_parameters().items():
        if name not in point:
            raise Invalid(f"no value for parameter {name}")
        with _blaming("circuit"):
            parameter.set_value(float(point[name]))


def _experiment(document: Mapping[str, Any]) -> Foreign:
    """From the form that broker/intake/perceval.py admits; filters default to all photons that are not heralded."""
    from perceval import BasicState, Experiment, NoiseModel

    key = "experiment" if "experiment" in document else "circuit"
    with _blaming(key):
        opened = _opened(document.get(key))
        experiment = opened if key == "experiment" else Experiment(opened)
    if "input_state" in document:
        with _blaming("input_state"):
            experiment.with_input(BasicState(document["input_state"].rpartition(":")[2]))
    if experiment.input_state is None:
        raise Invalid("the program has no input state", pointer="/input_state")
    if document.get("noise") is not None:
        with _blaming("noise"):
            experiment.noise = NoiseModel(**document["noise"])
    least = document.get("min_detected_photons")
    if least is None and experiment.min_photons_filter is None:
        least = experiment.input_state.n - sum(experiment.heralds.values())
    if least is not None:
        with _blaming("min_detected_photons"):
            experiment.min_detected_photons_filter(least)
    return experiment


def _opened(text: object) -> Foreign:
    from perceval.serialization import deserialize

    if not isinstance(text, str) or not text.startswith(_PREFIX):
        raise Invalid("is no text of perceval.serialization")
    return deserialize(text)


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Perceval refuses with assertions and errors of many types; the user wants to know where."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise Invalid(f"{name}: {error}"[:500], pointer=f"/{name}") from error
