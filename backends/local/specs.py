"""What is a simulator of this machine made of? Every gate that a program may name, on any qubits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from broker.domain.program import Format
from broker.domain.specs import GateSpecs, Specs
from broker.intake.qasm.gates import QELIB1, STDGATES

if TYPE_CHECKING:
    from broker.domain.device import Device

# Both files' gates are read by name; whatever else a program defines out of them runs as well.
_GATES = tuple(sorted(QELIB1.keys() | STDGATES.keys()))
_COMMANDS = ("probs", "sample_count", "samples")


def specs_of(device: Device) -> Specs | None:
    """None for atoms: their simulators take any register and any drive that the format can say."""
    if Format.OPENQASM3 in device.accepts:
        return Specs(device=device.name, gate=GateSpecs(native=_GATES, supported=_GATES))
    if Format.PERCEVAL in device.accepts:
        bounds = {"max_mode_count": device.width, "max_photon_count": device.max_photons}
        known = {name: most for name, most in bounds.items() if most is not None}
        platform = {"available_commands": list(_COMMANDS), "constraints": known}
        return Specs(device=device.name, photonic=json.dumps(platform, sort_keys=True))
    return None
