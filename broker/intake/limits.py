"""How much may one program ask of us? Every bound of intake in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.program import MAX_SOURCE_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bounds that hold before anything is expanded.

    ``operations`` counts what a machine would execute after expansion; ``work`` also counts calls, iterations and
    classical statements, so that a program of empty gates cannot run for ever either. ``number`` and ``name`` are
    lengths in characters, ``blob`` is the size in bytes of a decompressed Perceval circuit,
    ``fields`` the number of protobuf fields in it.
    """

    source_bytes: int = MAX_SOURCE_BYTES
    tokens: int = 800_000
    nesting: int = 64
    json_nesting: int = 32
    operations: int = 1_000_000
    work: int = 4_000_000
    qubits: int = 10_000
    bits: int = 100_000
    parameters: int = 10_000
    name: int = 255
    number: int = 100
    modes: int = 1_000
    photons: int = 1_000
    duration_us: float = 10_000.0
    blob: int = 2 << 20
    fields: int = 300_000


LIMITS = Limits()
