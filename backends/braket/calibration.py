"""How good is a device today? Mean errors out of a capabilities document, whichever provider's form it has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from statistics import fmean
from typing import TYPE_CHECKING, Any

from broker.domain.device import Calibration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PERCENT = 100.0


def calibration_of(abilities: Mapping[str, Any]) -> Calibration | None:
    """Mean one-qubit, two-qubit and readout errors; None where the provider publishes nothing."""
    standard, provider = abilities.get("standardized") or {}, abilities.get("provider") or {}
    one, two, readout = _standardized(standard)
    if one is None and two is None and readout is None:
        one, two, readout = _provider(provider)
    if one is None and two is None and readout is None:
        readout = _detection(abilities)
    if one is None and two is None and readout is None:
        return None
    return Calibration(
        one_qubit_error=one,
        two_qubit_error=two,
        readout_error=readout,
        as_of=updated_at(abilities),
        raw=json.dumps(standard or provider or abilities.get("paradigm")),
    )


def _standardized(standard: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """Versions 1 and 2 list each qubit and pair; version 3 gives the whole machine."""
    benchmarks: list[float] = []
    readouts: list[float] = []
    for qubit in (standard.get("oneQubitProperties") or {}).values():
        for entry in qubit["oneQubitFidelity"]:
            kind = ((entry.get("fidelityType") or {}).get("name") or "").upper()
            (readouts if "READOUT" in kind else benchmarks).append(float(entry["fidelity"]))
    pairs = [
        _best(pair["twoQubitGateFidelity"])
        for pair in (standard.get("twoQubitProperties") or {}).values()
        if pair["twoQubitGateFidelity"]
    ]
    benchmarks = benchmarks or _listed(standard, "singleQubitFidelity")
    pairs = pairs or _listed(standard, "twoQubitGateFidelity")
    readouts = readouts or _listed(standard, "readoutFidelity")
    return _error(benchmarks), _error(pairs), _error(readouts)


def _best(gates: Iterable[Mapping[str, Any]]) -> float:
    """A pair is as good as its best native gate."""
    return max(float(gate["fidelity"]) for gate in gates)


def _listed(standard: Mapping[str, Any], name: str) -> list[float]:
    return [float(entry["fidelity"]) for entry in standard.get(name) or ()]


def _provider(provider: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """IonQ's ``fidelity`` (fractions) and AQT's ``properties`` (percent)."""
    means = {name: value.get("mean") for name, value in (provider.get("fidelity") or {}).items()}
    if means:
        return tuple(_error([mean]) if (mean := means.get(name)) else None for name in ("1Q", "2Q", "spam"))  # type: ignore[return-value]
    ions = provider.get("properties") or {}
    if "mean_two_qubit_gate_fidelity" not in ions:
        return None, None, None
    singles = [entry["value"] / _PERCENT for entry in ions["single_qubit_gate_fidelity"].values()]
    pairs, readout = ions["mean_two_qubit_gate_fidelity"]["value"], ions["spam_fidelity_lower_bound"]
    return _error(singles), _error([pairs / _PERCENT]), _error([readout / _PERCENT])


def _detection(abilities: Mapping[str, Any]) -> float | None:
    """Atoms: the mean of taking ground for Rydberg and Rydberg for ground."""
    performance = (abilities.get("paradigm") or {}).get("performance") or {}
    drive = (performance.get("rydberg") or {}).get("rydbergGlobal") or {}
    if "groundDetectionError" not in drive:
        return None
    return fmean((float(drive["groundDetectionError"]), float(drive["rydbergDetectionError"])))


def _error(fidelities: list[float]) -> float | None:
    return 1.0 - fmean(fidelities) if fidelities else None


def updated_at(abilities: Mapping[str, Any]) -> datetime | None:
    """When the provider wrote the figures, else the document."""
    standard, service = abilities.get("standardized") or {}, abilities.get("service") or {}
    text = standard.get("updatedAt") or service.get("updatedAt")
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
