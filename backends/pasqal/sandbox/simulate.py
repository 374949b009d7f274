"""What would the machine measure? In a child process: QuTiP runs one Pulser sequence, with noise where asked."""

from __future__ import annotations

import dataclasses
import json
import warnings
from typing import TYPE_CHECKING, Any

from backends.child import Limits

if TYPE_CHECKING:
    from pulser import Sequence
    from pulser.backend import EmulationConfig
    from pulser.noise_model import NoiseModel
    from pulser_simulation import QutipConfig

TARGET = "backends.pasqal.sandbox.simulate:answer"
LIMITS = Limits(memory_bytes=3 << 30, cpu_s=90.0, wall_s=120.0)
# Readout errors of the sandbox's machines. Examples, and no vendor's figures.
NOISE = {"FRESNEL": (0.01, 0.03), "FRESNEL_CAN1": (0.015, 0.04)}
_TRAJECTORIES = 40


def warm() -> None:
    """Load Pulser and QuTiP before the first call."""
    import pulser_simulation  # noqa: F401


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """``ask`` is ``run`` (a job → its result document) or ``specs`` (→ the sandbox's machines)."""
    return _ASKS[request["ask"]](request)


def run(request: dict[str, Any]) -> dict[str, Any]:
    """``sequence``, ``variables``, ``runs``, ``configuration``, ``spec``, ``seed`` → ``counter`` and results text."""
    import numpy as np
    from pulser_simulation import QutipBackendV2

    np.random.seed(request["seed"] % 2**32)  # noqa: NPY002  the simulator draws from the global generator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sequence = _built(request["sequence"], request["variables"])
        config = _configured(request)
        results = QutipBackendV2(sequence, config=config).run()
    return {
        "counter": {str(key): int(number) for key, number in results.final_bitstrings.items()},
        "serialised_results": results.to_abstract_repr(),
    }


def specs(_: dict[str, Any]) -> dict[str, Any]:
    """The sandbox's machines: Pulser's analog device under the vendor's names, with the example noise."""
    from pulser.devices import AnalogDevice
    from pulser.noise_model import NoiseModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            name: dataclasses.replace(
                AnalogDevice,
                name=name,
                default_noise_model=NoiseModel(p_false_pos=false_pos, p_false_neg=false_neg),
            ).to_abstract_repr()
            for name, (false_pos, false_neg) in NOISE.items()
        }


def _built(text: str, variables: dict[str, Any] | None) -> Sequence:
    from pulser import Sequence

    sequence = Sequence.from_abstract_repr(text)
    if sequence.is_parametrized() or sequence.is_register_mappable():
        sequence = sequence.build(**(variables or {}))
    if not sequence.is_measured():
        sequence.measure(sequence.get_addressed_bases()[0])
    return sequence


def _configured(request: dict[str, Any]) -> QutipConfig:
    """The caller's configuration with its shots replaced by ``runs``; a machine's noise is its specification's."""
    from pulser.backend import BitStrings
    from pulser_simulation import QutipConfig

    asked = _asked(request["configuration"])
    noise = _noise(request["spec"]) or (asked.noise_model if asked else None)
    others = [one for one in asked.observables if not one.tag.startswith("bitstrings")] if asked else []
    options: dict[str, Any] = {"noise_model": noise} if noise else {}
    if noise and noise.noise_types and set(noise.noise_types) - {"SPAM"}:
        options["n_trajectories"] = _TRAJECTORIES
    if asked:
        options["with_modulation"] = asked.with_modulation
        options["default_evaluation_times"] = asked.default_evaluation_times
        options["interaction_matrix"] = asked.interaction_matrix
        options["prefer_device_noise_model"] = asked.prefer_device_noise_model
    shots = request["runs"] or (asked.default_num_shots if asked else 1000)
    return QutipConfig(observables=[BitStrings(num_shots=shots), *others], **options)


def _asked(text: str | None) -> EmulationConfig | None:
    from pulser.backend import EmulationConfig

    return EmulationConfig.from_abstract_repr(text) if text else None


def _noise(spec: str | None) -> NoiseModel | None:
    from pulser.json.abstract_repr.deserializer import deserialize_device

    if spec is None or "default_noise_model" not in json.loads(spec):
        return None
    return deserialize_device(spec).default_noise_model


_ASKS = {"run": run, "specs": specs}
