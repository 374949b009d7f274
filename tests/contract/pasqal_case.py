"""Pasqal under the contract: the tag class."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from backends.base import Phase, Recovery
from backends.environment import Secret
from backends.errors import OutcomeUnknown
from backends.pasqal.adapter import PasqalBackend
from backends.pasqal.sandbox.serve import Sandbox
from backends.pasqal.settings import sandbox_settings
from broker.domain.program import Format
from tests.contract.promises import Case, requirement
from tests.contract.sandboxed import SandboxBench
from tests.support.pasqal_programs import HALF_TURN_NS, chain, program_of

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "contract-password-5d1c"


class PasqalBench(SandboxBench):
    def __init__(self, data: Path) -> None:
        super().__init__(Sandbox(data))

    def adapter(self, *, timeout_s: float = 20.0, url: str | None = None) -> PasqalBackend:
        settings = replace(sandbox_settings(url or self.url), password=Secret(PASSWORD))
        return PasqalBackend(settings, timeout_s=timeout_s)


@cache
def pair():
    return program_of(chain(2).build(t=HALF_TURN_NS))


def sweep():
    need = requirement(Format.PULSER, width=1, parameters=("t",), points=3)
    return program_of(chain(1, measured=False)), need, ({"t": 16.0}, {"t": 260.0}, {"t": float(HALF_TURN_NS)})


CASE = Case(
    name="pasqal",
    recovery=Recovery.TAG,
    start=PasqalBench,
    device="pasqal/emu-free",
    program=pair(),
    requirement=requirement(Format.PULSER, width=2),
    words={
        "PENDING": Phase.QUEUED,
        "RUNNING": Phase.RUNNING,
        "PAUSED": Phase.RUNNING,
        "DONE": Phase.DONE,
        "ERROR": Phase.FAILED,
        "TIMED_OUT": Phase.FAILED,
        "CANCELED": Phase.CANCELLED,
    },
    secrets=(PASSWORD,),
    sweep=sweep,
    invalid=program_of(chain(15, spacing=5.0).build(t=HALF_TURN_NS)),
    reactions={"unavailable": OutcomeUnknown},
    positions=False,
    why={
        "unavailable": "the vendor documents no 503 that is certain to come before the accept",
        "positions": "the vendor tells no place in the queue",
        "gate": "the machine is analog: it accepts no gate program",
    },
)
