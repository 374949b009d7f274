"""What does this program need from a machine? A Requirement, or the reason why it cannot be admitted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format
from broker.intake.ahs import inspect_ahs
from broker.intake.limits import LIMITS, Limits
from broker.intake.perceval import inspect_perceval
from broker.intake.pulser import inspect_pulser
from broker.intake.qasm.inspector import inspect_openqasm2, inspect_openqasm3
from broker.intake.text import check_text

if TYPE_CHECKING:
    from broker.domain.program import Program
    from broker.domain.requirement import Requirement

_INSPECTORS = {
    Format.OPENQASM2: inspect_openqasm2,
    Format.OPENQASM3: inspect_openqasm3,
    Format.PULSER: inspect_pulser,
    Format.AHS: inspect_ahs,
    Format.PERCEVAL: inspect_perceval,
}


def inspect(program: Program, *, limits: Limits = LIMITS) -> Requirement:
    """The demands of ``program`` in time linear in its text, or ProgramInvalid with a location.

    ``shots`` and ``points`` stay 1: they belong to the job, and the caller replaces them.
    """
    check_text(program.source, limits)
    return _INSPECTORS[program.format](program, limits)


def guess(source: str, filename: str | None = None) -> Format:
    """The format that a text seems to have, by its file name and first words; ProgramInvalid if none fits."""
    head = source[:_HEAD].lstrip("\ufeff \t\r\n")
    if head.startswith("{"):
        for word, found in _JSON_WORDS:
            if word in source:
                return found
    version = _VERSION.search(source[:_HEAD])
    if version is not None:
        return Format.OPENQASM2 if version.group(1) == "2" else Format.OPENQASM3
    suffix = (filename or "").rpartition(".")[2].lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    raise ProgramInvalid(
        "program_format",
        "the format of this program cannot be told from its text",
        line=1,
        column=1,
        hint=f"name the format: {', '.join(Format)}",
    )


_HEAD = 4096
_VERSION = re.compile(r"^[ \t]*+OPENQASM[ \t]++([23])", re.MULTILINE)
_SUFFIXES = {"qasm2": Format.OPENQASM2, "qasm3": Format.OPENQASM3, "qasm": Format.OPENQASM3, "inc": Format.OPENQASM3}
_JSON_WORDS = (
    ('":PCVL:', Format.PERCEVAL),
    ('"ahs_register"', Format.AHS),
    ('"channels"', Format.PULSER),
)
