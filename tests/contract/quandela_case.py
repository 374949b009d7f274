"""Quandela under the contract: the blind class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.base import Phase, Recovery
from backends.child import Child
from backends.environment import Secret
from backends.errors import OutcomeUnknown
from backends.quandela import desk
from backends.quandela.adapter import QuandelaBackend
from backends.quandela.sandbox.serve import Sandbox
from backends.quandela.settings import PLATFORMS, Settings
from broker.domain.program import Format, Program
from tests.contract.promises import Case, requirement
from tests.contract.sandboxed import SandboxBench
from tests.support import quandela_programs as programs

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "contract-token-4b7e"


class QuandelaBench(SandboxBench):
    """Its adapters share one warm child: Perceval takes seconds to import."""

    def __init__(self, data: Path) -> None:
        super().__init__(Sandbox(data))
        self._child = Child(desk.TARGET, desk.LIMITS)

    def adapter(self, *, timeout_s: float = 20.0, url: str | None = None) -> QuandelaBackend:
        settings = Settings(url=url or self.url, token=Secret(TOKEN), platforms=PLATFORMS, sandbox=True)
        return QuandelaBackend(settings, child=self._child)

    def close(self) -> None:
        super().close()
        self._child.close()


def sweep():
    need = requirement(Format.PERCEVAL, width=2, photons=2, parameters=("phi",), points=3)
    text = programs.source(programs.INTERFEROMETER)
    return Program.of(Format.PERCEVAL, text), need, ({"phi": 0.0}, {"phi": 1.0}, {"phi": 2.0})


CASE = Case(
    name="quandela",
    recovery=Recovery.BLIND,
    start=QuandelaBench,
    device="quandela/sim-slos",
    gate_device="quandela/sim-slos-gates",
    program=Program.of(Format.PERCEVAL, programs.source()),
    requirement=requirement(Format.PERCEVAL, width=2, photons=2),
    words={
        "waiting": Phase.QUEUED,
        "running": Phase.RUNNING,
        "suspended": Phase.RUNNING,
        "cancel_requested": Phase.RUNNING,
        "completed": Phase.DONE,
        "error": Phase.FAILED,
        "canceled": Phase.CANCELLED,
    },
    secrets=(TOKEN,),
    sweep=sweep,
    invalid=Program.of(Format.PERCEVAL, programs.source(input_state="|1,1,1>")),
    reactions={"unavailable": OutcomeUnknown},
    positions=False,
    why={
        "unavailable": "the vendor documents no 503, and a blind vendor's doubt cannot be settled afterwards",
        "positions": "the vendor tells no place in the queue",
    },
)
