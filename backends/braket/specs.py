"""What is a Braket device made of? Its capabilities document, qubit by qubit."""

from __future__ import annotations

import json
from functools import lru_cache
from math import pi
from typing import TYPE_CHECKING, Any

from backends.braket.calibration import updated_at
from broker.domain.specs import Angle, GateSpecs, Qubit, Specs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from broker.domain.ids import DeviceName

OPENQASM = "braket.ir.openqasm.program"
_KEPT = 128
# The documents do not say it. Rigetti's control system has pulses for these angles alone; IonQ's gate of two is
# entangling up to a quarter turn, the two before it are phases.
_ANGLES: Mapping[str, tuple[Angle | None, ...]] = {
    "rigetti:rx": (Angle(values=(-pi, -pi / 2, pi / 2, pi)),),
    "ionq:ms": (None, None, Angle(least=0.0, most=pi / 2)),
}


@lru_cache(maxsize=_KEPT)
def specs_of(device: DeviceName, provider: str, capabilities: str) -> Specs:
    """Of one ``deviceCapabilities`` text; asked again with the same, nothing is read again."""
    abilities = json.loads(capabilities)
    gates = (abilities.get("action") or {}).get(OPENQASM)
    return Specs(
        device=device,
        gate=None if gates is None else _gate(abilities, gates, provider.lower()),
        vendor=json.dumps(abilities, sort_keys=True),
        as_of=updated_at(abilities),
    )


def _gate(abilities: Mapping[str, Any], gates: Mapping[str, Any], provider: str) -> GateSpecs:
    paradigm, standard = abilities.get("paradigm") or {}, abilities.get("standardized") or {}
    connectivity = paradigm.get("connectivity") or {}
    edges = _edges(connectivity)
    native = tuple(map(str, paradigm.get("nativeGateSet") or ()))
    singles = {str(label): _qubit(figures) for label, figures in (standard.get("oneQubitProperties") or {}).items()}
    pairs = {_pair(*pair.split("-")): _errors(figures) for pair, figures in _pairs(standard)}
    named = {*singles, *(label for pair in (*pairs, *(edges or ())) for label in pair)}
    return GateSpecs(
        native=native,
        supported=tuple(map(str, gates.get("supportedOperations") or ())),
        qubits=_labels(named, connectivity, paradigm.get("qubitCount")),
        edges=edges,
        one_qubit=tuple((label, singles[label]) for label in sorted(singles, key=_order)),
        two_qubit=tuple((pair, pairs[pair]) for pair in sorted(pairs, key=_order_of_pair) if pairs[pair]),
        angles=tuple((name, found) for name in native if (found := _ANGLES.get(f"{provider}:{name.lower()}"))),
    )


def _labels(named: Iterable[str], connectivity: Mapping[str, Any], count: object) -> tuple[str, ...]:
    """What the graph and the figures name, holes and all; where every qubit reaches every other, 0 and so on.

    A simulator has no labels.
    """
    listed = {str(label) for label in connectivity.get("connectivityGraph") or ()}
    found = listed.union(named)
    if not found and connectivity.get("fullyConnected") and isinstance(count, int):
        found = set(map(str, range(count)))
    return tuple(sorted(found, key=_order))


def _edges(connectivity: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
    """Each pair once: some providers list both directions, some one; all of their gates of two are symmetric."""
    if not connectivity or connectivity.get("fullyConnected"):
        return None
    graph = connectivity.get("connectivityGraph") or {}
    found = {_pair(one, other) for one, others in graph.items() for other in others}
    return tuple(sorted(found, key=_order_of_pair))


def _pairs(standard: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    found: Mapping[str, Any] = standard.get("twoQubitProperties") or {}
    return found.items()


def _qubit(figures: Mapping[str, Any]) -> Qubit:
    """Versions 1 and 2 of the standardized figures; one benchmark is enough, the first."""
    gate = readout = None
    for entry in figures.get("oneQubitFidelity") or ():
        kind = str((entry.get("fidelityType") or {}).get("name") or "").upper()
        if "READOUT" in kind:
            readout = _error(entry) if readout is None else readout
        elif gate is None:
            gate = _error(entry)
    return Qubit(error=gate, readout=readout, t1=_seconds(figures.get("T1")), t2=_seconds(figures.get("T2")))


def _errors(figures: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """Gate -> error on a pair; of several benchmarks of one gate the first."""
    found: dict[str, float] = {}
    for entry in figures.get("twoQubitGateFidelity") or ():
        found.setdefault(str(entry["gateName"]).lower(), _error(entry))
    return tuple(sorted(found.items()))


def _error(entry: Mapping[str, Any]) -> float:
    return round(1.0 - float(entry["fidelity"]), 12)


def _seconds(time: Mapping[str, Any] | None) -> float | None:
    """The schema knows one unit."""
    if not time or time.get("value") is None or str(time.get("unit", "S")).upper() != "S":
        return None
    return float(time["value"])


def _pair(one: object, other: object) -> tuple[str, str]:
    first, second = sorted((str(one), str(other)), key=_order)
    return first, second


def _order(label: str) -> tuple[int, str]:
    return (int(label), "") if label.isdecimal() else (1 << 31, label)


def _order_of_pair(pair: tuple[str, str]) -> tuple[tuple[int, str], tuple[int, str]]:
    return _order(pair[0]), _order(pair[1])
