"""What would the machine have measured? Perceval's own simulators, in a child process, with the platform's noise."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.child import Limits
from backends.quandela.serial import PREFIX, PROGRAM, Unfit, opened

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET = "backends.quandela.engine:run"
LIMITS = Limits(memory_bytes=3 << 30, cpu_s=120.0, wall_s=120.0)

# Perceval's archives may hold live connections to other servers; these are the classes of a computation.
_ARCHIVED = frozenset(
    "AnnotatedFockState BS BSLayeredDetector Barrier Circuit Command Computation ComputationIterator Detector "
    "Experiment FockState GenericInterferometer HWP Herald LC MatrixN MatrixS NoiseModel NoisyFockState None PBS "
    "PERM PR PS Port PostSelect QWP SVDistribution StateVector TD Unitary WP bool complex dict float int list set "
    "str tuple type".split()
)
_ARCHIVE = "pcvlar"
# More output states than this are sampled one photon pattern at a time instead of being listed.
_LISTED_STATES = 300_000


def warm() -> None:
    """Import Perceval with a writable place of its own."""
    os.environ["PCVL_PERSISTENT_PATH"] = str(Path.cwd() / "perceval")
    import perceval  # noqa: F401  the import is the point


def run(request: dict[str, Any]) -> dict[str, Any]:
    """``work`` (the vendor's inner object), ``figures``, ``real`` → ``results`` as JSON text, ``shots``, ``run_ms``."""
    started = time.monotonic()
    from perceval.runtime import PayloadGenerator, PayloadUpdater, SimulatedComputer

    work = {name: _value(value) for name, value in request["work"].items()}
    computer = SimulatedComputer("SLOS")
    computation = PayloadGenerator.get_computation(PayloadUpdater.update_payload(work, computer))
    noise, parameters = _surroundings(work, computation, request)
    tries = [_Try(sub, noise, parameters, real=request["real"]) for sub in computation]
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


def _value(value: Any) -> Any:  # noqa: ANN401  JSON in, Perceval's objects out
    if isinstance(value, dict):
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    if isinstance(value, str) and value.startswith(PREFIX):
        return opened(value, PROGRAM)
    if isinstance(value, str) and value.startswith(_ARCHIVE):
        return _unarchived(value)
    return value


def _unarchived(text: str) -> Any:  # noqa: ANN401
    from perceval.serialization import InputArchive, Serialization

    archive = InputArchive.from_text(text)
    strange = {tag for tag, _ in archive.memo} - _ARCHIVED
    if strange:
        raise Unfit(f"an archive with {', '.join(sorted(strange))}")
    return Serialization.deserialize(archive)


def _surroundings(
    work: Mapping[str, Any], computation: Any, request: Mapping[str, Any]  # noqa: ANN401
) -> tuple[Any, dict[str, Any]]:
    """A machine has the noise it has; a simulator takes the user's before its own."""
    from perceval.utils import NoiseModel, perf_dict_to_noise

    own = perf_dict_to_noise(request["figures"]) if request["figures"] else NoiseModel()
    asked = work.get("noise") or computation.experiment.noise
    computation.experiment.noise = None
    parameters = work.get("parameters") or {}
    return (own if request["real"] or asked is None else asked), dict(parameters)


class _Try:
    """One experiment, simulated once; ``shots`` are those that it used up."""

    def __init__(
        self, computation: Any, noise: Any, parameters: Mapping[str, Any], *, real: bool  # noqa: ANN401
    ) -> None:
        self.command = computation.command.name
        self.experiment = computation.experiment
        self.limits = computation.parameters
        self.noise = noise
        self.parameters = parameters
        self.real = real
        self.shots = 0
        if real:
            self._see_clicks_only()

    def _see_clicks_only(self) -> None:
        from perceval import Detector

        for mode, detector in enumerate(self.experiment.detectors):
            if detector is None:
                self.experiment.add(mode, Detector.threshold())

    def measure(self) -> dict[str, Any]:
        """The vendor's result fields of one point."""
        photons, modes = self.experiment.input_state.n, self.experiment.circuit_size
        if self.command != "probs" and math.comb(photons + modes - 1, photons) > _LISTED_STATES:
            return self._sampled()
        answer = self._computer("SLOS").probs(self.experiment, max_shots=self._most())
        chances = answer["results"]
        if self.command == "probs":
            self.shots = self.limits.get("max_shots") or 0
            return dict(answer)
        counts = self._drawn(chances, self._obtained(answer["global_perf"]))
        return dict(answer) | {"results": self._shown(counts)}

    def _computer(self, engine: str) -> Any:  # noqa: ANN401
        from perceval.runtime import SimulatedComputer

        computer = SimulatedComputer(engine)
        computer.noise = self.noise
        computer.parameters = dict(self.parameters)
        return computer

    def _most(self) -> int:
        asked = [self.limits[name] for name in ("max_samples", "max_shots") if self.limits.get(name)]
        return min(asked, default=10_000)

    def _sampled(self) -> dict[str, Any]:
        computer = self._computer("CliffordClifford2017")
        answer = dict(computer.sample_count(self.experiment, self._most()))
        self.shots = self._most()
        return answer | {"results": self._shown(answer["results"])}

    def _obtained(self, kept: float) -> int:
        """A simulator gives every sample asked for; a machine gives what its shots let through."""
        from numpy.random import default_rng

        most, shots = self._most(), self.limits.get("max_shots") or self._most()
        if not self.real:
            self.shots = most
            return most
        photons = self.experiment.input_state.n
        seen = 1 - (1 - self.noise.transmittance * self.noise.brightness) ** photons
        chance = min(kept / seen, 1.0) if seen > 0 else 0.0
        through = int(default_rng().binomial(shots, chance))
        self.shots = shots if through < most else min(shots, math.ceil(most / chance))
        return min(through, most)

    @staticmethod
    def _drawn(chances: Any, number: int) -> Any:  # noqa: ANN401
        from numpy import array
        from numpy.random import default_rng
        from perceval import BSCount

        states = list(chances)
        if not states or not number:
            return BSCount()
        weights = array([max(float(chances[state]), 0.0) for state in states])
        draws = default_rng().multinomial(number, weights / weights.sum())
        return BSCount({state: int(n) for state, n in zip(states, draws, strict=True) if n})

    def _shown(self, counts: Any) -> Any:  # noqa: ANN401
        from perceval.utils import sample_count_to_samples

        return sample_count_to_samples(counts) if self.command == "samples" else counts
