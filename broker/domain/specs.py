"""What is a device made of? Topology, gates, labels and figures as its vendor publishes them; a version is its hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.ids import DeviceName

Figures = tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Qubit:
    """Figures of one qubit: errors are probabilities, times seconds; None where the vendor says nothing."""

    error: float | None = None
    t1: float | None = None
    t2: float | None = None
    readout: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Angle:
    """What one parameter of a native gate may be, in radians: one of ``values``, else from ``least`` to ``most``."""

    values: tuple[float, ...] = ()
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSpecs:
    """A machine of qubits.

    ``native`` gates are its own, ``supported`` those that a program may use, in the vendor's names. ``qubits`` are the
    vendor's labels, which may begin at 1 and have holes; none where a simulator has no labels. ``edges`` are pairs that
    a gate of two may act on, each once and good in both directions; None is all to all. ``two_qubit`` gives errors of
    gates on a pair. ``angles`` narrows native gates, one entry per parameter, None for any angle.
    """

    native: tuple[str, ...] = ()
    supported: tuple[str, ...] = ()
    qubits: tuple[str, ...] = ()
    edges: tuple[tuple[str, str], ...] | None = None
    one_qubit: tuple[tuple[str, Qubit], ...] = ()
    two_qubit: tuple[tuple[tuple[str, str], Figures], ...] = ()
    angles: tuple[tuple[str, tuple[Angle | None, ...]], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Specs:
    """One device, as far as its vendor says.

    ``analog`` is the Pulser device's abstract representation; ``photonic`` and ``vendor`` are JSON texts: a photonic
    platform's specifications, and the vendor's own document. ``as_of`` is the vendor's date, never ours: a version
    changes when the vendor's figures do, not when somebody looks.
    """

    device: DeviceName
    gate: GateSpecs | None = None
    analog: str | None = None
    photonic: str | None = None
    vendor: str | None = None
    as_of: datetime | None = None
