"""Which programs would an attacker, or a very unlucky user, send? A reproducible list with what each must lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.program import Format
from tests.support.hostile import documents, openqasm

if TYPE_CHECKING:
    from collections.abc import Iterator

ADMITTED = "admitted"
"""Legal: intake gives a Requirement whose figures are within its limits."""
DEVICE = "device"
"""Legal at intake and beyond any machine here: routing refuses every device, or the child fails cleanly."""
EITHER = "either"
"""A text cut at random: refused or admitted, but never anything else."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """One program. ``expectation`` is a ``program_*`` code, or one of the words above."""

    name: str
    format: Format
    source: str
    expectation: str


def corpus() -> Iterator[Hostile]:
    """All hostile programs, one after the other (some are a mebibyte: do not keep them)."""
    for name, form, source, expectation in openqasm.programs():
        yield Hostile(name, Format(form), source, expectation)
    for name, form, source, expectation in documents.programs():
        yield Hostile(name, Format(form), source, expectation)
