"""Which matrix does Braket's ``unitary`` pragma hold? Numbers such as ``0.5 - 0.5im``, checked to be unitary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.intake.qasm.events import Matrix

WIDEST = 6
_TOLERANCE = 1e-5
_REAL = r"[0-9]++(?:\.[0-9]*+)?+(?:[eE][+-]?+[0-9]++)?+|\.[0-9]++(?:[eE][+-]?+[0-9]++)?+"
_ENTRY = re.compile(rf"\s*+([+-]?+)\s*+({_REAL})\s*+(im)?+(?:\s*+([+-])\s*+({_REAL})\s*+im)?+\s*+")
_ROW = re.compile(r"\s*+\[([^][]*+)\]\s*+(,?+)")


def matrix_of(text: str) -> Matrix | None:
    """What stands in ``[[a, b], [c, d]]``; None where that is no square matrix of numbers."""
    inner = text.strip()
    if not (inner.startswith("[") and inner.endswith("]")):
        return None
    rows, at, inner = list[tuple[complex, ...]](), 0, inner[1:-1].rstrip()
    while at < len(inner):
        row = _ROW.match(inner, at)
        entries = [] if row is None else [_number(entry) for entry in row.group(1).split(",")]
        known = tuple(entry for entry in entries if entry is not None)
        if row is None or len(known) != len(entries) or (bool(row.group(2)) == (row.end() == len(inner))):
            return None
        rows.append(known)
        at = row.end()
    return tuple(rows) if rows and all(len(row_) == len(rows) for row_ in rows) else None


def is_unitary(matrix: Matrix) -> bool:
    """Whether its rows are orthonormal, to the digits that people write."""
    for place, row in enumerate(matrix):
        for other, column in enumerate(matrix[: place + 1]):
            product = sum(one * another.conjugate() for one, another in zip(row, column, strict=True))
            if abs(product - (place == other)) > _TOLERANCE:
                return False
    return True


def _number(text: str) -> complex | None:
    found = _ENTRY.fullmatch(text)
    if found is None:
        return None
    sign, first, imaginary, joined, second = found.groups()
    if imaginary and joined:
        return None
    value = float(f"{sign}{first}")
    if imaginary:
        return complex(0, value)
    return complex(value, float(f"{joined}{second}") if joined else 0)
