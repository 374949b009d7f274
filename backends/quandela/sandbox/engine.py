"""What would the machine have measured? Perceval's own simulators, in a child process, with the platform's noise."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import sympy_text
from backends.child import Limits
from backends.quandela.sandbox.trial import Trial
from backends.quandela.serial import PREFIX, PROGRAM, Foreign, Unfit, opened

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET = "backends.quandela.sandbox.engine:run"
LIMITS = Limits(memory_bytes=3 << 30, cpu_s=120.0, wall_s=120.0)

# Perceval's archives may hold live connections to other servers; these are the classes of a computation.
_ARCHIVED = frozenset(
    (
        *("AnnotatedFockState", "BS", "BSLayeredDetector", "Barrier", "Circuit", "Command", "Computation"),
        *("ComputationIterator", "Detector", "Experiment", "FockState", "GenericInterferometer", "HWP", "Herald"),
        *("LC", "MatrixN", "MatrixS", "NoiseModel", "NoisyFockState", "PBS", "PERM", "PR", "PS", "Port", "PostSelect"),
        *("QWP", "SVDistribution", "StateVector", "TD", "Unitary", "WP"),
        *("None", "bool", "complex", "dict", "float", "int", "list", "set", "str", "tuple", "type"),
    )
)
_ARCHIVE = "pcvlar"


def warm() -> None:
    """Import Perceval with a writable place of its own."""
    os.environ["PCVL_PERSISTENT_PATH"] = str(Path.cwd() / "perceval")
    import perceval  # noqa: F401  the import is the point

    sympy_text.close()


def run(request: dict[str, Any]) -> dict[str, Any]:
    """``work`` (the vendor's inner object), ``figures``, ``real`` → ``results`` as JSON text, ``shots``, ``run_ms``."""
    started = time.monotonic()
    from perceval.runtime import PayloadGenerator, PayloadUpdater, SimulatedComputer

    work = {name: _value(value) for name, value in request["work"].items()}
    computer = SimulatedComputer("SLOS")
    computation = PayloadGenerator.get_computation(PayloadUpdater.update_payload(work, computer))
    noise, parameters = _surroundings(work, computation, request)
    tries = [Trial(sub, noise, parameters, real=request["real"]) for sub in computation]
    given = [one.measure() for one in tries]
    iterations = getattr(computation, "iterations", [])
    if iterations:
        pairs = zip(given, iterations, strict=True)
        answer: dict[str, Any] = {"results_list": [one | {"iteration": of} for one, of in pairs]}
    else:
        answer = given[0]
    run_ms = math.ceil((time.monotonic() - started) * 1000)
    return {"results": _text(answer), "shots": sum(one.shots for one in tries), "run_ms": run_ms}


def _text(answer: Mapping[str, Any]) -> str:
    from perceval.serialization import serialize

    return json.dumps(serialize(dict(answer)))


def _value(value: Foreign) -> Foreign:
    if isinstance(value, dict):
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    if isinstance(value, str) and value.startswith(PREFIX):
        return opened(value, PROGRAM)
    if isinstance(value, str) and value.startswith(_ARCHIVE):
        return _unarchived(value)
    return value


def _unarchived(text: str) -> Foreign:
    from perceval.serialization import InputArchive, Serialization

    archive = InputArchive.from_text(text)
    strange = {tag for tag, _ in archive.memo} - _ARCHIVED
    if strange:
        raise Unfit(f"an archive with {', '.join(sorted(strange))}")
    return Serialization.deserialize(archive)


def _surroundings(
    work: Mapping[str, Any],
    computation: Foreign,
    request: Mapping[str, Any],
) -> tuple[Foreign, dict[str, Any]]:
    """A machine has the noise it has; a simulator takes the user's before its own."""
    from perceval.utils import NoiseModel, perf_dict_to_noise

    own = perf_dict_to_noise(request["figures"]) if request["figures"] else NoiseModel()
    asked = work.get("noise") or computation.experiment.noise
    computation.experiment.noise = None
    parameters = work.get("parameters") or {}
    return (own if request["real"] or asked is None else asked), dict(parameters)
