"""What came back? One schema-versioned form for gate, analog and photonic runs, named by the hash of its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from broker.domain.text import storable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.program import Paradigm
    from broker.domain.requirement import Register

SCHEMA_VERSION = "1.0"

BIT_ORDER = {
    "gate": "key[i] is classical bit i: registers in declaration order, index 0 of each leftmost",
    "analog": "key[i] is atom i in register order: 1 = Rydberg (pulser: measured 1), 0 = ground",
    "photonic": "|n0,n1,...>: photons in mode 0, 1, ...",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """One point: the parameter values it bound and a histogram of integer counts that sums to the shots obtained."""

    counts: Mapping[str, int]
    bindings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The normal form. ``raw`` is the vendor's body; ``compiled`` the program as run, where the vendor says."""

    kind: Paradigm
    points: tuple[Outcomes, ...]
    shots_asked: int
    registers: tuple[Register, ...]
    device: str
    sandbox: bool
    calibration: str | None = None
    compiled: str | None = None
    raw: str | None = None
    software: Mapping[str, str] = field(default_factory=dict)
    engine: str | None = None
    warnings: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The JSON form of the API; ``counts`` and ``shots`` repeat the only point of a job that is no sweep."""
        points = [
            {"bindings": dict(p.bindings), "counts": dict(sorted(p.counts.items())), "shots": sum(p.counts.values())}
            for p in self.points
        ]
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": self.kind.value,
            "counts": points[0]["counts"] if len(points) == 1 else None,
            "points": points,
            "shots": {"asked": self.shots_asked, "obtained": sum(p["shots"] for p in points)},
            "bit_order": BIT_ORDER[self.kind.value],
            "registers": [{"name": r.name, "size": r.size, "offset": r.offset} for r in self.registers],
            "device": self.device,
            "sandbox": self.sandbox,
            "calibration": self.calibration,
            "compiled": self.compiled,
            "raw": self.raw,
            "software": dict(self.software),
            "engine": self.engine,
            "warnings": list(self.warnings),
        }


def seal(document: Mapping[str, Any]) -> tuple[str, str]:
    """Canonical JSON text of a result document and its SHA-256."""
    # Storable before it is hashed: what the database would change must not change after.
    text = storable(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    return text, hashlib.sha256(text.encode()).hexdigest()
