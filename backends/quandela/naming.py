"""What does a job's name say? Our token first, so that an operator finds it; then what reading the result needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from broker.domain.ids import TOKEN_PREFIX

_NAME = re.compile(rf"(?P<token>{TOKEN_PREFIX}\S{{1,59}})(?: shots=(?P<shots>\d{{1,12}}))?(?: bits=(?P<bits>[\d._]+))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class JobName:
    """``shots`` are those asked for per point. ``bits`` belongs to a gate circuit: see gates.py."""

    token: str
    shots: int | None = None
    bits: str | None = None

    def __str__(self) -> str:
        shots = "" if self.shots is None else f" shots={self.shots}"
        return f"{self.token}{shots}" + (f" bits={self.bits}" if self.bits else "")


def parse(name: str) -> JobName | None:
    """The parts of a name that we gave; None for anybody else's."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    shots = found["shots"]
    return JobName(token=found["token"], shots=int(shots) if shots else None, bits=found["bits"])
