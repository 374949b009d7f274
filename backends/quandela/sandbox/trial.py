"""What does one experiment give on one platform? Probabilities, or samples that its shots let through."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from backends.quandela.serial import Foreign

if TYPE_CHECKING:
    from collections.abc import Mapping

# More output states than this are sampled one photon pattern at a time instead of being listed.
_LISTED_STATES = 300_000


class Trial:
    """One experiment, simulated once; ``shots`` are those that it used up."""

    def __init__(
        self,
        computation: Foreign,
        noise: Foreign,
        parameters: Mapping[str, Any],
        *,
        real: bool,
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
        if self.command != "probs" and not self._listable():
            return self._sampled()
        answer = self._computer("SLOS").probs(self.experiment, max_shots=self._most())
        chances = answer["results"]
        if self.command == "probs":
            self.shots = self.limits.get("max_shots") or 0
            return dict(answer)
        counts = self._drawn(chances, self._obtained(answer["global_perf"]))
        return dict(answer) | {"results": self._shown(counts)}

    def _listable(self) -> bool:
        """Heralds keep the list short and would make samples rare."""
        photons, modes = self.experiment.input_state.n, self.experiment.circuit_size
        few = math.comb(photons + modes - 1, photons) <= _LISTED_STATES
        return few or bool(self.experiment.heralds)

    def _computer(self, engine: str) -> Foreign:
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
        # Without a bound on shots a selection that hardly ever passes would never end.
        shots = self.limits.get("max_shots") or self._most()
        answer = dict(computer.sample_count(self.experiment, self._most(), shots if self.real else None))
        self.shots = shots if self.real else self._most()
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
    def _drawn(chances: Foreign, number: int) -> Foreign:
        from numpy import array
        from numpy.random import default_rng
        from perceval import BSCount

        states = list(chances)
        if not states or not number:
            return BSCount()
        weights = array([max(float(chances[state]), 0.0) for state in states])
        draws = default_rng().multinomial(number, weights / weights.sum())
        return BSCount({state: int(n) for state, n in zip(states, draws, strict=True) if n})

    def _shown(self, counts: Foreign) -> Foreign:
        from perceval.utils import sample_count_to_samples

        return sample_count_to_samples(counts) if self.command == "samples" else counts
