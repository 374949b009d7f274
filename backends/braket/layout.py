"""Which qubit stands behind each classical bit? Written into a task's tags, so that any worker can read its result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backends.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOKEN_TAG = "qsubmit:token"  # noqa: S105  a tag's name
JOB_TAG = "qsubmit:job"
BITS_TAG = "qsubmit:bits-"
_VALUE = 256
_CHUNKS = 40
_PLACE_DIGITS = 4
# The tags come back from the vendor: "x999999999999" would be a list of so many bits.
_BITS = 1 << 16
_RUN = re.compile(r"(x?)([0-9]{1,9})(?:\+([0-9]{1,9}))?")

Bits = tuple[int | None, ...]
"""For each classical bit, in the order of a counts key, the program's qubit; None for a bit that stays 0."""


def bits_tags(bits: Sequence[int | None]) -> dict[str, str]:
    """The tags that hold the layout: runs as ``3+2`` (qubits 3 and 4) or ``x2`` (two bits that stay 0).

    Raises:
        Refused: more than the vendor's tags can hold (256 characters each, 50 of them).
    """
    chunks = [""]
    for run in _runs(bits):
        if len(chunks[-1]) + len(run) + 1 > _VALUE:
            chunks.append("")
        chunks[-1] = f"{chunks[-1]} {run}".strip()
    if len(chunks) > _CHUNKS:
        raise Refused("the measurements are too scattered for Braket's tags", code="limit_exceeded")
    return {f"{BITS_TAG}{place}": chunk for place, chunk in enumerate(chunks) if chunk}


def bits_of(tags: Mapping[str, str]) -> Bits | None:
    """The layout that a task's tags hold, or None when they hold none."""
    places = ((name.removeprefix(BITS_TAG), text) for name, text in tags.items() if name.startswith(BITS_TAG))
    named = sorted((int(place), text) for place, text in places if place.isdecimal() and len(place) < _PLACE_DIGITS)
    if not named:
        return None
    bits: list[int | None] = []
    for _, text in named:
        for run in text.split():
            bits.extend(_bits(run, most=_BITS - len(bits)))
    return tuple(bits)


def _runs(bits: Sequence[int | None]) -> list[str]:
    runs: list[list[int | None]] = []
    for qubit in bits:
        if runs and _continues(runs[-1], qubit):
            runs[-1].append(qubit)
        else:
            runs.append([qubit])
    return [_text(run) for run in runs]


def _continues(run: list[int | None], qubit: int | None) -> bool:
    last = run[-1]
    if last is None or qubit is None:
        return last is qubit
    return qubit == last + 1


def _text(run: list[int | None]) -> str:
    if run[0] is None:
        return f"x{len(run)}"
    return f"{run[0]}+{len(run)}" if len(run) > 1 else str(run[0])


def _bits(run: str, *, most: int) -> list[int | None]:
    found = _RUN.fullmatch(run)
    length = int(found[2] if found[1] else found[3] or 1) if found else 0
    if found is None or length > most:
        raise Refused(f"the task's tags hold no layout of ours: {run[:40]!r}")
    if found[1]:
        return [None] * length
    first = int(found[2])
    return list(range(first, first + length))
