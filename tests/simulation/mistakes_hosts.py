"""Mistakes about whose run it is and whether its host lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broker.domain import change
from broker.domain.host import Here
from broker.services import claim
from tests.simulation import fake_jobs
from tests.simulation.mistake import collector
from workers import drive, heart, look

if TYPE_CHECKING:
    from datetime import datetime

    import pytest

    from tests.simulation.mistake import Mistake

HOSTING: dict[str, Mistake] = {}
_mutant = collector(HOSTING)


@_mutant("rerun/.*/host_dies")
def dead_host_is_waited_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_jobs.Jobs, "_ours", lambda _, here: lambda job: fake_jobs._mine(job, here))


@_mutant("rerun/.*/host_(dies|joins)")
def everybody_looks_at_every_run(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_jobs.Jobs, "_ours", lambda *_: lambda _: True)


@_mutant("rerun/.*/host_stands")
def host_is_dead_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(heart.Heart, "here", lambda self, at: Here(host=self.host, heard=at))


@_mutant("rerun/.*/host_stands")
def nobody_beats(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(heart.Heart, "_say", lambda *_: None)


@_mutant("rerun/.*/host_(dies|joins)")
def run_is_bound_to_nobody(patch: pytest.MonkeyPatch) -> None:
    def begin(job: Any, *, at: datetime, host: Any = None) -> change.Change:
        return change.begin(job, at=at)

    patch.setattr(claim, "begin", begin)


@_mutant("rerun/.*/host_dies")
def dead_hosts_run_is_looked_for_at_our_own(patch: pytest.MonkeyPatch) -> None:
    for module in (drive, look):
        patch.setattr(module, "stranded", lambda *_: False)


@_mutant("rerun/.*/host_dies")
def job_that_goes_back_stays_bound(patch: pytest.MonkeyPatch) -> None:
    real = change.alter

    def alter(value: Any, **changes: Any) -> Any:
        return value if changes == {"host": None} else real(value, **changes)

    patch.setattr(change, "alter", alter)
