"""Which platforms does the sandbox serve? Classes of the vendor's machines; every figure here is an example."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLE = "served by the qsubmit sandbox; constraints and performance are examples, not the vendor's"
MAX_SHOTS = 10_000_000
MAX_DURATION_S = 3600
_PARAMETERS = {"compute_physical_logical_perf": "bool. Split the performance into its two parts."}


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """``figures`` in percent as the vendor publishes them; the simulator takes its noise from them."""

    name: str
    modes: int
    photons: int
    real: bool = False
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def commands(self) -> tuple[str, ...]:
        """A machine counts photons; only a simulator knows probabilities."""
        return ("sample_count", "samples") if self.real else ("probs", "sample_count", "samples")


# Perceval's own text for its three commands. A client that finds it sends its newer form of a job; machines here
# keep to the older one, so that both are served.
NEW_FORM = (
    "pcvlar 0 1 0 list 3 1 2 3 Command 0 3 name 4 signature 5 apply_emt 6 Command 0 3 name 13 signature 14 apply_emt 6 "
    "Command 0 3 name 17 signature 18 apply_emt 6 str 5 probs list 2 7 8 bool T tuple 3 9 10 11 tuple 3 12 10 11 "
    "str 11 max_samples type 3 int bool F str 9 max_shots str 12 sample_count list 2 15 16 tuple 3 9 10 6 "
    "tuple 3 12 10 11 str 7 samples list 2 19 20 tuple 3 9 10 6 tuple 3 12 10 11"
)
_QUANTUM_DOT = {"HOM (%)": 92.0, "Transmittance (%)": 6.0, "g2 (%)": 1.0, "Clock (MHz)": 80.0}

PLATFORMS = {
    platform.name: platform
    for platform in (
        Platform(name="sim:slos", modes=20, photons=10),
        Platform(name="sim:ascella", modes=12, photons=6, figures=_QUANTUM_DOT),
        Platform(name="qpu:ascella", modes=12, photons=6, real=True, figures=_QUANTUM_DOT),
        Platform(name="qpu:altair", modes=20, photons=10, real=True, figures=_QUANTUM_DOT),
        Platform(name="qpu:belenos", modes=24, photons=12, real=True, figures=_QUANTUM_DOT),
    )
}


def details(platform: Platform, status: str) -> dict[str, Any]:
    """The vendor's platform document. ``architecture`` is null: the client then needs no second route."""
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, platform.name)),
        "name": platform.name,
        "type": "qpu" if platform.real else "simulator",
        "status": status,
        "specs": {
            "available_commands": list(platform.commands),
            "architecture": None,
            "constraints": _constraints(platform),
            "parameters": _PARAMETERS,
            "description": EXAMPLE,
            "documentation": "",
            "software_versions": {"perceval-quandela": "1.3.1"},
            "min_client_version": "0.13.0",
            "known_mitigations": [],
            **({} if platform.real else {"commands": NEW_FORM}),
        },
        "perfs": dict(platform.figures),
    }


def _constraints(platform: Platform) -> dict[str, Any]:
    return {
        "max_mode_count": platform.modes,
        "min_mode_count": 1,
        "max_photon_count": platform.photons,
        "min_photon_count": 1,
        "support_multi_photon": not platform.real,
    }
