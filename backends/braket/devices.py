"""What can a Braket device do? Its capabilities document as our ``Device``."""

from __future__ import annotations

import json
from datetime import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from backends.braket.calibration import calibration_of
from broker.domain.device import Device, Kind, Status, Window
from broker.domain.ids import DeviceName
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.price import Price

OPENQASM = "braket.ir.openqasm.program"
PROGRAM_SET = "braket.ir.openqasm.program_set"
AHS = "braket.ir.ahs.program"
OPERATIONS, MAX_TOTAL_SHOTS = "operations", "max_total_shots"
_DAYS = {
    "Everyday": range(1, 8),
    "Weekdays": range(1, 6),
    "Weekend": range(6, 8),
    **{day: (place + 1,) for place, day in enumerate(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    )},
}  # fmt: skip
_ALL_DAY = (time(0), time(23, 59, 59))
_SHOTS_CAP = 1_000_000
_SIMULATORS_AT_ONCE = 4


def name_of(arn: str) -> DeviceName:
    """``…/qpu/ionq/Forte-1`` → ``braket/ionq-forte-1``; ``…/amazon/sv1`` → ``braket/sv1``."""
    provider, name = arn.lower().split("/")[-2:]
    return DeviceName(f"braket/{name}" if provider == "amazon" else f"braket/{provider}-{name}")


def device_of(answer: Mapping[str, Any], *, region: str, sandbox: bool, price: Price | None) -> Device | None:
    """One ``GetDevice`` answer; None for a device that takes no format of ours."""
    abilities = json.loads(answer["deviceCapabilities"])
    actions = abilities.get("action", {})
    formats = _formats(actions)
    if not formats:
        return None
    service, sets = abilities.get("service", {}), actions.get(PROGRAM_SET) or {}
    low, high = service.get("shotsRange") or (1, _SHOTS_CAP)
    kind = Kind.QPU if answer["deviceType"] == "QPU" else Kind.SIMULATOR
    return Device(
        name=name_of(answer["deviceArn"]),
        backend="braket",
        vendor_id=answer["deviceArn"],
        kind=kind,
        accepts=formats,
        width=_width(abilities),
        min_shots=max(int(low), 1),
        max_shots=min(int(high), _SHOTS_CAP),
        max_points=int(sets.get("maximumExecutables") or 1),
        max_duration_us=_longest_us(abilities),
        result_types=OPENQASM in actions,
        sweeps=bool(sets),
        global_drive_only=AHS in actions and not _has_local_detuning(abilities),
        status=Status(answer["deviceStatus"].lower()),
        windows=_windows(service),
        queue_depth=_queue_depth(answer),
        concurrency=2 if kind is Kind.QPU else _SIMULATORS_AT_ONCE,
        region=_home(answer["deviceArn"]) or region,
        provider=answer["providerName"],
        calibration=calibration_of(abilities),
        price=price,
        max_run_ms=6 * 3600 * 1000 if kind is Kind.SIMULATOR else 60_000,
        sandbox=sandbox,
        notes=(service.get("deviceDocumentation") or {}).get("summary") or "",
        billed=kind is Kind.SIMULATOR,  # Amazon's cost money: without a price they are refused like a QPU
        extra=_extra(actions.get(OPENQASM) or {}, sets),
    )


def _home(arn: str) -> str:
    return arn.split(":")[3]


def _formats(actions: Mapping[str, Any]) -> frozenset[Format]:
    gate = {Format.OPENQASM2, Format.OPENQASM3} if OPENQASM in actions else set()
    atoms = {Format.AHS} if AHS in actions else set()
    if atoms and find_spec("pulser") is not None:
        atoms.add(Format.PULSER)
    return frozenset(gate | atoms)


def _width(abilities: Mapping[str, Any]) -> int | None:
    paradigm = abilities.get("paradigm") or {}
    sites = ((paradigm.get("lattice") or {}).get("geometry") or {}).get("numberSitesMax")
    found = [int(count) for count in (paradigm.get("qubitCount"), sites) if count]
    return min(found) if found else None


def _longest_us(abilities: Mapping[str, Any]) -> float | None:
    drive = ((abilities.get("paradigm") or {}).get("rydberg") or {}).get("rydbergGlobal") or {}
    return float(drive["timeMax"]) * 1e6 if "timeMax" in drive else None


def _has_local_detuning(abilities: Mapping[str, Any]) -> bool:
    return bool(((abilities.get("paradigm") or {}).get("rydberg") or {}).get("rydbergLocal"))


def _windows(service: Mapping[str, Any]) -> tuple[Window, ...]:
    """Empty when the device runs at all hours."""
    windows = tuple(
        Window(
            days=frozenset(_DAYS[window["executionDay"]]),
            start=time.fromisoformat(window["windowStartHour"]),
            end=time.fromisoformat(window["windowEndHour"]),
        )
        for window in service.get("executionWindows") or ()
    )
    always = any(len(window.days) == len(range(1, 8)) and (window.start, window.end) == _ALL_DAY for window in windows)
    return () if always else windows


def _queue_depth(answer: Mapping[str, Any]) -> int | None:
    sizes = [
        int(str(queue["queueSize"]).lstrip(">"))
        for queue in answer.get("deviceQueueInfo") or ()
        if queue["queue"] == "QUANTUM_TASKS_QUEUE" and queue.get("queuePriority", "Normal") == "Normal"
    ]
    return sum(sizes) if sizes else None


def _extra(gate: Mapping[str, Any], sets: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a submit needs to know again: the gates to write, and the shots that one program set may have."""
    extra = []
    if gate:
        extra.append((OPERATIONS, " ".join(gate.get("supportedOperations") or ())))
    if sets.get("maximumTotalShots"):
        extra.append((MAX_TOTAL_SHOTS, str(sets["maximumTotalShots"])))
    return tuple(extra)
