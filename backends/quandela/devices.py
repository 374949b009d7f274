"""What does Quandela offer? One ``Device`` per platform, from its details: constraints, commands, performance."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from backends.quandela.gates import MAX_MODES, MAX_PHOTONS, MAX_QUBITS
from backends.quandela.prices import price_of
from broker.domain.device import Calibration, Device, Kind, Status
from broker.domain.ids import DeviceName
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "quandela"
GATES = "Small gate circuits, as dual-rail photonic ones; results are post-selected."
_STATUS = {
    "available": Status.ONLINE,
    "retired": Status.RETIRED,
    "decommissioned": Status.RETIRED,
}
_FIGURES = ("Transmittance (%)", "HOM (%)", "g2 (%)", "Clock (MHz)")


def device_name(platform: str) -> DeviceName:
    """``qpu:belenos`` is ``quandela/belenos``; a simulator keeps its ``sim-``."""
    kind, _, bare = platform.partition(":")
    return DeviceName(f"{NAME}/{bare if kind == 'qpu' else platform.replace(':', '-')}")


def devices_of(details: Mapping[str, Any], *, sandbox: bool, max_run_ms: int) -> list[Device]:
    """A platform for photonic programs; a perfect simulator once more, for small gate circuits."""
    device = device_of(details, sandbox=sandbox, max_run_ms=max_run_ms)
    perfect = device.kind is Kind.SIMULATOR and device.calibration is None
    if not perfect or find_spec("qiskit") is None:
        return [device]
    return [device, _for_gates(device)]


def _for_gates(device: Device) -> Device:
    name = DeviceName(f"{device.name}-gates")
    return replace(
        device,
        name=name,
        accepts=frozenset({Format.OPENQASM2, Format.OPENQASM3}),
        width=MAX_QUBITS,
        max_photons=None,
        max_points=1,
        sweeps=False,
        price=price_of(name, sandbox=device.sandbox),
        notes=f"{GATES} {device.notes}".strip(),
    )


def device_of(details: Mapping[str, Any], *, sandbox: bool, max_run_ms: int) -> Device:
    """A platform as the broker sees it. A status that we do not know counts as offline."""
    platform = str(details["name"])
    bounds = _mapping(_mapping(details.get("specs")).get("constraints"))
    name = device_name(platform)
    return Device(
        name=name,
        backend=NAME,
        vendor_id=platform,
        kind=Kind.SIMULATOR if str(details.get("type")) == "simulator" else Kind.QPU,
        accepts=frozenset({Format.PERCEVAL}),
        width=_whole(bounds.get("max_mode_count")),
        max_photons=_whole(bounds.get("max_photon_count")),
        max_shots=_whole(bounds.get("max_shots")) or 1_000_000,
        status=_STATUS.get(str(details.get("status")), Status.OFFLINE),
        provider="Quandela",
        calibration=_calibration(details),
        price=price_of(name, sandbox=sandbox),
        max_run_ms=max_run_ms,
        sandbox=sandbox,
        notes=str(_mapping(details.get("specs")).get("description", ""))[:500],
        extra=_extra(details, bounds),
    )


def commands_of(device: Device) -> list[str]:
    """The platform's commands, as ``device_of`` noted them."""
    return dict(device.extra).get("commands", "").split(",")


def bounds_of(device: Device) -> dict[str, int]:
    """Modes and photons that a gate circuit may need on the platform once it is photonic."""
    noted = dict(device.extra)
    modes, photons = (_whole(json.loads(noted.get(name, "null"))) for name in ("max_mode_count", "max_photon_count"))
    return {"modes": min(modes or MAX_MODES, MAX_MODES), "photons": min(photons or MAX_PHOTONS, MAX_PHOTONS)}


def _extra(details: Mapping[str, Any], bounds: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    available = _mapping(details.get("specs")).get("available_commands")
    commands = ",".join(map(str, available)) if isinstance(available, list) else "sample_count"
    figures = _mapping(details.get("perfs"))
    return (
        ("commands", commands),
        *((name, json.dumps(bounds[name])) for name in sorted(bounds)),
        *((name, str(figures[name])) for name in _FIGURES if name in figures),
    )


def _calibration(details: Mapping[str, Any]) -> Calibration | None:
    """Photonic figures have no place among gate errors; the vendor's own words are kept whole."""
    figures = _mapping(details.get("perfs"))
    if not figures:
        return None
    return Calibration(as_of=_date(details.get("perfs_date")), raw=json.dumps(figures, sort_keys=True))


def _date(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
