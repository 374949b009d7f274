"""What does Pasqal offer? QPUs from the vendor's own specifications, emulators from its list of device types."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from backends.pasqal.prices import price_of
from broker.domain.device import Calibration, Device, Kind, Status
from broker.domain.ids import DeviceName
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

NAME = "pasqal"
QPUS = ("FRESNEL", "FRESNEL_CAN1")
EMULATORS = {
    "EMU_FREE": "state vector and noise by QuTiP",
    "EMU_SV": "state vector",
    "EMU_MPS": "matrix product states",
    "EMU_FRESNEL": "the Fresnel machine, emulated with its noise",
}
MIMICS = {"EMU_FRESNEL": "FRESNEL"}
SANDBOX_WIDTH = 14
MAX_RUN_MS = 60_000
# 0.25 Hz is the slowest repetition rate that a reseller publishes (Scaleway, 2025-11-21).
_SLOWEST_SHOT_MS = 4_000
_LONGEST_RAW = 20_000


def devices_of(
    specs: Mapping[str, str],
    *,
    allowed: Collection[str] | None,
    widths: Mapping[str, int],
    region: str,
    sandbox: bool,
) -> list[Device]:
    """Devices that our project may use; ``allowed`` None means all. ``widths`` are the hub's own bounds.

    A machine that the project may use but that has no specification at present is offline.
    """
    known = {name: _parsed(text) for name, text in specs.items()}
    names = {*known, *EMULATORS, *(name for name in QPUS if allowed is not None)}
    offered = sorted(name for name in names if allowed is None or name in allowed)
    found = [_device(name, known) for name in offered]
    return [_ours(device, widths=widths, region=region, sandbox=sandbox) for device in found]


def device_name(vendor_id: str) -> DeviceName:
    """``FRESNEL_CAN1`` → ``pasqal/fresnel-can1``."""
    return DeviceName(f"{NAME}/{vendor_id.lower().replace('_', '-')}")


def _parsed(text: str) -> dict[str, Any]:
    spec = json.loads(text)
    return spec if isinstance(spec, dict) else {}


def _device(name: str, known: Mapping[str, dict[str, Any]]) -> Device:
    spec = known.get(name) or known.get(MIMICS.get(name, ""), {})
    emulator = name in EMULATORS
    device = Device(
        name=device_name(name),
        backend=NAME,
        vendor_id=name,
        kind=Kind.SIMULATOR if emulator else Kind.QPU,
        accepts=frozenset({Format.PULSER}),
        notes=EMULATORS.get(name, ""),
        provider="Pasqal",
        max_run_ms=MAX_RUN_MS,
    )
    if not emulator and name not in known:
        return replace(device, status=Status.OFFLINE, notes="no specification published at present")
    return _limited(device, spec) if spec else device


def _limited(device: Device, spec: Mapping[str, Any]) -> Device:
    """With the limits that the specification states."""
    longest = spec.get("max_sequence_duration")
    channels = spec.get("channels") or ()
    shots = spec.get("max_runs") or device.max_shots
    qpu = device.kind is Kind.QPU
    return replace(
        device,
        width=spec.get("max_atom_num"),
        max_shots=shots,
        max_duration_us=longest / 1000 if longest else None,
        global_drive_only=bool(channels)
        and all(one.get("addressing") == "Global" for one in channels)
        and not spec.get("dmm_objects"),
        calibration=calibration_of(spec),
        max_run_ms=shots * _SLOWEST_SHOT_MS if qpu else device.max_run_ms,
        run_per_point=True,  # every point of a sweep is a run of its own, and each may take that long
        extra=_extra(spec),
    )


def calibration_of(spec: Mapping[str, Any]) -> Calibration | None:
    """What the specification's noise model says; its readout error is the mean over both outcomes."""
    noise = spec.get("default_noise_model")
    if not isinstance(noise, dict):
        return None
    wrong = [noise.get("p_false_pos"), noise.get("p_false_neg")]
    told = [float(one) for one in wrong if isinstance(one, (int, float))]
    return Calibration(
        readout_error=sum(told) / len(told) if told else None,
        raw=json.dumps(noise, sort_keys=True)[:_LONGEST_RAW],
    )


def _extra(spec: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    told = {
        "min_atom_distance_um": spec.get("min_atom_distance"),
        "max_radial_distance_um": spec.get("max_radial_distance"),
        "rydberg_level": spec.get("rydberg_level"),
        "channels": ", ".join(str(one.get("id")) for one in spec.get("channels") or ()),
        "pulser_version": spec.get("pulser_version"),
    }
    return tuple((name, str(value)) for name, value in told.items() if value not in (None, ""))


def _ours(device: Device, *, widths: Mapping[str, int], region: str, sandbox: bool) -> Device:
    width = widths.get(device.vendor_id, device.width)
    device = replace(device, width=width, region=region, price=price_of(device.name, sandbox=sandbox))
    if not sandbox:
        return device
    return replace(
        device,
        sandbox=True,
        region="sandbox",
        width=min(width or SANDBOX_WIDTH, SANDBOX_WIDTH),
        max_run_ms=MAX_RUN_MS,
        notes="; ".join(filter(None, (device.notes, _sandbox_note(device)))),
    )


def _sandbox_note(device: Device) -> str:
    if device.kind is Kind.QPU or device.vendor_id in MIMICS:
        return "sandbox: simulated by QuTiP with the example noise of its specification; no atoms"
    return "sandbox: simulated by QuTiP (pulser-simulation), whatever the name"
