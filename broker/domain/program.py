"""What did the user send? Source text and its format; nothing is executed and nothing is trusted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """The program formats accepted on the wire."""

    OPENQASM2 = "openqasm2"
    OPENQASM3 = "openqasm3"
    PULSER = "pulser"
    AHS = "ahs"
    PERCEVAL = "perceval"


class Paradigm(StrEnum):
    """How the machine computes."""

    GATE = "gate"
    ANALOG = "analog"
    PHOTONIC = "photonic"


PARADIGM = {
    Format.OPENQASM2: Paradigm.GATE,
    Format.OPENQASM3: Paradigm.GATE,
    Format.PULSER: Paradigm.ANALOG,
    Format.AHS: Paradigm.ANALOG,
    Format.PERCEVAL: Paradigm.PHOTONIC,
}

MAX_SOURCE_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """Source text with its format. ``sha256`` covers both, so equal hashes mean equal requirements."""

    format: Format
    source: str
    sha256: str

    @classmethod
    def of(cls, format: Format, source: str) -> Program:  # noqa: A002  the word of the API
        """Name the program by its content."""
        digest = hashlib.sha256(format.encode() + b"\0" + source.encode()).hexdigest()
        return cls(format=format, source=source, sha256=digest)
