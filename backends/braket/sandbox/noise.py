"""How does a QPU of the sandbox err? Its published mean errors as channels, or mixed in where that is too large."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A gate on d levels whose Pauli errors have total probability p has the mean infidelity r = p d/(d+1).
_ONE, _TWO = 1.5, 1.25


@dataclass(frozen=True, kw_only=True, slots=True)
class NoiseFigures:
    """Mean error probabilities of one device; ``ground`` and ``rydberg`` are an atom array's detection errors."""

    one: float = 0.0
    two: float = 0.0
    readout: float = 0.0
    ground: float = 0.0
    rydberg: float = 0.0

    @classmethod
    def of(cls, figures: Mapping[str, float] | None) -> NoiseFigures | None:
        """From a request; None for a simulator."""
        return cls(**figures) if figures else None


def noisy_simulator(errors: NoiseFigures) -> Any:  # noqa: ANN401  a Braket simulator
    """A density matrix simulator that puts a depolarising channel behind every gate."""
    from braket.default_simulator import DensityMatrixSimulator

    class Noisy(DensityMatrixSimulator):  # type: ignore[misc]
        def _parse_program_with_shots(self, program: Any, shots: int) -> Any:  # noqa: ANN401
            parsed = super()._parse_program_with_shots(program, shots)
            instructions = list(parsed.circuit.instructions)
            parsed.circuit.instructions[:] = [
                part for gate in instructions for part in (gate, *_channels(gate, errors))
            ]
            return parsed

    return Noisy()


def _channels(gate: Any, errors: NoiseFigures) -> Sequence[Any]:  # noqa: ANN401  Braket operations
    from braket.default_simulator.noise_operations import Depolarizing, TwoQubitDepolarizing

    targets = list(gate.targets)
    if len(targets) == 1:
        return [Depolarizing(targets, _ONE * errors.one)]
    return [TwoQubitDepolarizing(pair, _TWO * errors.two) for pair in pairwise(targets)]


def survival(instructions: Sequence[Any], errors: NoiseFigures) -> float:
    """The chance that no gate erred."""
    chance = 1.0
    for gate in instructions:
        pairs = len(gate.targets) - 1
        chance *= (1.0 - _TWO * errors.two) ** pairs if pairs > 0 else 1.0 - _ONE * errors.one
    return chance


def mix(rows: Any, chance: float) -> Any:  # noqa: ANN401  numpy
    """Each shot survives with ``chance``, else it is uniformly random: the mean effect of depolarisation."""
    import numpy as np

    generator = np.random.default_rng()
    spoilt = generator.random(len(rows)) >= chance
    rows[spoilt] = generator.integers(0, 2, size=(int(spoilt.sum()), rows.shape[1]), dtype=rows.dtype)
    return rows


def flip(rows: Any, probability: float) -> Any:  # noqa: ANN401  numpy
    """Read each bit wrongly with ``probability``."""
    import numpy as np

    return rows ^ (np.random.default_rng().random(rows.shape) < probability).astype(rows.dtype)


def detect(measurements: Sequence[Mapping[str, Any]], errors: NoiseFigures) -> None:
    """Take ground atoms for Rydberg and the other way round, in place."""
    import numpy as np

    generator = np.random.default_rng()
    for shot in measurements:
        result = shot["shotResult"]
        for place, there in enumerate(result["preSequence"]):
            chance = errors.ground if result["postSequence"][place] else errors.rydberg
            if there and generator.random() < chance:
                result["postSequence"][place] ^= 1
